"""A suite for your own data set, made from one line and kept beside its records.

    bench run --dataset folder:photos/ --resolution 64 --member stylegan2-ada

Whatever is not said gets a default, the whole is written to results/<suite>/suite.toml, and that file says the same again:
`bench run --suite results/photos-64/suite.toml`. One folder of results never holds two protocols under one name.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tomli_w

from bench import metric_facts
from bench.data import DataSet, load
from bench.data.names import parse as parse_name
from bench.errors import UserError
from bench.features import networks
from bench.features.sample import Sample
from bench.files import write_atomically
from bench.metric_facts import MetricId
from bench.metrics.defaults import default_ids
from bench.metrics.inputs import EvaluationInputs, Pairs, needs_extractor
from bench.metrics.preconditions import applicable
from bench.records.record import paths as record_paths
from bench.suites.suite import Suite, names, parse
from bench.suites.suite import load as load_suite

IMAGES = 1_000_000  # real images drawn
BATCH = 64
SEEDS = (0, 1, 2)
SAMPLES = 10_000  # at most: and never more than there are training images
CURVE_SAMPLES = 2_000  # at most
POINTS = 10  # of the curve
FILE = "suite.toml"
NOTE = "Made by `bench run --dataset`. To run it again, anywhere: bench run --suite THIS FILE (data.name says where the images are)."


@dataclass(frozen=True)
class SuiteOptions:
    """What the command line says. None: the default."""

    dataset: str
    members: tuple[str, ...]
    seeds: tuple[int, ...] = ()
    resolution: int | None = None
    images: int | None = None
    batch_size: int | None = None
    name: str | None = None
    skip_broken: bool = False
    samples: int | None = None
    every: int | None = None
    metrics: tuple[str, ...] = ()


def compose(wishes: SuiteOptions, data_root: Path | None = None) -> Suite:
    """The suite that the wishes and the data set make; the set is prepared if need be.

    Raises UserError when no member is named, the data set cannot be read, or the suite's name is taken.
    """
    if not wishes.members:
        raise UserError("--dataset: no member is named. Add for instance --member sngan (see `bench list members`).")
    dataset = load(_data_name(wishes), resolution=wishes.resolution, data_root=data_root)
    _demand_two_on_each_side(dataset)
    name = wishes.name or f"{_slug(wishes.dataset)}-{dataset.resolution}"
    if name in names():
        raise UserError(f"--name {name}: a suite of that name comes with the bench. Give another name.")
    return parse(tomli_w.dumps(_content(wishes, dataset, name)), f"of {wishes.dataset}")


def _data_name(wishes: SuiteOptions) -> str:
    """The data set's name with the options that belong to it, which the suite file keeps."""
    if not wishes.skip_broken:
        return wishes.dataset
    return f"{wishes.dataset}{'&' if '?' in wishes.dataset else '?'}broken=skip"


def _demand_two_on_each_side(dataset: DataSet) -> None:
    """A distance of distributions needs two images of each. Raises UserError."""
    for split, name in ((dataset.train, "for training"), (dataset.held_out, "held out")):
        if len(split) < 2:
            raise UserError(
                f"{dataset.name}: {len(split)} image {name}; at least 2 are required to train and to score. "
                "Add images, or make the splits yourself: folders train/ and test/."
            )


def render(suite: Suite, note: str = NOTE) -> str:
    """The suite as TOML, in the order of the files that come with the bench, below a note."""
    return f"# {note}\n{tomli_w.dumps(suite.model_dump(mode='json', exclude_defaults=True))}"


def keep(suite: Suite, results: Path) -> Path:
    """Write the suite beside its records; members and seeds are added to those of an earlier run by the same rules.

    Raises UserError when other rules are kept there under the same name and version.
    """
    path = results / suite.name / FILE
    if path.exists() and _has_records(results, suite):
        suite = _joined(load_suite(str(path)), suite, path)
    write_atomically(path, render(suite).encode())
    return path


def keep_file(source: Path, suite: Suite, results: Path) -> None:
    """Keep a copy of a suite that somebody wrote, so that its records can be made again. Raises UserError as `keep` does."""
    path = results / suite.name / FILE
    if path.exists() and _has_records(results, suite):
        kept = load_suite(str(path))
        if kept.version == suite.version:
            _demand_same_rules(kept, suite, path, f"Raise the version in {source}")
    if not (path.exists() and path.samefile(source)):
        write_atomically(path, source.read_bytes())


