import json
import subprocess
import sys

import pytest

FAULTS = """
import json, resource, torch
from bench.training.allocator import keep_freed_memory

def faults():  # pages that the system had to hand out while a block of 64 MiB was written and freed ten times
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(1 << 24)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

returned = faults()
can = keep_freed_memory()
faults()  # until the heap has grown
print(json.dumps([can, returned, faults()]))
"""


@pytest.mark.slow
def test_a_freed_block_is_used_again_without_a_page_fault():
    found = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    can, returned, kept = json.loads(found.stdout)
    if not can:
        pytest.skip("the C library of this system has no such setting")
    assert returned > 100  # 64 MiB are 16,384 pages of 4 kB, or 32 of 2 MiB, ten times
    assert kept < returned / 10


def test_without_the_setting_nothing_happens(monkeypatch):
    from bench.training import allocator

    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda _: object())
    assert allocator.keep_freed_memory() is False
