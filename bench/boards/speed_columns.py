"""Speed beside quality: what a member's newest speed record says, put into the rows of a board. No torch.

A record speaks for a row when it measured the same code at the same size: same member, same source digest, same parameters
of every player. FLOPs are exact wherever they were counted; throughput is shown from one kind of machine only, that of the
newest record, because figures of different machines do not belong in one column.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from bench.boards.rows import Board, Cost, Row
from bench.boards.sampling_columns import with_catalogue
from bench.records import speed_figures
from bench.records.record import Environment
from bench.records.speed import SpeedRecord, read_all

Machine = tuple[str, str | None, str, int]


def attach(board: Board, results: Path) -> Board:
    """The board with what stands beside records: what catalogues say, FLOPs and throughput of the speed records below `results`."""
    return with_speed(with_catalogue(board), read_all(results))


def with_speed(board: Board, records: Iterable[SpeedRecord]) -> Board:
    """The board with what these records say of its rows."""
    newest = sorted(records, key=_age)
    fitting = [[record for record in newest if fits(record, row)] for row in board.rows]
    latest = max((records[-1] for records in fitting if records), key=_age, default=None)
    if latest is None:
        return board
    machine = machine_of(latest.environment)
    rows = tuple(_with_speed(row, found, machine) for row, found in zip(board.rows, fitting, strict=True))
    device, accelerator, cpu, threads = machine
    where = accelerator or f"{cpu}, {threads} thread{'s' if threads > 1 else ''}"
    note = f"Samples per second: most over the batch sizes measured, eager, on {device} ({where}). FLOPs of one sample."
    return replace(board, rows=rows, notes=(*board.notes, note))


def _age(record: SpeedRecord) -> tuple[str, str]:
    return record.finished, record.digest


def fits(record: SpeedRecord, row: Row) -> bool:
    """Whether the record measured the code and the size of the row."""
    return (
        row.cost is not None
        and (record.member.label, record.member.source_digest) == (row.member, row.source)
        and tuple(sorted(record.parameters.items())) == row.cost.parameters
    )


def machine_of(environment: Environment) -> Machine:
    """What throughput depends on beside the code."""
    return environment.device, environment.accelerator, environment.cpu, environment.threads


def _with_speed(row: Row, records: list[SpeedRecord], machine: Machine) -> Row:
    if not records or row.cost is None:
        return row
    timed = [record for record in records if machine_of(record.environment) == machine]
    eager = timed[-1].mode() if timed else None
    best = speed_figures.throughput(eager) if eager else None
    cost: Cost = replace(
        row.cost, flops_sample=records[-1].flops_sample, samples_per_second=best.images_per_second if best else None
    )
    return replace(row, cost=cost)
