"""A member's parameters: the keyword-only arguments of its builder.

    def dcgan(spec: ImageSpec, *, width: int = 64, lr: float = 2e-4) -> GAN: ...

`dcgan(width=32, lr=1e-4)` is the member with two of them set. Its name is canonical: `dcgan(lr=0.0001,width=32)`, sorted,
without spaces, without what is at its default. The name is all there is to know: whoever has it can build the member again.
"""

import inspect
import math
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bench.errors import UserError, unknown

Value = int | float | bool | str | None

LONGEST = 200  # characters of a name with its parameters: it names a folder
FORM = re.compile(r"(?P<base>[^()]*)\((?P<given>[^()]*)\)", re.DOTALL)
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TEXT = re.compile(r"[A-Za-z0-9_.+-]+")  # a value in a name: harmless in a path, in a table, in a shell's quotes
WORDS: Mapping[str, Value] = {"true": True, "false": False, "none": None}


@dataclass(frozen=True)
class Parameter:
    """One keyword-only argument of a builder."""

    name: str
    kinds: tuple[type, ...]  # of int, float, bool, str, NoneType
    choices: tuple[Value, ...]  # of a Literal; empty: any value of its kinds
    default: Value
    words: str  # its line in the builder's docstring

    @property
    def type(self) -> str:
        """In words: "int", "float or none", "mean, sum"."""
        if self.choices:
            return ", ".join(text(choice) for choice in self.choices)
        return " or ".join("none" if kind is types.NoneType else kind.__name__ for kind in self.kinds)

    def read(self, written: str) -> Value:
        """The value that a text stands for. Raises ValueError when it stands for none."""
        for kind in self.kinds:
            value = _read(kind, written)
            if value is not _NOTHING and (not self.choices or value in self.choices):
                return value
        raise ValueError(self.type)


_NOTHING: Any = object()


def _read(kind: type, written: str) -> Any:
    """A text as a value of a kind, or _NOTHING."""
    if kind in (bool, types.NoneType):
        value = WORDS.get(written.lower(), _NOTHING)
        return value if type(value) is kind else _NOTHING
    if kind is str:
        return written
    try:
        number = int(written) if kind is int else float(written)
    except ValueError:
        return _NOTHING
    return number if math.isfinite(number) and abs(number) < 2**53 else _NOTHING


def text(value: Value) -> str:
    """A value as it stands in a name: 32, 0.0001, true, none, nearest."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def split(name: str) -> tuple[str, dict[str, str]]:
    """A name and what is set in it: "dcgan(width=32, lr=1e-4)" -> "dcgan", {"width": "32", "lr": "1e-4"}.

    Raises UserError for brackets that do not match, and for what is not NAME=VALUE.
    """
    if "(" not in name and ")" not in name:
        return name, {}
    form = FORM.fullmatch(name.strip())
    if form is None:
        raise UserError(
            f"member {_short(name)!r}: MEMBER(NAME=VALUE, ...) was expected, e.g. 'dcgan(width=32, lr=1e-4)'."
        )
    return form["base"].strip(), assignments(form["given"].split(",") if form["given"].strip() else [], name)


def assignments(items: Iterable[str], where: str) -> dict[str, str]:
    """NAME=VALUE texts as a mapping. Raises UserError for any that is not, or that comes twice."""
    given: dict[str, str] = {}
    for item in items:
        key, equals, value = (part.strip() for part in item.partition("="))
        value = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value
        if not equals or not KEY.fullmatch(key):
            raise UserError(f"{_short(where)}: {_short(item)!r} is not NAME=VALUE, e.g. width=32.")
        if not TEXT.fullmatch(value):
            raise UserError(
                f"{_short(where)}: {_short(value)!r} is not a value for {key}: a number, true, false, none or a word of "
                "letters, digits, '_', '.', '+' and '-' was expected."
            )
        if key in given:
            raise UserError(f"{_short(where)}: {key} is set twice. Set it once.")
        given[key] = value
    return given


def joined(base: str, given: Mapping[str, str]) -> str:
    """The name with what is set in it, sorted. Raises UserError when it is too long."""
    if not given:
        return base
    name = f"{base}({','.join(f'{key}={value}' for key, value in sorted(given.items()))})"
    if len(name) > LONGEST:
        raise UserError(
            f"member {_short(name)!r}: its name has {len(name)} characters and may have {LONGEST}: it names a folder. "
            "Set fewer parameters, or write a builder with other defaults."
        )
    return name


def tidy(name: str) -> str:
    """The name sorted and without spaces: canonical but for defaults, of which nothing is known here."""
    base, given = split(name)
    return joined(base, given)


def declared(builder: Callable[..., Any]) -> dict[str, Parameter]:
    """A builder's parameters in their order.

    Raises UserError for one without a default, or of a type that no name can hold.
    """
    lines = _lines(inspect.getdoc(builder) or "")
    hints = get_type_hints(builder if inspect.isroutine(builder) else type(builder).__call__)
    found: dict[str, Parameter] = {}
    for name, one in inspect.signature(builder).parameters.items():
        if one.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        kinds, choices = _kinds(hints.get(name, type(one.default)))
        if one.default is inspect.Parameter.empty or not kinds or type(one.default) not in (*kinds, int):
            raise UserError(
                f"builder {getattr(builder, '__qualname__', builder)}: parameter {name} needs a default, and a type of int, "
                "float, bool, str, Literal or one of them with None."
            )
        default = float(one.default) if type(one.default) is int and int not in kinds else one.default
        found[name] = Parameter(name, kinds, choices, default, lines.get(name, ""))
    return found


def _kinds(hint: Any) -> tuple[tuple[type, ...], tuple[Value, ...]]:
    """The types that an annotation allows, None first, and its choices; no types for one that is not understood."""
    if get_origin(hint) is Literal:
        choices = get_args(hint)
        return tuple(dict.fromkeys(type(choice) for choice in choices)), choices
    kinds = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    order = (types.NoneType, bool, int, float, str)
    return (tuple(kind for kind in order if kind in kinds), ()) if set(kinds) <= set(order) else ((), ())


ARGS = re.compile(r"^Args:\n((?:[ \t]+.*\n?|\n)+)", re.MULTILINE)
LINE = re.compile(r"^ {4}(\w+): (.+(?:\n {8,}\S.*)*)", re.MULTILINE)


def _lines(doc: str) -> dict[str, str]:
    """What the `Args:` section of a docstring says of each argument."""
    section = ARGS.search(doc)
    return {name: " ".join(words.split()) for name, words in LINE.findall(section[1])} if section else {}


def resolve(member: str, known: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, Value]:
    """The values that are set, without those at their default, by name.

    Raises UserError for a parameter that the member does not have, and for a value of another type.
    """
    values: dict[str, Value] = {}
    for key, written in sorted(given.items()):
        if not known:
            raise UserError(f"member {member}: has no parameters, so {key} cannot be set.")
        if key not in known:
            raise unknown(f"parameter of {member}", key, known)
        try:
            value = known[key].read(written)
        except ValueError as error:
            raise UserError(
                f"member {member}: {key} = {_short(written)}: {error} was expected. See `bench show`."
            ) from None
        if value != known[key].default or type(value) is not type(known[key].default):
            values[key] = value
    return values


def _short(words: str) -> str:
    return words if len(words) <= 80 else f"{words[:77]}..."
