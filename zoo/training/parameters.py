"""The parameters of the zoo's builders: what their names mean and which values they take stands in zoo/parameters.toml."""

import inspect
import tomllib
from collections.abc import Callable, Mapping
from functools import cache, wraps
from importlib.resources import files
from typing import Any

from bench.gan import GAN

Range = Mapping[str, float]  # of least, most, above, below
HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "least": lambda value, bound: value >= bound,
    "most": lambda value, bound: value <= bound,
    "above": lambda value, bound: value > bound,
    "below": lambda value, bound: value < bound,
}
WORDS = {"least": "at least", "most": "at most", "above": "above", "below": "below"}


@cache
def vocabulary() -> dict[str, dict[str, Any]]:
    """Every word with `about`, what it means, and the bounds of its values."""
    return tomllib.loads((files("zoo") / "parameters.toml").read_text(encoding="utf-8"))


def checked(
    shared: Callable[..., Mapping[str, Any]] | None = None,
) -> Callable[[Callable[..., GAN]], Callable[..., GAN]]:
    """For a builder: its values are checked, and its docstring gets a line for every parameter that it does not describe.

    `shared` makes, from keyword arguments of its own, a mapping that several builders take as `**keywords`: its parameters
    become the builder's. Raises ValueError, when the member is built, for a value out of its range.
    """

    def decorate(builder: Callable[..., GAN]) -> Callable[..., GAN]:
        own = _keywords(builder)
        more = _keywords(shared) if shared else {}

        @wraps(builder)
        def build(spec: Any, **given: Any) -> GAN:
            for name, value in given.items():
                check(name, value)
            rest = shared(**{name: given.pop(name) for name in more if name in given}) if shared else {}
            return builder(spec, **given, **rest)

        (first,) = (p for p in inspect.signature(builder).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD)
        everything = own | more
        vars(build)["__signature__"] = inspect.Signature([first, *everything.values()], return_annotation=GAN)
        build.__annotations__ = {name: one.annotation for name, one in {first.name: first, **everything}.items()}
        build.__doc__ = _described(inspect.getdoc(builder) or "", list(everything))
        return build

    return decorate


def check(name: str, value: object) -> None:
    """Raise ValueError for a value that the word does not take, TypeError for an unknown word."""
    if name not in vocabulary():
        raise TypeError(f"unknown parameter {name!r}")
    bounds = {bound: limit for bound, limit in vocabulary()[name].items() if bound in HOLDS}
    if isinstance(value, int | float) and not all(HOLDS[bound](value, limit) for bound, limit in bounds.items()):
        wanted = " and ".join(f"{WORDS[bound]} {limit}" for bound, limit in bounds.items())
        raise ValueError(f"{name} = {value}: {wanted} was expected")


def _keywords(function: Callable[..., object]) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(function).parameters
    return {name: one for name, one in parameters.items() if one.kind is one.KEYWORD_ONLY}


def _described(doc: str, names: list[str]) -> str:
    """The docstring with the vocabulary's line for every name that has none of its own."""
    head, _, section = doc.partition("\n\nArgs:\n")
    missing = [name for name in names if f"    {name}: " not in section]
    lines = [section.rstrip("\n")] * bool(section) + [f"    {name}: {vocabulary()[name]['about']}" for name in missing]
    return f"{head}\n\nArgs:\n" + "\n".join(lines) + "\n" if lines else doc
