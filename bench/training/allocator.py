"""What a process does with memory that it has freed.

A training step frees and asks again for the same large blocks. glibc gives blocks above a threshold back to the system at
once, which then has to clear every page anew: a page fault for each 4 kB, thousands in an iteration on a processor
(docs/performance.md has the measured share).
"""

import ctypes

# malloc.h of glibc
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
LARGEST = 1 << 30  # bytes: larger blocks still go back to the system at once
STEP = 1 << 26  # bytes that the heap grows by


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to blocks of 1 GiB, instead of returning it and faulting it in again.

    Gives whether the C library can (glibc); elsewhere nothing happens. Accelerators are not touched: PyTorch has an allocator
    of its own for them, which does the same.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # musl, macOS, Windows
        return False
    settings = {M_MMAP_THRESHOLD: LARGEST, M_TRIM_THRESHOLD: (1 << 31) - 1, M_TOP_PAD: STEP}
    return all([mallopt(name, value) == 1 for name, value in settings.items()])
