"""Members with parameters in a suite: a table for each, with a list where a parameter is varied.

    [[members]]
    name = "dcgan"
    width = [16, 32, 64]  # three rows
    lr = 1e-4

The names are sorted and without spaces; what is at its default is left out when the member is found.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any, cast

from bench import parameters
from bench.errors import UserError

MOST = 1_000  # rows of a suite: more are a mistake, and no board shows them


def expanded(given: object) -> object:
    """A list of names and tables as names alone; anything else as it is, for the model to refuse.

    Raises ValueError for a table without a name, values that no name can hold, a row that comes twice, and too many rows.
    """
    if not isinstance(given, list | tuple):
        return given
    items = cast("list[object]", list(given))
    if sum(_count(item) for item in items) > MOST:
        raise ValueError(f"more than {MOST:,} members. Vary fewer parameters, or fewer values of each")
    try:
        rows = [name for item in items for name in _names(item)]
    except UserError as error:
        raise ValueError(str(error)) from None
    twice = sorted({str(name) for name in rows if rows.count(name) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)}: named twice. Name every member once")
    return rows


def _count(item: object) -> int:
    """How many rows an item makes."""
    values = cast("Mapping[str, object]", item).values() if isinstance(item, Mapping) else ()
    return prod(len(cast("list[object]", value)) for value in values if isinstance(value, list))


def _names(item: object) -> Iterator[object]:
    """The names that an item of the list stands for."""
    if isinstance(item, str):
        yield parameters.tidy(item)
        return
    if not isinstance(item, Mapping):
        yield item
        return
    table = dict(cast("Mapping[str, Any]", item))
    name = table.pop("name", None)
    if not isinstance(name, str):
        raise UserError('a table of members needs a name, e.g. { name = "dcgan", width = 32 }')
    base, given = parameters.split(name)
    if shared := given.keys() & table.keys():
        raise UserError(f"{name}: {', '.join(sorted(shared))} is set twice. Set it once.")
    lists = [value if isinstance(value, list) else [value] for value in table.values()]
    for values in product(*lists):
        texts = (f"{key}={_written(value)}" for key, value in zip(table, values, strict=True))
        yield parameters.joined(base, given | parameters.assignments(texts, name))


def _written(value: object) -> str:
    return parameters.text(value) if isinstance(value, int | float | str) else str(value)
