"""What a data set's name says: a family, an argument, options.

mnist        celeba:Smiling        folder:photos/?labels=none        unpaired:horses,zebras
"""

from dataclasses import dataclass

from bench.errors import UserError, unknown

RESOLUTIONS = (8, 16, 32, 64, 128, 256)


@dataclass(frozen=True)
class Name:
    """A name, taken apart."""

    full: str
    family: str
    argument: str
    options: dict[str, str]
    known: tuple[str, ...] = ()  # options that the family takes

    def option(self, key: str, choices: tuple[str, ...]) -> str:
        """The value of an option; the first choice when it was not given."""
        value = self.options.get(key, choices[0])
        if value not in choices:
            raise UserError(f"data set {self.full}: {key}={value}; expected one of {', '.join(choices)}.")
        return value


# Families that take an argument, with how it is written and which options they know.
WITH_ARGUMENT = {
    "folder": ("folder:PATH", ("labels", "splits", "fit", "broken")),
    "pairs": ("pairs:PATH", ("source", "form", "broken")),
    "unpaired": ("unpaired:PATH_A,PATH_B", ("broken",)),
    "lowres": ("lowres:NAME", ("factor",)),
}


def parse(full: str) -> Name:
    """Take a name apart. Raises UserError for an option that the family does not know, or a missing argument."""
    family, _, rest = full.partition(":")
    pattern, known = WITH_ARGUMENT.get(family, (family, ()))
    argument, options = rest, {}
    head, mark, tail = rest.rpartition("?")
    if mark and known and all("=" in part for part in tail.split("&")):
        argument, options = head, dict(part.split("=", 1) for part in tail.split("&"))
    for key in options:
        if key not in known:
            raise unknown(f"option of {pattern}", key, known)
    if family in WITH_ARGUMENT and not argument:
        raise UserError(f"data set {full!r}: expected {pattern}.")
    return Name(full, family, argument, options, known)


def check_resolution(name: str, resolution: int) -> int:
    """Members are built for these sides only."""
    if resolution not in RESOLUTIONS:
        known = ", ".join(map(str, RESOLUTIONS))
        raise UserError(f"data set {name}: resolution {resolution}; expected one of {known}.")
    return resolution
