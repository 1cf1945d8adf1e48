"""What members are, in words and years: a `catalogue.toml` in the package that registers them.

    [wgan-gp]
    title = "Improved Training of Wasserstein GANs"
    year = 2017
    arxiv = "1704.00028"
    family = "ResNet"
    objective = "Wasserstein"
    regularisers = ["gradient penalty"]
    fid = [{ data = "CIFAR-10", value = 16.95, source = "where it is published" }]

A member of several passes says so (`passes = "steps"`), as one does whose samples come from other players than the generator
(`inference`), that learns from a trained `teacher` or looks through pretrained `features`: boards show it.

Nothing is imported to read it, so that a listing stays instant. A package without the file has members without entries.
"""

import ast
import importlib.util
import operator
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bench.errors import UserError
from bench.members import Listing
from bench.parameters import Value

ARITHMETIC: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}
COMPARISONS: Mapping[type[ast.cmpop], Callable[[object, object], bool]] = {ast.Eq: operator.eq, ast.NotEq: operator.ne}


class Published(BaseModel):
    """A figure that somebody has published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    value: float
    source: str


class Entry(BaseModel):
    """One member."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    year: int
    family: str
    objective: str
    arxiv: str = ""
    conditioning: str = "none"  # none, class, paired image, unpaired image, reconstruction
    regularisers: tuple[str, ...] = ()
    fid: tuple[Published, ...] = ()
    passes: str = "1"  # of networks for one sample: a sum of the member's parameters (`passes`, below)
    inference: tuple[str, ...] = ("generator",)  # players that make samples
    teacher: str = ""  # a trained model that it learns from
    features: str = ""  # a pretrained network that it looks through in training

    @field_validator("passes")
    @classmethod
    def _is_a_sum(cls, said: str) -> str:
        passes(said, {})
        return said


def entry(listing: Listing) -> Entry | None:
    """The member's entry in its package's catalogue, or None. Raises UserError for a catalogue with a fault."""
    return _read(listing.entry_point.partition(":")[0].partition(".")[0]).get(listing.base)


@cache
def _read(package: str) -> dict[str, Entry]:
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    files = [Path(folder) / "catalogue.toml" for folder in folders]
    return {name: found for path in files if path.is_file() for name, found in parse(path).items()}


def parse(path: Path) -> dict[str, Entry]:
    """Every entry of a catalogue file by its member's name."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Entry.model_validate(table) for name, table in tables.items()}
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"catalogue {path}: not valid TOML: {error}. Fix the file.") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UserError(f"catalogue {path}: {faults}. Fix the entry.") from None


def passes(said: str, values: Mapping[str, Value]) -> int | None:
    """How many passes of its networks a member takes for a sample, as its entry says: a sum of its parameters.

    "1", "steps", "2 * steps - 1", "(1 + (solver == 'heun')) * steps", "min(resolution // 4, 16) + 1": names are the member's
    parameters and `resolution`, in pixels; `+`, `-`, `*`, `//`, `==`, `!=` and `min` are known. None where a value is missing.
    Raises ValueError for what is no such sum.
    """
    try:
        found = _value(ast.parse(said, mode="eval").body, values)
    except KeyError:
        return None
    except SyntaxError:
        raise ValueError(f"passes {said!r}: expected a sum of parameters, e.g. '2 * steps - 1'") from None
    if not isinstance(found, int):
        raise ValueError(f"passes {said!r}: {found!r} is no whole number")
    return int(found)


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=str() | int() as value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
            return ARITHMETIC[type(op)](_whole(left, values), _whole(right, values))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            return COMPARISONS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id="min"), args=[first, second], keywords=[]):
            return min(_whole(first, values), _whole(second, values))
        case _:
            raise ValueError(f"passes: {ast.unparse(node)!r} is not understood")


def _whole(node: ast.expr, values: Mapping[str, Value]) -> int:
    found = _value(node, values)
    if not isinstance(found, int):
        raise ValueError(f"passes: {ast.unparse(node)!r} is {found!r}, no whole number")
    return int(found)
