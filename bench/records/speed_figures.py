"""Aggregates of speed records, recomputed from their raw rounds. No torch."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.records.speed import Generation, ModeResult, Rounds


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
    times = calls(single.rounds)
    return Latency(percentile(times, 0.5), percentile(times, 0.9), percentile(times, 0.99))


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


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of the values do not exceed, linear between neighbours (Hyndman, Fan 1996, type 7)."""
    return float(np.percentile(np.asarray(values, dtype=np.float64), 100 * share))
