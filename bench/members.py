"""Members: from a name or "module:function" to a builder, by entry point.

An installed package registers members under the entry-point group "bench.members"; the zoo does the same. A variant that
is in no package is given as "my_gan:my_gan", or under a name of its own as "wider=my_gan:my_gan". Each takes parameters:
"dcgan(width=32)" (see bench.parameters).
"""

import ast
import importlib
import importlib.metadata
import inspect
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from bench import parameters, sources
from bench.errors import UserError, unknown

GROUP = "bench.members"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")  # of a row, a folder, a file
ENTRY_POINT = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
STEP = 8  # channels: widths that a suite scales are multiples of it
EXPECTED = "a function that takes an ImageSpec and returns a bench.gan.GAN was expected"


@dataclass(frozen=True)
class Listing:
    """A member that can be built."""

    name: str  # with its parameters: "dcgan(width=32)"
    entry_point: str  # "module:function"
    distribution: str  # "gan-bench 0.1.0", or "" for a loose file

    @property
    def module(self) -> str:
        """The dotted name of the module that holds the builder."""
        return self.entry_point.partition(":")[0]

    @property
    def base(self) -> str:
        """Its name without parameters."""
        return parameters.split(self.name)[0]

    @property
    def given(self) -> dict[str, str]:
        """The parameters that are set, as they stand in the name."""
        return parameters.split(self.name)[1]

    @property
    def argument(self) -> str:
        """What to give as --member to name it anywhere."""
        if self.distribution:
            return self.name
        known = self.base == _default_name(self.entry_point)
        return parameters.joined(self.entry_point if known else f"{self.base}={self.entry_point}", self.given)

    @property
    def call(self) -> str:
        """Its entry point with its parameters: all that it takes to build it (see `called`)."""
        return parameters.joined(self.entry_point, self.given)


def listings() -> dict[str, Listing]:
    """Every registered member by name, in the order of their names."""
    return {listing.name: listing for listing in _registered()}


def _registered() -> list[Listing]:
    points = importlib.metadata.entry_points(group=GROUP)
    found = {Listing(point.name, point.value, _distribution(point)) for point in points}
    return sorted(found, key=lambda listing: (listing.name, listing.distribution))


