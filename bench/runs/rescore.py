"""Score a trained member again, from its record or its checkpoint: with other metrics, another sample, or path lengths.

A record is never changed. A training whose scoring failed keeps its checkpoint, so its scores can be had here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bench import data
from bench.data import DataSet
from bench.errors import UserError
from bench.features import networks
from bench.features.sample import Sample
from bench.metrics.defaults import default_ids
from bench.metrics.inputs import EvaluationInputs, Pairs
from bench.metrics.measure import Measurement, measure
from bench.metrics.preconditions import applicable
from bench.records import record as records
from bench.runs import trained_model
from bench.runs.paths import latent_paths
from bench.runs.trained_model import Trained, Which
from bench.suites import suite as suites
from bench.training.loop import Execution
from bench.training.sampling import generate, request, targets

SAMPLES = 10_000  # of a checkpoint whose suite is not known here; never more than there are training images
OTHER_DATA = "real images of other content than those that the training was scored with"


@dataclass(frozen=True)
class Rules:
    """What of a training's protocol is needed to score it. None or empty: not known."""

    data: str | None = None
    resolution: int | None = None
    digest: str | None = None  # of the data set's content
    samples: int | None = None
    seed: int = 0
    metrics: tuple[str, ...] = ()


def rescore(
    source: Path,
    metrics: Sequence[str] | None = None,
    *,
    real: str | None = None,
    which: Which = "last",
    samples: int | None = None,
    seed: int | None = None,
    data_root: Path | None = None,
    device: str | torch.device = "cpu",
) -> list[Measurement]:
    """Measure images of a trained member against its data set.

    Args:
        source: A record (.json), whose checkpoint is looked for in the cache, or a checkpoint (last.pt, best.pt).
        metrics: Any ids, path lengths included. None: those of the training's suite, else the defaults.
        real: The data set by name; None: that of the record or of the checkpoint's suite. A record does not say where a
            folder is, so give that one.
        which: The checkpoint of a record, "last" or "best".
        samples: How many images, and how many paths of path lengths; None: as many as the suite says.
        seed: Of the sample; None: the suite's first. With the suite's numbers the record's scores come out again.
        data_root: A torchvision-style root that is looked at before anything is downloaded.
        device: Where images are generated and features are computed.

    Raises:
        UserError: There is no checkpoint, no data set, or a metric lacks its inputs; nothing is scored then.
    """
    target = torch.device(device)
    trained = trained_model.load(source, which, target)
    rules = rules_of(source, trained)
    dataset = data_set_of(real or rules.data, rules, trained, data_root)
    count = samples or rules.samples or min(SAMPLES, len(dataset.train))
    subject = _subject(trained, dataset, count, rules.seed if seed is None else seed, target)
    load = partial(networks.load, device=str(device))
    ids = list(metrics or rules.metrics) or applicable(
        default_ids(dataset.name, pairs=subject.pairs is not None), subject, load
    )
    found = measure(ids, subject.train, subject.held_out, subject.fake, load, pairs=subject.pairs, paths=subject.paths)
    strange = rules.digest is not None and rules.digest != dataset.digest
    return [replace(item, flags=(*item.flags, OTHER_DATA)) for item in found] if strange else found


def _subject(trained: Trained, dataset: DataSet, count: int, seed: int, device: torch.device) -> EvaluationInputs:
    """A sample of the member, as many paths, and the real images."""
    gan, spec = trained.gan, trained.spec
    asked = request(gan, dataset, count, seed)
    images = generate(gan, trained.nets, asked, spec, Execution(device=device))
    fake = Sample.of(images, asked.labels, name=f"sample of {trained.identity.member}")
    wanted = targets(gan, dataset, count)
    pairs = None if wanted is None else Pairs(fake, Sample.of(wanted, name=f"targets of {fake.name}"))
    paths = latent_paths(gan, trained.nets, spec, device, count, dataset)
    train, held_out = (
        Sample.of(split.images, split.labels, name=f"{kind} split of {dataset.name}", keep=True)
        for split, kind in ((dataset.train, "training"), (dataset.held_out, "held-out"))
    )
    return EvaluationInputs(train, held_out, fake, pairs, paths)


def rules_of(source: Path, trained: Trained) -> Rules:
    """From the record, else from the suite of the checkpoint where it comes with the bench."""
    if source.suffix == ".json":
        record = records.read(source)
        return _of_protocol(record.protocol, None)
    name = trained.identity.suite
    if name not in suites.names():
        return Rules()
    suite = suites.load(name)
    return _of_protocol(suite.protocol({}), suite.data.name)


def _of_protocol(protocol: dict[str, Any], name: str | None) -> Rules:
    """What a protocol says; it leaves out where a folder of images lies."""
    rules, evaluation = protocol["data"], protocol["evaluation"]
    family = str(rules["name"])
    return Rules(
        data=name or (None if family in suites.WITH_PATH else family),
        resolution=rules.get("resolution"),
        digest=protocol["facts"].get("data", {}).get("digest"),
        samples=evaluation["samples"],
        seed=evaluation["sample_seeds"][0],
        metrics=tuple(evaluation["metrics"]),
    )


def data_set_of(name: str | None, rules: Rules, trained: Trained, data_root: Path | None) -> DataSet:
    """The real images of a training, by name. Raises UserError where none is known, or one of another size is named."""
    if name is None:
        raise UserError(
            f"where the real images of this training of {trained.identity.member!r} are is not recorded. Name them: --real "
            f"folder:PATH, or a data set."
        )
    dataset = data.load(name, resolution=rules.resolution or trained.spec.resolution, data_root=data_root)
    found, wanted = (dataset.channels, dataset.resolution), (trained.spec.channels, trained.spec.resolution)
    if found != wanted:
        raise UserError(
            f"{name} has images of {found[0]} channels and {found[1]} pixels; the member makes {wanted[0]} channels and "
            f"{wanted[1]} pixels. Name the data set that it was trained on."
        )
    return dataset
