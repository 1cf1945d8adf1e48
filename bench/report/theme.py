"""Colours and type of the figures: one light palette that print keeps and that the page's style sheet replaces.

Every colour that a figure uses is listed in PALETTE. `bench.report.svg` turns each into a CSS class, so the same drawing
serves the light page, the dark page and, with these colours, a paper.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from cycler import cycler

INK, MUTED, FAINT, LINE, PAPER = "#16191d", "#5c6570", "#b4bac2", "#e2e5e9", "#fefefe"
BAD = "#b3261e"
# Searched for the largest least distance between any two, to normal sight and to three kinds of colour blindness, with a
# contrast of 4.5 on white; markers and dashes tell the lines apart as well.
SERIES = ("#1c68d4", "#8c3010", "#08744c", "#bb3a92", "#8a7008", "#0a4a66", "#44209c", "#332a20")
HEAT = ("#f1f6fb", "#deebf6", "#c8ddf0", "#afcde8", "#94bbdf", "#78a8d5")  # worse to better; ink is legible on all
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES = (
    "-",
    (0, (6, 2)),
    (0, (2, 1.5)),
    (0, (7, 2, 1.5, 2)),
    (0, (4, 1.5)),
    (0, (1.2, 1.2)),
    (0, (9, 2)),
    (0, (5, 1, 1, 1)),
)

PALETTE: Mapping[str, str] = {
    **{INK: "ink", MUTED: "muted", FAINT: "faint", LINE: "line", PAPER: "paper", BAD: "bad"},
    **{colour: f"s{index}" for index, colour in enumerate(SERIES)},
    **{colour: f"h{index}" for index, colour in enumerate(HEAT)},
}
LABELLED = 12  # up to so many members even the grey ones are labelled

_RC: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": FAINT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 11,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=SERIES),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "figure.dpi": 72,  # one point is one pixel of the page
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so no machine lays text out otherwise
    "font.size": 11,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "hatch.color": FAINT,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "path.simplify": False,
    "pdf.fonttype": 42,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",  # text stays text: selectable, and in the page's own typeface
    "svg.hashsalt": "gan-bench",
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a member's name is a dollar sign
    "xtick.color": FAINT,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 10.5,
    "xtick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.color": FAINT,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 10.5,
    "ytick.major.size": 3,
    "ytick.minor.size": 0,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw inside this: the settings above and matplotlib's defaults, whatever the user's own file says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_RC)  # pyright: ignore[reportCallIssue, reportArgumentType]
        yield


@dataclass(frozen=True)
class Look:
    """How one member is drawn, the same in every figure of a page."""

    index: int  # its place in the board
    colour: str
    marker: str
    dash: Any
    named: bool  # has a colour of its own; the others are grey context
    labelled: bool  # its name is written beside what is drawn
    label: str = ""  # that name

    @property
    def gid(self) -> str:
        """The id that `bench.report.svg` turns into `data-member`."""
        return f"member-{self.index}"


def looks(members: Sequence[str], named: int = len(SERIES), names: Mapping[str, str] | None = None) -> dict[str, Look]:
    """Colours go to the first members of the board; the rest are grey context that a reader can bring forward.

    `names` are the short names of members that have one.
    """
    found: dict[str, Look] = {}
    for index, member in enumerate(members):
        coloured = index < min(named, len(SERIES))
        place = index % len(SERIES)
        colour, dash = (SERIES[place], DASHES[place]) if coloured else (FAINT, "-")
        labelled = coloured or len(members) <= LABELLED
        label = (names or {}).get(member, member)
        found[member] = Look(index, colour, MARKERS[place], dash, coloured, labelled, label)
    return found
