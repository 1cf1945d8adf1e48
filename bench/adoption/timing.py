"""How long a batch takes: interleaved rounds, so that what else the machine does falls on all alike."""

import time
from collections.abc import Callable, Mapping

import torch

from bench.records.origins import Timing

BATCH, WARM_UP, ROUNDS = 16, 2, 15


def timed(subjects: Mapping[str, Callable[[], object]], batch: int = BATCH, rounds: int = ROUNDS) -> tuple[Timing, ...]:
    """Each subject makes one batch a round, in turn, in alternating order; the first rounds are not counted."""
    found: dict[str, list[float]] = {name: [] for name in subjects}
    with torch.no_grad():
        for index in range(WARM_UP + rounds):
            for name in list(subjects)[:: 1 if index % 2 else -1]:
                start = time.perf_counter()
                subjects[name]()
                if index >= WARM_UP:
                    found[name].append((time.perf_counter() - start) * 1e3)
    threads = torch.get_num_threads()
    return tuple(
        Timing(what=name, batch=batch, threads=threads, milliseconds=tuple(round(value, 4) for value in values))
        for name, values in found.items()
    )
