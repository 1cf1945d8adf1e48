"""A board as JSON, written and read: ``read(write(board))`` is the board."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bench.boards.columns import BoardColumn, columns, facts
from bench.boards.ranks import Ranks
from bench.boards.rows import Board, Checkpoint, Column, Cost, Kind, Row, ScoreSummary
from bench.boards.scales import Scale
from bench.boards.statistics import Components, summary
from bench.errors import UserError
from bench.formats import exact
from bench.records import json_file
from bench.records.fields import Count, Finite, Name, Version


class _Open(BaseModel):
    """What is written beside these fields can be recomputed from them."""

    model_config = ConfigDict(extra="allow", frozen=True)


class _Metric(_Open):
    metric: Name
    version: int
    better: Literal["lower", "higher"]
    scale: Literal["log", "logit", "identity"]
    floor: float = Field(gt=0, lt=0.5)


class _Cell(_Open):
    metric: Name
    checkpoint: Checkpoint
    values: dict[str, Finite] = Field(min_length=1)
    training_seed_sd: Finite | None = None
    sample_seed_sd: Finite | None = None
    flags: tuple[str, ...] = ()


class _Cost(_Open):
    images: Count
    train_seconds: Finite | None
    parameters: dict[str, Count]
    flops_sample: Count | None = None
    samples_per_second: Finite | None = None
    flops_image: Finite | None = None
    passes: Count | None = None
    inference: Count | None = None
    tuned_images: Count | None = None


class _Row(_Open):
    kind: Kind
    rank_best: Count | None = None
    rank_worst: Count | None = None
    member: Name
    source: str
    task: str
    track: str
    seeds: tuple[Count, ...]
    statuses: dict[str, Count]
    gaps: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()
    teacher: str = ""
    features: str = ""
    finished: str = ""
    cells: tuple[_Cell, ...]
    cost: _Cost | None
    records: tuple[str, ...]


class _Board(_Open):
    suite: Name
    suite_version: Version
    protocol_digest: Name
    protocol: dict[str, Any]
    ranking: Name
    columns: tuple[_Metric, ...]
    rows: tuple[_Row, ...]
    notes: tuple[str, ...]


def read_file(path: Path) -> Board:
    """A board from a JSON file. Raises UserError when it cannot be read or holds no board."""
    try:
        return _board(json_file.load(path, "board"))
    except (ValueError, KeyError, OverflowError):
        raise UserError(
            f"baseline {path}: is not a board. Give a file that `bench leaderboard --format json` wrote, or a results folder."
        ) from None


def read(text: str) -> Board:
    """A board from its JSON; statistics are recomputed from the values. Raises ValueError or KeyError for other JSON."""
    return _board(json.loads(text))


def _board(content: dict[str, Any]) -> Board:
    found = _Board.model_validate(content)
    metrics = {
        item.metric: Column(item.metric, item.version, item.better, Scale(item.scale, item.floor))
        for item in found.columns
    }
    return Board(
        suite=found.suite,
        suite_version=found.suite_version,
        protocol_digest=found.protocol_digest,
        protocol=found.protocol,
        ranking=found.ranking,
        columns=tuple(metrics.values()),
        rows=tuple(_row(item, metrics) for item in found.rows),
        notes=found.notes,
    )


def _row(item: _Row, metrics: dict[str, Column]) -> Row:
    cost = item.cost
    return Row(
        kind=item.kind,
        ranks=None if item.rank_best is None or item.rank_worst is None else Ranks(item.rank_best, item.rank_worst),
        member=item.member,
        source=item.source,
        task=item.task,
        track=item.track,
        seeds=item.seeds,
        statuses={"ok": 0, **item.statuses},
        gaps=item.gaps,
        cells={(cell.metric, cell.checkpoint): _cell(cell, metrics[cell.metric]) for cell in item.cells},
        cost=cost and Cost(
            cost.images,
            cost.train_seconds,
            tuple(sorted(cost.parameters.items())),
            cost.flops_sample,
            cost.samples_per_second,
            cost.flops_image,
            cost.passes,
            cost.inference,
            cost.tuned_images,
        ),
        records=item.records,
        warnings=item.warnings,
        revisions=item.revisions,
        teacher=item.teacher,
        features=item.features,
        finished=item.finished,
    )  # fmt: skip


def _cell(item: _Cell, column: Column) -> ScoreSummary:
    values = tuple(item.values.values())
    return ScoreSummary(
        seeds=tuple(int(seed) for seed in item.values),
        values=values,
        summary=summary(values, column.scale),
        components=Components(item.training_seed_sd, item.sample_seed_sd),
        flags=item.flags,
    )


def write(board: Board) -> str:
    """Everything the board knows."""
    return json.dumps(as_dict(board), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_dict(board: Board) -> dict[str, Any]:
    """The board as JSON values. A row holds what every column of the board says of it, then the details behind that."""
    shown = columns(board)
    return {
        "suite": board.suite,
        "suite_version": board.suite_version,
        "protocol_digest": board.protocol_digest,
        "protocol": board.protocol,
        "ranking": board.ranking,
        "columns": [
            {
                "metric": column.metric,
                "version": column.version,
                "better": column.better,
                "scale": column.scale.kind,
                "floor": column.scale.floor,
            }
            for column in board.columns
        ],
        "rows": [_row_as_dict(shown, row) for row in board.rows],
        "notes": list(board.notes),
    }


def _row_as_dict(shown: tuple[BoardColumn, ...], row: Row) -> dict[str, Any]:
    return {
        "kind": row.kind,
        **facts(shown, row),
        "source": row.source,
        "task": row.task,
        "track": row.track,
        "seeds": list(row.seeds),
        "statuses": dict(row.statuses),
        "success": exact(row.success),
        "gaps": list(row.gaps),
        "warnings": list(row.warnings),
        "revisions": list(row.revisions),
        **{key: value for key, value in (("teacher", row.teacher), ("features", row.features)) if value},
        "finished": row.finished,
        "cells": [
            {"metric": metric, "checkpoint": checkpoint, **_cell_as_dict(cell)}
            for (metric, checkpoint), cell in row.cells.items()
        ],
        "cost": row.cost and _cost_as_dict(row.cost),
        "records": list(row.records),
    }


def _cost_as_dict(cost: Cost) -> dict[str, Any]:
    """What speed records and catalogues add is left out where there is nothing."""
    known = {"images": cost.images, "train_seconds": exact(cost.train_seconds), "parameters": dict(cost.parameters)}
    speed = {
        "flops_sample": cost.flops_sample,
        "samples_per_second": exact(cost.samples_per_second),
        "flops_image": cost.flops_image,
        "passes": cost.passes,
        "inference": cost.inference,
        "tuned_images": cost.tuned_images,
    }
    return known | {key: value for key, value in speed.items() if value is not None}


def _cell_as_dict(cell: ScoreSummary) -> dict[str, Any]:
    found = cell.summary
    return {
        "values": {str(seed): value for seed, value in zip(cell.seeds, cell.values, strict=True)},
        "mean": exact(found.mean),
        "low": exact(found.low),
        "high": exact(found.high),
        "sd": exact(found.sd),
        "training_seed_sd": exact(cell.components.training_sd),
        "sample_seed_sd": exact(cell.components.sample_sd),
        "flags": list(cell.flags),
    }
