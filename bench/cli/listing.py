"""What there is, for `bench list` and `bench show`: the columns for people, and everything about one thing."""

from collections.abc import Mapping

from bench.api.listings import LISTINGS, Row, settings, trainable
from bench.suites import suite

SHORT: Mapping[str, tuple[str, ...]] = {  # the columns for people; programs get all
    "members": ("name", "year", "conditioning", "title"),
    "suites": ("name", "version", "members", "seeds", "title"),
    "datasets": ("name", "title", "resolution", "classes", "train", "held_out"),
    "metrics": ("name", "better", "range", "summary"),
    "extractors": ("name", "purpose", "width", "accuracy"),
}


def short(kind: str) -> list[Row]:
    """The rows of a kind with the columns for people."""
    return [{key: row[key] for key in SHORT[kind]} for row in LISTINGS[kind]()]


def full(kind: str) -> list[Row]:
    """The rows of a kind with all there is to know, for programs. Members are built to be counted, which takes seconds."""
    rows = LISTINGS[kind]()
    return [row | _built(str(row["name"])) for row in rows] if kind == "members" else rows


def detail(kind: str, name: str, asked: str) -> Row:
    """Everything about one thing; of a member with the parameters that are set in what was asked for."""
    row = next(row for row in LISTINGS[kind]() if row["name"] == name)
    if kind == "members":
        return row | _built(asked)
    if kind == "suites":
        return row | {"protocol": suite.load(name).model_dump(mode="json")}
    return row


def _built(name: str) -> Row:
    """What is known of a member only once it is built."""
    return {"parameters": settings(name), "trainable_parameters_at_32px": trainable(name)}
