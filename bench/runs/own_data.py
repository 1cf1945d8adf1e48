"""A suite for your own data set, made from one line and kept beside its records.

    bench run --dataset folder:photos/ --resolution 64 --member stylegan2-ada

Whatever is not said gets a default, the whole is written to results/<suite>/suite.toml, and that file says the same again:
`bench run --suite results/photos-64/suite.toml`. One folder of results never holds two protocols under one name.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.data import DataSet, load
from bench.data.names import parse as parse_name
from bench.errors import UserError
from bench.features import networks
from bench.features.sample import Sample
from bench.files import write_atomically
from bench.metric_facts import MetricId
from bench.metrics.defaults import default_ids
from bench.metrics.inputs import EvaluationInputs, Pairs
from bench.metrics.preconditions import applicable
from bench.suites.suite import Suite, names, parse
from bench.suites.suite import load as load_suite

IMAGES = 1_000_000  # real images drawn
BATCH = 64
SEEDS = (0, 1, 2)
SAMPLES = 10_000  # at most: and never more than there are training images
CURVE_SAMPLES = 2_000  # at most
POINTS = 10  # of the curve
FILE = "suite.toml"


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


def compose(wishes: SuiteOptions, data_root: Path | None = None) -> Suite:
    """The suite that the wishes and the data set make; the set is prepared if need be.

    Raises UserError when no member is named, the data set cannot be read, or the suite's name is taken.
    """
    if not wishes.members:
        raise UserError("--dataset: no member is named. Add for instance --member sngan (see `bench list members`).")
    dataset = load(wishes.dataset, resolution=wishes.resolution, data_root=data_root, skip_broken=wishes.skip_broken)
    name = wishes.name or f"{_slug(wishes.dataset)}-{dataset.resolution}"
    if name in names():
        raise UserError(f"--name {name}: a suite of that name comes with the bench. Give another name.")
    return parse(_text(wishes, dataset, name), f"of {wishes.dataset}")


def render(suite: Suite) -> str:
    """The suite as TOML, in the order of the files that come with the bench."""
    content = suite.model_dump(mode="json", exclude_defaults=True)
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    lines = [f"# {NOTE}", *_lines({key: value for key, value in content.items() if key not in tables})]
    for key, table in tables.items():
        lines += ["", f"[{key}]", *_lines(table)]
    return "\n".join(lines) + "\n"


def keep(suite: Suite, results: Path) -> Path:
    """Write the suite beside its records; members and seeds are added to those of an earlier run by the same rules.

    Raises UserError when other rules are kept there under the same name and version.
    """
    path = results / suite.name / FILE
    if path.exists():
        suite = _joined(load_suite(str(path)), suite, path)
    write_atomically(path, render(suite).encode())
    return path


def keep_file(source: Path, suite: Suite, results: Path) -> None:
    """Keep a copy of a suite that somebody wrote, so that its records can be made again. Raises UserError as `keep` does."""
    path = results / suite.name / FILE
    if path.exists():
        kept = load_suite(str(path))
        if kept.version == suite.version:
            _demand_same_rules(kept, suite, path, f"Raise the version in {source}")
    if not (path.exists() and path.samefile(source)):
        write_atomically(path, source.read_bytes())


NOTE = "Made by `bench run --dataset`. To run it again, anywhere: bench run --suite THIS FILE (data.name says where the images are)."


def _text(wishes: SuiteOptions, dataset: DataSet, name: str) -> str:
    images = wishes.images or IMAGES
    paired = dataset.held_out.source is not None and dataset.held_out.paired
    count = len(dataset.held_out if dataset.held_out.source is not None else dataset.train)
    samples = min(SAMPLES, count)
    fid = str(MetricId("fid", networks.default_for(dataset.name)))
    bounded = f", {samples:,} samples because there are no more images" if samples < SAMPLES else ""
    header = {
        "name": name,
        "version": "1.0.0",
        "title": f"{wishes.dataset.rstrip('/')} at {dataset.resolution} pixels: {len(dataset.train):,} training images{bounded}",
        "members": list(wishes.members),
        "seeds": list(wishes.seeds or SEEDS),
        "ranking": fid,
    }
    tables = {
        "data": {"name": wishes.dataset, "resolution": dataset.resolution},
        "training": {"images": images, "batch_size": wishes.batch_size or min(BATCH, len(dataset.train))},
        "evaluation": {
            "metrics": _metrics(dataset, samples, paired),
            "samples": samples,
            "every": max(images // POINTS, 1),
            "curve_samples": min(CURVE_SAMPLES, samples),
            "selection": f"{fid}:held-out",
        },
    }
    lines = _lines(header)
    for key, table in tables.items():
        lines += [f"[{key}]", *_lines(table)]
    return "\n".join(lines)


def _lines(table: dict[str, object]) -> list[str]:
    """Strings, numbers, truths and lists of these are written alike in JSON and TOML."""
    return [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]


def _metrics(dataset: DataSet, samples: int, paired: bool) -> list[str]:
    """The defaults that as many fakes, like the held-out images and of the same classes or none, can be measured by."""
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
