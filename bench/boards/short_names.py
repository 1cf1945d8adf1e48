"""Short names where every member of a board has the same parameters: said once instead of in every row.

`sngan(lr=0.001,width=64)` and `dcgan(lr=0.001,width=32)` share `lr`: they are `sngan(width=64)` and `dcgan(width=32)` on the
board, which says "All members: lr=0.001." Programs (CSV, JSON) read the whole names.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from bench import parameters
from bench.boards.rows import Board
from bench.errors import UserError

FORM = re.compile(r"(?P<name>[^()\s]+\([^()]*\))(?P<author> \(.*\))?", re.DOTALL)  # a label; see `record.Member.label`


def shared(board: Board) -> dict[str, str]:
    """The parameters that the names of all members hold with one value; none for a board of one member."""
    given = [_parts(row.member)[1] for row in board.rows if row.kind != "calibration"]
    if len({row.member for row in board.rows if row.kind != "calibration"}) < 2:
        return {}
    return dict(sorted(set.intersection(*(set(one.items()) for one in given))))


def short_names(board: Board) -> dict[str, str]:
    """The name of every member of the board as it is shown, by its whole name; names stay different from each other."""
    alike = shared(board)
    names = {row.member: _without(row.member, alike) for row in board.rows}
    return names if len(set(names.values())) == len(names) else {name: name for name in names}


def shortened(board: Board) -> Board:
    """The board for people: short names in its rows and in what is said of them."""
    names = short_names(board)
    if all(name == short for name, short in names.items()):
        return board
    rows = tuple(replace(row, member=names[row.member]) for row in board.rows)
    return replace(board, rows=rows, notes=tuple(said(note, names) for note in board.notes))


def said(text: str, names: Mapping[str, str]) -> str:
    """A sentence with short names for whole ones."""
    found = [name for name, short in names.items() if name != short]
    pattern = "|".join(map(re.escape, sorted(found, key=len, reverse=True)))
    return re.sub(pattern, lambda match: names[match[0]], text) if found else text


def shared_words(board: Board) -> str:
    """What all members share, in a sentence; "" where names hold nothing that all share."""
    if all(name == short for name, short in short_names(board).items()):
        return ""
    return f"All members: {', '.join(_assignments(shared(board).items()))}."


def _assignments(items: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{key}={value}" for key, value in items]


def _parts(label: str) -> tuple[str, dict[str, str], str]:
    """Name, parameters and author of a label; the label and nothing else where it has no parameters."""
    form = FORM.fullmatch(label)
    try:
        base, given = parameters.split(form["name"]) if form else (label, {})
    except UserError:  # brackets that are no parameters
        return label, {}, ""
    return (base, given, form["author"] or "") if form and given else (label, {}, "")


def _without(label: str, alike: Mapping[str, str]) -> str:
    base, given, author = _parts(label)
    rest = {key: value for key, value in given.items() if key not in alike}
    return f"{parameters.joined(base, rest)}{author}" if given else label
