"""What a sample takes and what it owes, put into the rows of a board: passes, parameters at inference, teacher, features.

These facts stand in the catalogue of the package that registers a member, and are said of the rows whose member is installed.
"""

from collections.abc import Mapping
from dataclasses import replace

from bench import catalogue, members
from bench.boards.rows import Board, Row
from bench.catalogue import passes
from bench.errors import UserError
from bench.members import Listing
from bench.parameters import Value


def with_catalogue(board: Board) -> Board:
    """The board with what catalogues say of its rows."""
    listings, resolution = members.listings(), _resolution(board)
    return replace(board, rows=tuple(_with_entry(row, listings, resolution) for row in board.rows))


def _resolution(board: Board) -> int | None:
    data = board.protocol.get("data")
    side = data.get("resolution") if isinstance(data, Mapping) else None
    return side if isinstance(side, int) else None


def _with_entry(row: Row, listings: Mapping[str, Listing], resolution: int | None) -> Row:
    listing = listings.get(row.member.partition("(")[0])
    entry = _entry(listing) if listing else None
    if entry is None:
        return row
    values = dict(row.arguments) | ({} if resolution is None else {"resolution": resolution})
    cost = row.cost
    if cost is not None:
        used = [count for player, count in cost.parameters if player in entry.inference]
        cost = replace(cost, passes=_passes(entry, values), inference=sum(used) or None)
    return replace(row, cost=cost, teacher=entry.teacher, features=entry.features)


def _passes(entry: catalogue.Entry, values: Mapping[str, Value]) -> int | None:
    try:
        return passes(entry.passes, values)
    except ValueError:  # it comes to no whole number with this row's values
        return None


def _entry(listing: Listing) -> catalogue.Entry | None:
    try:
        return catalogue.entry(listing)
    except UserError:  # the catalogue of somebody else has a fault, which `bench list members` names
        return None
