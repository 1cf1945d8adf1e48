"""Suites and protocols: read TOML, validate, resolve, hash.

A suite names members, seeds and one protocol. The resolved protocol holds everything that can move a score; its digest
decides whether two records may be compared.
"""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from bench.errors import UserError, unknown
from bench.parameters import split
from bench.suites.frozen import Frozen
from bench.suites.grids import expanded

SUITES = Path(__file__).parent / "shipped"
KEPT = "suite.toml"  # below results/<suite>: the suite of custom data, kept beside its records
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Name = Annotated[str, Field(pattern=rf"^{SAFE.pattern}$", max_length=80)]
Version = Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
Positive = Annotated[int, Field(gt=0)]
Members = Annotated[tuple[str, ...], BeforeValidator(expanded), Field(min_length=1)]
Precision = Literal["fp32", "bf16"]
Track = Literal["fixed", "paper", "matched"]

WITH_PATH = ("folder", "pairs", "unpaired")  # data sets named by where they lie: only their content is in the protocol


def _is_none(value: object) -> bool:
    return value is None


class Data(Frozen):
    """Which images, and what is done to them once."""

    name: str = Field(min_length=1)
    resolution: Annotated[int, Field(ge=8, le=256)] | None = None  # None: as the set has it
    flip: bool = False  # mirror half of the training images


class Recipe(Frozen):
    """A member's own budget, in the paper track."""

    images: Positive
    batch_size: Positive


class Budget(Frozen):
    """The budget, the same for every member, in images or in compute; in the paper track that of members without a recipe."""

    # real images drawn from the set; every draw counts
    images: Positive | None = Field(default=None, exclude_if=_is_none)
    flops: Annotated[float, Field(ge=1, le=1e30, allow_inf_nan=False)] | None = Field(default=None, exclude_if=_is_none)
    batch_size: Positive
    precision: Precision = "fp32"
    # of every batch, each with random numbers of its own (docs/protocol.md); a power of two
    parts: Annotated[int, Field(ge=1)] | None = Field(default=None, exclude_if=_is_none)
    # a factor of every member's own width
    width: Annotated[float, Field(gt=0, le=4)] | None = Field(default=None, exclude_if=_is_none)

    @model_validator(mode="after")
    def _parts_are_equal(self) -> "Budget":
        if self.parts and (self.parts & (self.parts - 1) or self.batch_size % self.parts):
            raise ValueError(
                f"{self.parts} parts of a batch of {self.batch_size}: their number is a power of two that divides the batch size"
            )
        return self

    @model_validator(mode="after")
    def _in_images_or_in_compute(self) -> "Budget":
        if (self.images is None) == (self.flops is None):
            both = "both" if self.images is not None else "neither"
            raise ValueError(f"a budget is either images or flops, and {both} is given")
        return self


