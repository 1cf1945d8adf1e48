"""What every metric is, without importing one: title, direction, scale, range, what it needs, when it is a default.

The facts stand in a ``metrics.toml``: those of this suite in ``bench/metrics``, those of a plug-in in the package that
registers its function under the entry point group ``bench.metrics``. A record carries the facts of the plug-in metrics
in it, so that a board can be made where the plug-in is not installed. docs/metrics.md shows a metric of your own.

    [sharpness]
    title = "Sharpness"
    version = 1
    better = "higher"
    scale = "log"
    unit = "grey levels"
    low = 0
    needs = ["fake_images"]
    summary = "Mean absolute response of the Laplacian over the fakes"
"""

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bench.errors import UserError, unknown

GROUP = "bench.metrics"
FILE = "metrics.toml"
HELD_OUT = "held-out"

Side = Literal["real", "fake", "train", "held_out", "output", "target"]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Line = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]


class MetricFacts(BaseModel):
    """What is known of one metric without computing it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[Line, Field(max_length=40)]  # for people: "FID"
    version: int = Field(ge=1)  # raised whenever the number for the same images changes
    better: Literal["lower", "higher"]
    # Where its noise over training seeds is additive: the logarithm for distances and other positive numbers, the
    # log-odds for shares of images, the value itself otherwise.
    scale: Literal["log", "logit", "identity"]
    unit: Annotated[str, Field(max_length=40)] = ""  # "" where the number has none
    low: Finite | None = None  # the range of possible values, bounds included; None: unbounded
    high: Finite | None = None
    summary: Line  # what it measures, convention, source

    needs: tuple[str, ...] = Field(min_length=1)  # inputs of the function, by name: see bench.metrics.inputs
    labels: tuple[Side, ...] = ()  # sides that need class labels
    classifier: bool = False  # whether the extractor must give class logits
    lpips: bool = False  # whether it is defined on the networks of LPIPS only
    networks: tuple[str, ...] = ()  # the extractors that it is defined on; none named: any
    channels: int | None = None  # of the images, where the metric is defined for one number of them
    pixels: int = Field(default=1, ge=1)  # fewest on the shorter side of an image
    minimum: int = Field(default=1, ge=1)  # fewest images on each side for which the number is defined
    per_class: int = Field(default=0, ge=0)  # fewest fakes in every class
    class_pairs: int = Field(default=0, ge=0)  # fewest pairs of fakes of one class
    enough: int = Field(default=0, ge=0)  # fewer images on a side bend the number or leave it to chance: it is flagged

    default: Literal["never", "always", "classes", "pairs"] = "never"  # where no metric was named
    both_splits: bool = False  # as a default against the held-out split too

    @model_validator(mode="after")
    def _scale_suits_the_range(self) -> "MetricFacts":
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"the range from {self.low} to {self.high} is empty")
        if self.scale == "log" and (self.low is None or self.low < 0):
            raise ValueError('scale = "log" is for numbers that cannot be negative: give low = 0 or more')
        if self.scale == "logit" and (self.low, self.high) != (0, 1):
            raise ValueError('scale = "logit" is for shares: give low = 0 and high = 1')
        return self

    @property
    def range(self) -> str:
        """The range for people, e.g. ``[0, 1]`` or ``[0, ∞)``."""
        low = "(-∞" if self.low is None else f"[{self.low:g}"
        return f"{low}, ∞)" if self.high is None else f"{low}, {self.high:g}]"

    def holds(self, value: float) -> bool:
        """Whether a value lies in the range; rounding below a bound of zero is allowed for."""
        return (self.low is None or value >= self.low - 1e-6) and (self.high is None or value <= self.high + 1e-6)


@dataclass(frozen=True)
class MetricId:
    """``NAME[@EXTRACTOR][:held-out]``, e.g. ``fid@digits-cnn``: real side = training split, the GAN convention.

    ``fid@digits-cnn:held-out`` compares with the held-out split. Another network or another split is another column.
    """

    name: str
    extractor: str | None = None
    held_out: bool = False

    @classmethod
    def parse(cls, text: str) -> "MetricId":
        """Read an id; raises UserError when the text is not of the form above."""
        body, colon, split = text.partition(":")
        name, at, extractor = body.partition("@")
        if not name or (at and not extractor) or (colon and split != HELD_OUT):
            raise UserError(
                f"metric id {text!r} is not NAME[@EXTRACTOR][:{HELD_OUT}]. Write for instance 'fid@digits-cnn' "
                f"(real side: training split) or 'fid@digits-cnn:{HELD_OUT}'."
            )
        return cls(name, extractor or None, bool(colon))

    def __str__(self) -> str:
        return self.name + (f"@{self.extractor}" if self.extractor else "") + (f":{HELD_OUT}" if self.held_out else "")


@dataclass(frozen=True)
class Plugins:
    """What other packages register: sound metrics, and the error of each that is not."""

    facts: Mapping[str, MetricFacts]
    points: Mapping[str, EntryPoint]
    broken: Mapping[str, str]


def find(name: str) -> MetricFacts:
    """The facts of a metric by its name (without extractor or split).

    Raises UserError with the nearest known name, or with what is wrong with the plug-in of that name.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    found = plugins()
    if name in found.broken:
        raise UserError(found.broken[name])
    if name not in found.facts:
        raise unknown("metric", name, [*BUILT_IN, *found.facts])
    return found.facts[name]