def _has_records(results: Path, suite: Suite) -> bool:
    """Whether anything was recorded under the kept rules: before that they may change."""
    return next(record_paths(results, suite.name), None) is not None


def _content(wishes: SuiteOptions, dataset: DataSet, name: str) -> dict[str, object]:
    """The suite's file as values."""
    images = wishes.images or IMAGES
    sources = dataset.held_out.source
    count = len(dataset.train if sources is None else sources)  # each held-out picture is translated once
    samples = wishes.samples or min(SAMPLES, count)
    extractor = networks.default_for(dataset.name)
    measured = _asked(wishes, extractor) or _metrics(dataset, samples)
    fid = str(MetricId("fid", extractor))
    bounded = f", {samples:,} samples because there are no more images" if samples == count < SAMPLES else ""
    return {
        "name": name,
        "version": "1.0.0",
        "title": f"{wishes.dataset.rstrip('/')} at {dataset.resolution} pixels: {len(dataset.train):,} training images{bounded}",
        "members": list(wishes.members),
        "seeds": list(wishes.seeds or SEEDS),
        "ranking": fid if fid in measured else measured[0],
        "data": {"name": _data_name(wishes), "resolution": dataset.resolution},
        "training": {"images": images, "batch_size": wishes.batch_size or min(BATCH, len(dataset.train))},
        "evaluation": {
            "metrics": measured,
            "samples": samples,
            "every": wishes.every or max(images // POINTS, 1),
            "curve_samples": min(CURVE_SAMPLES, samples),
            "selection": f"{fid}:held-out",
        },
    }


def _asked(wishes: SuiteOptions, extractor: str) -> list[str]:
    """The metrics that are asked for, through the set's network where they need one and name none."""
    parsed = [MetricId.parse(text) for text in wishes.metrics]
    bare = [id_.extractor is None and any(map(needs_extractor, metric_facts.find(id_.name).needs)) for id_ in parsed]
    return [
        str(MetricId(id_.name, extractor, id_.held_out)) if open_ else str(id_)
        for id_, open_ in zip(parsed, bare, strict=True)
    ]


def _metrics(dataset: DataSet, samples: int) -> list[str]:
    """The defaults that as many fakes, like the held-out images and of the same classes or none, can be measured by."""
    paired = dataset.held_out.source is not None and dataset.held_out.paired
    train, held_out = (Sample(split.images, name="split") for split in (dataset.train, dataset.held_out))
    fake = Sample(
        np.broadcast_to(dataset.held_out.images[:1], (samples, *dataset.held_out.images.shape[1:])), name="sample"
    )
    inputs = EvaluationInputs(train, held_out, fake, Pairs(fake, fake) if paired else None)
    return applicable(default_ids(dataset.name, pairs=paired), inputs)


def _slug(dataset: str) -> str:
    """The last part of the path, or the name of the set, fit for a file name."""
    name = parse_name(dataset)
    path = name.argument.split(",")[0]
    last = Path(path).expanduser().resolve().name if name.family in ("folder", "pairs", "unpaired") else dataset
    letters = [letter if letter.isascii() and letter.isalnum() else "-" for letter in last.lower()]
    return "".join(letters).strip("-")[:60] or "own"


def _joined(kept: Suite, new: Suite, path: Path) -> Suite:
    """The kept suite with the members and seeds of both."""
    if kept.data.name != new.data.name:
        raise UserError(
            f"{path} is a suite of {kept.data.name}, not of {new.data.name}. Give this one a --name of its own."
        )
    _demand_same_rules(kept, new, path, "Give this one a --name of its own")
    members = tuple(dict.fromkeys((*kept.members, *new.members)))
    return kept.model_copy(update={"members": members, "seeds": tuple(sorted({*kept.seeds, *new.seeds}))})


def _demand_same_rules(kept: Suite, new: Suite, path: Path, remedy: str) -> None:
    old, wanted = kept.protocol({}), new.protocol({})
    differing = [
        f"{section}.{key} is {value!r}, not {wanted[section].get(key)!r}"
        for section in ("data", "training", "evaluation")
        for key, value in old[section].items()
        if wanted[section].get(key) != value
    ]
    if old == wanted and kept.ranking == new.ranking:
        return
    raise UserError(
        f"{path}: the records beside it were made by other rules ({'; '.join(differing) or 'see the file'}), and are not "
        f"mixed with these. {remedy}, or run `bench run --suite {path}` to go on with the kept ones."
    )
