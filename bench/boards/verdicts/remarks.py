"""What must be known of two rows that are compared, besides their scores."""

from collections.abc import Iterator

from bench.boards.rows import Checkpoint, Row
from bench.boards.trust import kind_of
from bench.parameters import split, text


def differences(variant: Row, baseline: Row) -> Iterator[str]:
    """The parameters in which two rows of one member differ; nothing for two members."""
    if split(variant.member)[0] != split(baseline.member)[0]:
        return
    theirs = dict(baseline.arguments)
    for name, value in variant.arguments:
        if name in theirs and (value != theirs[name] or type(value) is not type(theirs[name])):
            yield f"{name} {text(value)}, not {text(theirs[name])}"


def flags(variant: Row, baseline: Row, checkpoint: Checkpoint) -> tuple[str, ...]:
    """What must be known of the scores of two rows, the gravest first."""
    rows = (variant, baseline)
    grave = [f"{row.member}: {words}" for row in rows for words in row.warnings]
    every = [
        f"{row.member}: {metric}: {flag}"
        for row in rows
        for (metric, which), cell in row.cells.items()
        for flag in cell.flags
        if which == checkpoint and not (row.warnings and kind_of(flag))
    ]
    return tuple(dict.fromkeys([*grave, *every]))
