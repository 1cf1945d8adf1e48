"""Numbers, durations and tables as text: the same bytes on every machine."""

import math
import re
import unicodedata
from collections.abc import Sequence

NONE = "—"
SPACES = frozenset("\t\n\v\f\r\u0085\u2028\u2029")
UNSEEN = frozenset(["Cc", "Cf", "Cs", "Co", "Cn"])  # controls, invisible marks, lone surrogates, no characters at all
COMMAND = re.compile(r"##(\w*)\[")
ENTITIES = str.maketrans({mark: f"&#{ord(mark)};" for mark in "\\|`[]*~"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"})
UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # inside a word it is no emphasis
BLOCK = frozenset("#+-=")  # at the beginning of a line they open a block
FORMULA = frozenset("=+-@")

DIGITS = 6  # significant digits of what is computed; raw values are kept whole


def number(value: float | None, digits: int = 4) -> str:
    """A number for people: `digits` significant digits, no exponent between 0.0001 and a million."""
    if value is None:
        return NONE
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else NONE
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    exponent = math.floor(math.log10(abs(rounded)))
    if not -5 < exponent < 6:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{max(digits - 1 - exponent, 0)}f}"


def exact(value: float | None) -> float | None:
    """A number for programs, rounded so that the last bits of a machine's mathematics do not show."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


def duration(seconds: float | None) -> str:
    """A duration for people, e.g. ``48 s``, ``3.2 min``, ``17 h``, ``2.5 days``."""
    if seconds is None:
        return NONE
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{number(seconds / size, 2)} {unit}"
    return f"{number(seconds, 2)} s"


def count(value: int) -> str:
    """A count for people, e.g. ``64,000`` or ``3.57 M``."""
    return f"{value:,}" if value < 1_000_000 else f"{number(value / 1e6, 3)} M"


def plain(text: object) -> str:
    """Text in one line for terminals and logs, from whatever a record, a file or a member holds.

    No control or invisible character survives, hence no terminal escape and no new line, and nothing that GitHub Actions,
    Azure Pipelines or TeamCity take for a command (``::error::``, ``##[``, ``##vso[``).
    """
    return COMMAND.sub(r"##\1 [", visible(str(text)).replace("::", ": :"))


def indented(line: str) -> str:
    """A line of text made safe by `plain`, with its indentation."""
    body = line.lstrip(" ")
    return line[: len(line) - len(body)] + plain(body)


def visible(text: str) -> str:
    """Text in one line, every control or invisible character replaced by a sign that can be seen."""
    return text if text.isprintable() else "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if character in SPACES or category == "Zs":
        return " "
    return "�" if category in UNSEEN else character


def escape(text: object) -> str:
    """Text that cannot leave its place in Markdown: a cell of a table, a list item or a heading.

    Characters become HTML entities, which no renderer reads as markup: no cell border, link, picture, code or HTML.
    """
    safe = plain(text).translate(ENTITIES).replace("://", "&#58;//").replace("www.", "www&#46;")
    safe = UNDERSCORE.sub("&#95;", safe)
    return f"&#{ord(safe[0])};{safe[1:]}" if safe[:1] in BLOCK else safe


def spreadsheet(value: object) -> object:
    """A value as a cell of a CSV file: text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.lstrip()[:1] in FORMULA else text


def grid(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """A Markdown table of cells that are safe already; the first `left` columns are text, the others numbers."""
    rule = [":--" if index < left else "--:" for index in range(len(header))]
    return ["| " + " | ".join(line) + " |" for line in (header, rule, *rows)] + [""]