def _distribution(point: importlib.metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else ""


def find(name: str, width: float | None = None) -> Listing:
    """A member by its registered name, by "module:function", or by "NAME=module:function"; each with parameters or without.

    `width` is a factor of the member's own default width, where it has one and none is set. Raises UserError for an unknown
    name, one that two packages register, text that has none of these forms, and parameters that the member does not take.
    """
    base, given = parameters.split(name)
    listing = _find(base)
    if width is not None and "width" not in given:
        given |= _narrowed(declared(listing), width)
    if not given:
        return listing
    values = parameters.resolve(listing.name, declared(listing), given)
    return replace(
        listing, name=parameters.joined(listing.name, {key: parameters.text(value) for key, value in values.items()})
    )


def _narrowed(known: Mapping[str, parameters.Parameter], factor: float) -> dict[str, str]:
    """A width that is a factor of the default, in steps of 8, at least 8; nothing for a member without a width."""
    default = known["width"].default if "width" in known else None
    return {"width": str(max(STEP, round(default * factor / STEP) * STEP))} if isinstance(default, int) else {}


def called(text: str) -> Listing:
    """The member that `Listing.call` wrote."""
    entry_point, given = parameters.split(text)
    return Listing(parameters.joined(_default_name(entry_point), given), entry_point, "")


def declared(listing: Listing) -> dict[str, parameters.Parameter]:
    """The parameters that a member takes. Raises UserError when it cannot be imported."""
    return parameters.declared(builder(listing))


def arguments(listing: Listing) -> dict[str, parameters.Value]:
    """Every parameter of a member with the value it is built with. Raises UserError when it cannot be imported."""
    known = declared(listing)
    defaults = {name: one.default for name, one in known.items()}
    return defaults | parameters.resolve(listing.name, known, listing.given)


def _find(name: str) -> Listing:
    same = [listing for listing in _registered() if listing.name == name]
    if len(same) > 1:
        owners = ", ".join(listing.distribution or "a package" for listing in same)
        raise UserError(f"member {name!r} is registered by {owners}. Uninstall all but one, or rename theirs.")
    if same:
        return same[0]
    if ":" in name or "=" in name:
        return _loose(name)
    raise unknown("member", name, listings())


def renamed(listing: Listing, name: str) -> Listing:
    """A loose member under another name. Raises UserError for a registered member and for a name that is taken."""
    if listing.distribution:
        raise UserError(f"--as {name}: {listing.name!r} is registered under its name by {listing.distribution}.")
    return find(parameters.joined(f"{name}={listing.entry_point}", listing.given))


def _loose(text: str) -> Listing:
    given, equals, entry_point = text.rpartition("=")
    if not ENTRY_POINT.fullmatch(entry_point):
        raise UserError(
            f"member {text!r} is neither a registered name nor MODULE:FUNCTION, e.g. my_gan:my_gan. "
            "See `bench list members`."
        )
    if equals and not NAME.fullmatch(given):
        raise UserError(f"member {text!r}: {given!r} is not a name: letters, digits, '.', '_' and '-' were expected.")
    if equals and given in listings():
        raise UserError(f"member {text!r}: {given!r} is a registered member. Choose another name.")
    return Listing(given or _default_name(entry_point), entry_point, "")


def _default_name(entry_point: str) -> str:
    return entry_point.partition(":")[2].replace("_", "-")


class CurrentFolder:
    """Finds modules in the current folder when nobody else has found them: its files shadow no library."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """The last finder of all; asked for top-level names only."""
        return PathFinder.find_spec(name, [str(Path.cwd())]) if path is None else None


def _look_in_current_folder(listing: Listing) -> None:
    if not listing.distribution and CurrentFolder not in sys.meta_path:
        sys.meta_path.append(CurrentFolder)


def builder(listing: Listing) -> Callable[..., Any]:
    """The function that builds the member from an ImageSpec.

    Raises UserError when it cannot be imported, or is not a function or class that takes one argument.
    """
    module_name, _, function_name = listing.entry_point.partition(":")
    _look_in_current_folder(listing)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise UserError(
            f"member {listing.entry_point!r}: there is no module {error.name!r}. "
            "Run from the folder that holds it, or install its package."
        ) from None
    except (Exception, SystemExit) as error:
        raise UserError(f"member {listing.entry_point!r}: importing {module_name} failed: {_words(error)}.") from error
    function = getattr(module, function_name, None)
    if function is None:
        functions = [name for name, value in vars(module).items() if inspect.isfunction(value) and name[0] != "_"]
        raise unknown(f"function in {module_name}", function_name, functions)
    if not _takes_one_argument(function):
        raise UserError(f"member {listing.entry_point!r}: {function_name} is not a builder: {EXPECTED}.")
    return function


def bound(listing: Listing) -> Callable[[Any], Any]:
    """The member's builder with its parameters. Raises UserError when it cannot be imported or does not take them."""
    function = builder(listing)
    given = parameters.resolve(listing.name, parameters.declared(function), listing.given) if listing.given else {}
    return partial(function, **given) if given else function


def build(listing: Listing, spec: Any) -> Any:
    """The member's GAN for images of a spec. Raises UserError when it cannot be built or is not a GAN."""
    from bench.gan import GAN  # here, because a listing must not load torch

    function = bound(listing)
    try:
        gan = function(spec)
    except (UserError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise UserError(f"member {listing.name!r}: building it failed: {_words(error)}.") from error
    if not isinstance(gan, GAN):
        raise UserError(f"member {listing.name!r}: {listing.entry_point} returned {type(gan).__name__}: {EXPECTED}.")
    return gan


def _takes_one_argument(function: object) -> bool:
    """A builder is written in Python: what is built in, as os.system, is never called to see what happens."""
    if inspect.isbuiltin(function) or not callable(function):
        return False
    try:
        inspect.signature(function).bind(object())
    except (TypeError, ValueError):
        return False
    return True


def _words(error: BaseException) -> str:
    """What was raised, and the last line of the member's own code that was running."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "torch" not in Path(f.filename).parts]
    where = f" ({Path(frames[-1].filename).name} line {frames[-1].lineno})" if frames else ""
    said = " ".join(str(error).split())[:500]
    return f"{type(error).__name__}{f': {said}' if said else ''}{where}"


def summary(listing: Listing) -> str:
    """The first paragraph of the member's own docstring, without importing it (a listing must not load torch).

    Raises UserError for a file that is not valid Python.
    """
    path = locate(listing)
    doc = ast.get_docstring(sources.parse(path)) if path and path.suffix == ".py" else None
    return " ".join((doc or "").split("\n\n")[0].split())


def locate(listing: Listing) -> Path | None:
    """The file that holds the builder, found without importing it."""
    _look_in_current_folder(listing)
    return sources.locate(listing.module)


def source(listing: Listing) -> sources.Source:
    """The files that decide what the member does. Raises UserError when they cannot be found."""
    _look_in_current_folder(listing)
    return sources.of(listing.module)


def source_digest(listing: Listing) -> str:
    """The sha256 over the syntax trees of the member's module and of all that it imports of its own (see bench.sources).

    Comments, docstrings and layout do not count, so a record goes stale only when the code says something else.
    """
    return source(listing).digest()