def known(metric: str, recorded: Mapping[str, MetricFacts] = MappingProxyType({})) -> MetricFacts | None:
    """The facts behind a metric id as far as they are known here, never an error.

    ``recorded`` are the facts that a record carries of its plug-in metrics; they speak for its own numbers.
    """
    name = metric.partition("@")[0].partition(":")[0]
    return BUILT_IN.get(name) or recorded.get(name) or plugins().facts.get(name)


def everything() -> dict[str, MetricFacts]:
    """Every metric that can be asked for: those of this suite in the order of their file, then sound plug-ins."""
    return {**BUILT_IN, **plugins().facts}


@cache
def plugins() -> Plugins:
    """The metrics of other packages. Their code is not imported, and one that is broken does not hide the others."""
    facts: dict[str, MetricFacts] = {}
    points: dict[str, EntryPoint] = {}
    broken: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            facts[point.name] = _facts_of(point)
            points[point.name] = point
        except UserError as error:
            broken[point.name] = str(error)
    return Plugins(facts, points, broken)


def _facts_of(point: EntryPoint) -> MetricFacts:
    where = f"the metric {point.name!r} ({point.value})"
    if point.name in BUILT_IN:
        raise UserError(f"{where} has the name of a metric of this suite. Rename it.")
    package = point.module.partition(".")[0]
    tables = _tables(package)
    if point.name not in tables:
        raise UserError(
            f"{where} has no facts: a table [{point.name}] in {FILE} in its package {package!r} was expected. Fix or "
            f"uninstall the package (docs/metrics.md shows a metric of your own)."
        )
    return tables[point.name]


@cache
def _tables(package: str) -> Mapping[str, MetricFacts]:
    spec = importlib.util.find_spec(package)
    files = [Path(folder) / FILE for folder in (spec.submodule_search_locations if spec else None) or ()]
    return {name: facts for path in files if path.is_file() for name, facts in parse(path).items()}


def parse(path: Path) -> dict[str, MetricFacts]:
    """Every metric of a file by its name. Raises UserError for a file that is not as expected."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: MetricFacts.model_validate(table) for name, table in tables.items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"metric facts {path}: not valid TOML: {error}. Fix the file.") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'table'}: {e['msg']}" for e in error.errors())
        raise UserError(f"metric facts {path}: {faults}. Fix the file.") from None


BUILT_IN: Mapping[str, MetricFacts] = MappingProxyType(parse(Path(__file__).parent / "metrics" / FILE))
