"""A board as JSON, written and read: ``read(write(board))`` is the board."""

import json
import json as json_writer
from pathlib import Path
from typing import Any

from bench.boards.rows import Board, Column, Cost, Row, ScoreSummary
from bench.boards.statistics import Components, Scale, summary
from bench.errors import UserError
from bench.formats import exact


def read_file(path: Path) -> Board:
    """A board from a JSON file. Raises UserError when it cannot be read or holds no board."""
    try:
        return read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"baseline {path}: cannot be read: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = "no JSON" if isinstance(error, json.JSONDecodeError) else "no board"
        raise UserError(
            f"baseline {path}: {problem}. Give a file that `bench leaderboard --format json` wrote, or a results folder."
        ) from None


def read(text: str) -> Board:
    """A board from its JSON; statistics are recomputed from the values. Raises ValueError or KeyError for other JSON."""
    content = json.loads(text)
    columns = {item["metric"]: _column(item) for item in content["columns"]}
    return Board(
        suite=content["suite"],
        suite_version=content["suite_version"],
        protocol_digest=content["protocol_digest"],
        protocol=content["protocol"],
        ranking=content["ranking"],
        columns=tuple(columns.values()),
        rows=tuple(_row(item, columns) for item in content["rows"]),
        notes=tuple(content["notes"]),
    )


def _column(item: dict[str, Any]) -> Column:
    scale = Scale(item["scale"], item["floor"])
    return Column(item["metric"], item["version"], item["better"], scale)


def _row(item: dict[str, Any], columns: dict[str, Column]) -> Row:
    cells = {(cell["metric"], cell["checkpoint"]): _cell(cell, columns[cell["metric"]]) for cell in item["cells"]}
    return Row(
        kind=item["kind"],
        rank=item["rank"],
        member=item["member"],
        source=item["source"],
        task=item["task"],
        track=item["track"],
        seeds=tuple(item["seeds"]),
        statuses=item["statuses"],
        gaps=tuple(item["gaps"]),
        cells=cells,
        cost=_cost(item["cost"]) if item["cost"] else None,
        records=tuple(item["records"]),
    )


def _cost(item: dict[str, Any]) -> Cost:
    return Cost(
        item["images"],
        item["train_seconds"],
        tuple(sorted(item["parameters"].items())),
        item.get("flops_sample"),
        item.get("samples_per_second"),
    )


def _cell(item: dict[str, Any], column: Column) -> ScoreSummary:
    values = tuple(float(value) for value in item["values"].values())
    return ScoreSummary(
        seeds=tuple(int(seed) for seed in item["values"]),
        values=values,
        summary=summary(values, column.scale),
        components=Components(item["training_seed_sd"], item["sample_seed_sd"]),
        flags=tuple(item["flags"]),
    )


def write(board: "Board") -> str:
    """Everything the board knows."""
    return json_writer.dumps(as_dict(board), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def as_dict(board: "Board") -> dict[str, Any]:
    """The board as JSON values."""
    return {
        "suite": board.suite,
        "suite_version": board.suite_version,
        "protocol_digest": board.protocol_digest,
        "protocol": board.protocol,
        "ranking": board.ranking,
        "columns": [
            {"metric": column.metric, "version": column.version, "better": column.better, **_column_as_dict(column)}
            for column in board.columns
        ],
        "rows": [_row_as_dict(row) for row in board.rows],
        "notes": list(board.notes),
    }


def _column_as_dict(column: Column) -> dict[str, Any]:
    return {"scale": column.scale.kind, "floor": column.scale.floor}


def _row_as_dict(row: Row) -> dict[str, Any]:
    cost = row.cost
    return {
        "kind": row.kind,
        "rank": row.rank,
        "member": row.member,
        "source": row.source,
        "task": row.task,
        "track": row.track,
        "seeds": list(row.seeds),
        "statuses": dict(row.statuses),
        "success": exact(row.success),
        "gaps": list(row.gaps),
        "cells": [
            {"metric": metric, "checkpoint": checkpoint, **_cell_as_dict(cell)}
            for (metric, checkpoint), cell in row.cells.items()
        ],
        "cost": cost and _cost_as_dict(cost),
        "records": list(row.records),
    }


def _cost_as_dict(cost: Cost) -> dict[str, Any]:
    """What speed records add is left out where there are none."""
    known = {"images": cost.images, "train_seconds": exact(cost.train_seconds), "parameters": dict(cost.parameters)}
    speed = {"flops_sample": cost.flops_sample, "samples_per_second": exact(cost.samples_per_second)}
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
