"""Aggregates of speed records, recomputed from their raw rounds. No torch."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench.records.speed import Generation, ModeResult, Rounds, SpeedRecord


@dataclass(frozen=True)
class Latency:
    """Milliseconds per call: over all calls of all rounds."""

    p50: float
    p90: float
    p99: float


@dataclass(frozen=True)
class Throughput:
    """Images per second at one batch size."""

    batch: int
    images_per_second: float


def calls(rounds: Rounds) -> list[float]:
    """Every call, in order."""
    return [ms for times in rounds for ms in times]


def latency(found: ModeResult) -> Latency | None:
    """Of one image at a time; None when batch 1 was not measured."""
    single = next((entry for entry in found.generation if entry.batch == 1), None)
    if single is None:
        return None
    return percentiles(calls(single.rounds))


def percentiles(times: Sequence[float]) -> Latency:
    """Of some calls, linear between neighbours."""
    return Latency(*np.percentile(times, [50, 90, 99]).tolist())


def images_per_second(entry: Generation) -> float:
    """By the median call."""
    return entry.batch * 1e3 / statistics.median(calls(entry.rounds))


def throughput(found: ModeResult) -> Throughput | None:
    """The most images per second over the batch sizes."""
    rates = [Throughput(entry.batch, images_per_second(entry)) for entry in found.generation]
    return max(rates, key=lambda entry: entry.images_per_second, default=None)


def training_images_per_second(found: ModeResult) -> float | None:
    """Real images per second over the whole schedule: stages weigh by their share of the budget."""
    if not found.training:
        return None
    shares = sum(stage.share for stage in found.training)
    seconds = sum(
        stage.share / shares * statistics.median(calls(stage.rounds)) / stage.images / 1e3 for stage in found.training
    )
    return 1 / seconds


def update_ms(found: ModeResult) -> dict[str, float]:
    """The median milliseconds of one update of each player, in the last stage."""
    if not found.training:
        return {}
    return {player: statistics.median(times) for player, times in found.training[-1].updates.items()}


def first_image_seconds(found: ModeResult) -> float | None:
    """The median over fresh processes."""
    return statistics.median(entry.total for entry in found.first_image) if found.first_image else None


def joules_per_1000(found: ModeResult) -> float | None:
    """Energy of 1,000 images."""
    if found.energy_joules is None or not found.energy_images:
        return None
    return 1000 * found.energy_joules / found.energy_images


def summary(found: ModeResult) -> dict[str, Any]:
    """The figures of a mode that people ask for, units in their names; None where it was not measured."""
    times, best = latency(found), throughput(found)
    return {
        "latency_ms": asdict(times) if times else None,
        "throughput": asdict(best) if best else None,
        "images_per_second_by_batch": {str(entry.batch): images_per_second(entry) for entry in found.generation},
        "training_images_per_second": training_images_per_second(found),
        "update_ms": update_ms(found),
        "first_image_seconds": first_image_seconds(found),
        "generation_peak_bytes": found.generation_peak_bytes,
        "training_peak_bytes": found.training_peak_bytes,
        "joules_per_1000_images": joules_per_1000(found),
    }


def as_json(record: SpeedRecord) -> str:
    """A speed record on one line, as it is kept, with a "summary" of every mode in front of its raw rounds."""
    content = record.model_dump(mode="json")
    modes = [
        {"mode": found.mode, "summary": summary(found)} | raw
        for found, raw in zip(record.modes, content["modes"], strict=True)
    ]
    return json.dumps(content | {"modes": modes})
