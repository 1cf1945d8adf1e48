"""Times calls on the device where they run.

On CUDA an event before and one after every call, read after a single wait at the end: the queue is never drained between
calls. Elsewhere the monotonic clock, with a wait for the device at each edge.
"""

import time
from collections.abc import Callable

import torch

from bench.training.environment import synchronise

Call = Callable[[], object]


def time_calls(call: Call, calls: int, device: torch.device) -> list[float]:
    """The milliseconds of each of some calls, one after the other."""
    if device.type == "cuda":
        with torch.cuda.device(device):  # events belong to the stream of the current device
            return _by_events(call, calls)
    return [_by_clock(call, device) for _ in range(calls)]


def _by_clock(call: Call, device: torch.device) -> float:
    wait(device)
    start = time.perf_counter_ns()
    call()
    wait(device)
    return (time.perf_counter_ns() - start) / 1e6


def _by_events(call: Call, calls: int) -> list[float]:
    events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(calls)]
    for before, after in events:
        before.record()
        call()
        after.record()
    torch.cuda.synchronize()
    return [before.elapsed_time(after) for before, after in events]


def wait(device: torch.device) -> None:
    """Wait for whatever the device has been given to do."""
    if device.type == "mps":
        torch.mps.synchronize()
    else:
        synchronise(device)