class Evaluation(Frozen):
    """What is measured, on how much, and when."""

    metrics: tuple[str, ...] = Field(min_length=1)  # NAME@EXTRACTOR, or NAME@EXTRACTOR:held-out
    optional_metrics: tuple[str, ...] = ()  # measured too where the weights of their extractors are available
    samples: Positive  # generated images behind each reported score
    sample_seeds: tuple[int, ...] = Field(default=(0,), min_length=1)  # noise of the reported scores, one score each
    every: Positive | None = Field(default=None, exclude_if=_is_none)  # images between two points of the curve
    points: Positive | None = Field(default=None, exclude_if=_is_none)  # of the curve, at equal shares of the budget
    curve_samples: Positive  # generated images behind each point of the curve, drawn from a seed of their own
    selection: (
        str  # metric on the curve that chooses the best checkpoint: on held-out images, never on the reported ones
    )

    @model_validator(mode="after")
    def _curve_has_a_step_or_a_number_of_points(self) -> "Evaluation":
        if (self.every is None) == (self.points is None):
            both = "both" if self.every is not None else "neither"
            raise ValueError(
                f"the curve has either a point every so many images or a number of points, and {both} is given"
            )
        return self

    def curve_points(self, budget: int) -> int:
        """The number of points of the curve of a run that draws `budget` images."""
        return budget // self.every if self.every is not None else self.points or 0

    def curve_point(self, index: int, budget: int) -> int:
        """The images after which point `index`, from 0, is measured in such a run."""
        if self.every is not None:
            return (index + 1) * self.every
        return max((index + 1) * budget // (self.points or 1), 1)

    @model_validator(mode="after")
    def _optional_metrics_have_extractors(self) -> "Evaluation":
        for metric in self.optional_metrics:
            if "@" not in metric:
                raise ValueError(f"optional metric {metric!r} names no extractor whose weights could be missing")
            if metric in self.metrics:
                raise ValueError(f"metric {metric!r} is both measured always and optional. List it once")
        return self

    @model_validator(mode="after")
    def _selection_is_held_out(self) -> "Evaluation":
        if not self.selection.endswith(":held-out"):
            better = f"{self.selection}:held-out"
            raise ValueError(f"selection {self.selection!r} must be measured on held-out images, e.g. {better!r}")
        return self


class Suite(Frozen):
    """A versioned list of jobs (members x seeds) under one protocol."""

    name: Name
    version: Version  # patch: text; minor: jobs added; major: numbers not comparable
    title: str = ""
    track: Track = "fixed"
    members: Members  # names, or tables of a name and parameters, a list of values for each that is varied
    calibration: tuple[str, ...] = ()  # rows shown as floor and ceiling, never ranked
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = Field(min_length=1)
    ranking: str  # the reported metric that orders the leaderboard
    show_data: bool | None = None  # keep pictures of real images beside records; None: as the data set's entry says
    data: Data
    training: Budget
    recipes: dict[str, Recipe] = Field(default_factory=dict)  # member -> budget: paper track only, one for each member
    evaluation: Evaluation

    @model_validator(mode="after")
    def _recipes_belong_to_the_paper_track(self) -> "Suite":
        if self.track != "paper" and self.recipes:
            raise ValueError('recipes are for the paper track. Write track = "paper", or leave them out')
        bases = {split(member)[0] for member in self.members}
        if self.track == "paper" and set(self.recipes) != bases:
            odd = ", ".join(sorted(set(self.recipes) ^ bases))
            raise ValueError(f"the paper track needs one recipe for each of its members, and no other; see {odd}")
        return self

    @model_validator(mode="after")
    def _compute_is_the_matched_track(self) -> "Suite":
        if (self.track == "matched") != (self.training.flops is not None):
            raise ValueError(
                'the matched track, and no other, has a budget in flops. Write track = "matched" and [training] flops = 1e13, '
                "or another track and images"
            )
        if self.track == "matched" and self.evaluation.points is None:
            raise ValueError(
                "members of the matched track draw different numbers of images. Write [evaluation] points = 8, not every"
            )
        return self

    @model_validator(mode="after")
    def _ranking_is_measured(self) -> "Suite":
        if self.ranking not in self.evaluation.metrics:
            measured = ", ".join(self.evaluation.metrics)
            raise ValueError(f"ranking {self.ranking!r} is not among evaluation.metrics: {measured}")
        return self

    def training_of(self, *names: str) -> Budget:
        """The budget of the member that goes by these names: its recipe, else what all members get."""
        recipe = next((self.recipes[name] for name in names if name in self.recipes), None)
        return self.training if recipe is None else self.training.model_copy(update=recipe.model_dump())

    def protocol(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Everything that can move a score: this suite's rules and what they met here.

        `facts` holds the data set's digest and preprocessing, and the version of every metric and the digest of every
        extractor that is used. Where a folder of images lies is left out, and so is what the suite does not use.
        """
        rules = self.model_dump(mode="json", include={"track", "data", "training", "recipes", "evaluation"})
        family, _, _ = self.data.name.partition(":")
        if family in WITH_PATH:
            rules["data"]["name"] = family
        if not self.recipes:
            del rules["recipes"]
        if not self.evaluation.optional_metrics:
            del rules["evaluation"]["optional_metrics"]
        return {**rules, "facts": json.loads(json.dumps(facts))}


def names() -> list[str]:
    """The suites that ship with the bench."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def load(name_or_path: str, results: Path | None = None) -> Suite:
    """A suite by name, from a path that ends in .toml, or as it was kept in a results folder beside its records.

    Raises UserError when there is no such suite, the file is not TOML, or a key or a value is not as expected.
    """
    kept = results / name_or_path / KEPT if results and SAFE.fullmatch(name_or_path) else None
    if name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        if not path.is_file():
            raise UserError(f"suite file {path}: no such file. Give a .toml file or one of: {', '.join(names())}.")
    elif name_or_path in names():
        path = SUITES / f"{name_or_path}.toml"
    elif kept is not None and kept.is_file():
        path = kept
    else:
        raise unknown("suite", name_or_path, names())
    return parse(_text(path), str(path))


def name_of(name_or_path: str) -> str:
    """The name under which a suite's records lie: a path to a .toml file names the suite that is in it."""
    return load(name_or_path).name if name_or_path.endswith(".toml") else name_or_path


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UserError(f"suite file {path}: cannot be read: {reason}. Give a TOML file.") from None


def parse(text: str, where: str) -> Suite:
    """A suite from the text of a TOML file; `where` names the file in errors."""
    try:
        return Suite.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"suite file {where}: not valid TOML: {error}. Fix the file.") from None
    except ValidationError as error:
        raise UserError(f"suite file {where}: " + "; ".join(_explain(item) for item in error.errors())) from None


def _explain(item: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in item["loc"]) or "suite"
    if item["type"] == "extra_forbidden":
        model = {"data": Data, "training": Budget, "evaluation": Evaluation}.get(str(item["loc"][0]), Suite)
        return str(unknown("key", key.rpartition(".")[2], model.model_fields))
    if item["type"] == "missing":
        return f"key {key!r} is missing. Add it."
    got = "" if item["type"] == "value_error" else f", got {item['input']!r}"
    return f"key {key!r}: {item['msg'].removeprefix('Value error, ')}{got}."
