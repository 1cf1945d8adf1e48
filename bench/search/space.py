"""A search space: which parameters of a member are varied, and over what, in TOML.

[lr]
low = 1e-5
high = 1e-2
log = true

[width]
choices = [16, 32, 64]
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, ValidationError, model_validator

from bench import members, parameters
from bench.errors import UserError, unknown
from bench.members import Listing
from bench.parameters import Parameter, Value
from bench.suites.frozen import Frozen

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Number = int | Annotated[float, Field(allow_inf_nan=False)]
DIGITS = 4  # of a value on a logarithmic range; on a linear one a thousandth of the range is told apart


class Range(Frozen):
    """Numbers from low to high, both included."""

    low: Number
    high: Number
    log: bool = False  # even in the logarithm
    step: Number | None = None

    @model_validator(mode="after")
    def _holds_something(self) -> "Range":
        if not self.low < self.high:
            raise ValueError(f"low = {self.low} is not below high = {self.high}")
        if self.log and self.low <= 0:
            raise ValueError(f"log = true needs low above 0, and it is {self.low}")
        if self.log and self.step is not None:
            raise ValueError("a logarithmic range has no step. Leave out log or step")
        if self.step is not None:
            steps = (self.high - self.low) / self.step if self.step > 0 else 0.0
            if steps < 1 or abs(steps - round(steps)) > 1e-9 * steps:
                raise ValueError(f"high is not a whole number of steps of {self.step} above low")
        return self

    def near(self, value: float) -> float:
        """The value with as many digits as the range tells apart."""
        if self.step is not None:
            rounded = round(value, 12)
        elif self.log:
            rounded = float(f"{value:.{DIGITS}g}")
        else:
            rounded = round(value, DIGITS - 1 - math.floor(math.log10(self.high - self.low)))
        return min(max(rounded, self.low), self.high)


class Choices(Frozen):
    """One of a few values."""

    choices: tuple[bool | int | Annotated[float, Field(allow_inf_nan=False)] | str, ...] = Field(min_length=2)


Kind = Range | Choices


@dataclass(frozen=True)
class Space:
    """What a search varies of a member."""

    kinds: Mapping[str, Kind]  # by parameter
    whole: frozenset[str]  # parameters that are whole numbers

    @property
    def size(self) -> int | None:
        """How many configurations there are; None where a range is continuous."""
        counts = [self._count(name, kind) for name, kind in self.kinds.items()]
        return None if None in counts else math.prod(count for count in counts if count is not None)

    def _count(self, name: str, kind: Kind) -> int | None:
        if isinstance(kind, Choices):
            return len(kind.choices)
        step = kind.step or (1 if name in self.whole else None)
        return None if step is None else round((kind.high - kind.low) / step) + 1

    def written(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Values that a sampler proposed, as they stand in a member's name."""
        return {name: parameters.text(self._near(name, value)) for name, value in sorted(values.items())}

    def _near(self, name: str, value: Any) -> Value:
        kind = self.kinds[name]
        if isinstance(kind, Choices):
            return value
        return int(value) if name in self.whole else float(kind.near(value))

    def words(self) -> dict[str, str]:
        """Each parameter with what it is searched over, for people: {"lr": "1e-05 to 0.01, log"}."""
        return {name: _words(kind) for name, kind in sorted(self.kinds.items())}

    def distributions(self) -> "dict[str, BaseDistribution]":
        """The same for Optuna."""
        return {name: self._distribution(name, kind) for name, kind in sorted(self.kinds.items())}

    def _distribution(self, name: str, kind: Kind) -> "BaseDistribution":
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if isinstance(kind, Choices):
            return CategoricalDistribution(kind.choices)
        if name in self.whole:
            return IntDistribution(int(kind.low), int(kind.high), log=kind.log, step=int(kind.step or 1))
        return FloatDistribution(float(kind.low), float(kind.high), log=kind.log, step=kind.step)


def _words(kind: Kind) -> str:
    if isinstance(kind, Choices):
        return " | ".join(map(parameters.text, kind.choices))
    more = ", log" if kind.log else f", step {parameters.text(kind.step)}" if kind.step is not None else ""
    return f"{parameters.text(kind.low)} to {parameters.text(kind.high)}{more}"


def load(path: Path, member: Listing) -> Space:
    """The space in a TOML file, for a member.

    Raises UserError for a file that cannot be read, an empty one, a parameter that the member does not have or that is set in
    its name, and a range that holds nothing, or values that the parameter cannot take.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"space file {path}: cannot be read: {error.strerror or error}. Give a TOML file.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"space file {path}: not valid TOML: {error}. Fix the file.") from None
    return read(content, member, str(path))


def read(content: Mapping[str, Any], member: Listing, where: str) -> Space:
    """The space that a file's content says; `where` names the file in errors, which are those of `load`."""
    known = members.declared(member)
    if not content:
        raise UserError(f"space file {where}: names no parameter. Add for instance [lr] with low, high and log = true.")
    for name in content:
        if name not in known:
            raise unknown(f"parameter of {member.base} in {where}:", name, known)
        if name in member.given:
            raise UserError(f"space file {where}: {name} is set in {member.name} too. Set it, or search it.")
    kinds = {name: _kind(name, table, where) for name, table in content.items()}
    for name, kind in kinds.items():
        _require_takes(known[name], kind, where)
    whole = frozenset(name for name in kinds if float not in known[name].kinds)
    return Space(kinds, whole)


def _kind(name: str, table: object, where: str) -> Kind:
    """One parameter's table."""
    if not isinstance(table, Mapping) or ("choices" in table) == bool({"low", "high"} & table.keys()):
        raise UserError(f"space file {where}: [{name}] needs either low and high, or choices = [...].")
    try:
        return (Choices if "choices" in table else Range).model_validate(table)
    except ValidationError as error:
        first = max(
            error.errors(), key=lambda one: one["type"] == "extra_forbidden"
        )  # a misspelt key is also a missing one
        key = ".".join(map(str, first["loc"][:1]))
        if first["type"] == "extra_forbidden":
            fields = Choices.model_fields if "choices" in table else Range.model_fields
            raise unknown(f"key of [{name}] in {where}:", key, fields) from None
        said = first["msg"].removeprefix("Value error, ")
        raise UserError(f"space file {where}: [{name}]{f' {key}' if key else ''}: {said}.") from None


def _require_takes(parameter: Parameter, kind: Kind, where: str) -> None:
    """Every value is one that the parameter can have, and no choice comes twice."""
    if isinstance(kind, Choices):
        values = list(kind.choices)
    elif parameter.choices or not {int, float} & set(parameter.kinds):
        raise UserError(f"space file {where}: [{parameter.name}] is no number but {parameter.type}. Give choices.")
    else:
        values = [value for value in (kind.low, kind.high, kind.step) if value is not None]
    texts = [parameters.text(value) for value in values]
    for text in texts:
        parameters.assignments([f"{parameter.name}={text}"], f"space file {where}")
        try:
            parameter.read(text)
        except ValueError as error:
            raise UserError(
                f"space file {where}: [{parameter.name}] {text[:80]}: {error} was expected. See `bench show`."
            ) from None
    if isinstance(kind, Choices) and len(set(texts)) < len(texts):
        raise UserError(f"space file {where}: [{parameter.name}] has a choice twice. Name each once.")
