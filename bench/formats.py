"""Numbers, durations and tables as text: the same bytes on every machine."""

import math
from collections.abc import Sequence

NONE = "—"


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
    """A duration for people, e.g. ``48 s``, ``3.2 min``, ``17 h``."""
    if seconds is None:
        return NONE
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{number(seconds / size, 2)} {unit}"
    return f"{number(seconds, 2)} s"


def count(value: int) -> str:
    """A count for people, e.g. ``64,000`` or ``3.57 M``."""
    return f"{value:,}" if value < 1_000_000 else f"{number(value / 1e6, 3)} M"


def escape(text: str) -> str:
    """Text that cannot leave its cell of a Markdown table, nor become markup."""
    table = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "`": "\\`", "\n": " ", "\r": " "})
    return text.translate(table)


def grid(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """A Markdown table; the first `left` columns are text, the others numbers."""
    rule = [":--" if index < left else "--:" for index in range(len(header))]
    return ["| " + " | ".join(line) + " |" for line in (header, rule, *rows)] + [""]
