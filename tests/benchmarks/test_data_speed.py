"""Batches: resident uint8 pictures against a DataLoader over the same pictures as floats."""

import time

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from bench.data import Split
from bench.data.batches import Batches

COUNT, BATCH, DRAWS = 8192, 64, 64
GROUP = pytest.mark.benchmark(group=f"data: {DRAWS} batches of {BATCH} pictures, 3 x 32 x 32", timer=time.process_time)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return torch.randint(0, 256, (COUNT, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@GROUP
@pytest.mark.parametrize("resident", [True, False], ids=["resident", "streamed"])
def test_data_ours(benchmark, pictures, resident):
    batches = Batches(Split(pictures.numpy()), BATCH, seed=0, device="cpu", memory_limit_bytes=None if resident else 0)

    def draw() -> None:
        for _ in range(DRAWS - 1):
            batches.next()
        batch = batches.next()
        assert batch.images.shape == (BATCH, 3, 32, 32)

    benchmark.pedantic(draw, rounds=10, warmup_rounds=1)


@GROUP
def test_data_loader(benchmark, pictures):
    """As PyTorch's examples do it, without workers: floats in [-1, 1], collated picture by picture."""
    loader = DataLoader(TensorDataset(pictures.float() / 127.5 - 1), BATCH, shuffle=True)

    def draw() -> None:
        batches = iter(loader)
        for _ in range(DRAWS - 1):
            next(batches)
        (images,) = next(batches)
        assert images.shape == (BATCH, 3, 32, 32)

    benchmark.pedantic(draw, rounds=10, warmup_rounds=1)
