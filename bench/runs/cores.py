"""The processor cores of this machine, and how several processes share them."""

import os

THREADS = "OMP_NUM_THREADS"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_each(processes: int) -> int:
    """Threads of each of so many processes: an even share of the cores, at least 1."""
    return max(cores() // processes, 1)
