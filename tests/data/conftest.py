import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

REAL_ROOT = os.environ.get("BENCH_DATA")  # read before the tests hide it


@pytest.fixture(autouse=True)
def bench_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and no data root unless a test names one."""
    home = tmp_path / "home"
    monkeypatch.setenv("BENCH_HOME", str(home))
    monkeypatch.delenv("BENCH_DATA", raising=False)
    return home


@pytest.fixture
def real_root() -> str:
    if not REAL_ROOT:
        pytest.skip("needs real data: name a torchvision-style root with BENCH_DATA")
    return REAL_ROOT


@pytest.fixture
def noise() -> Callable[..., np.ndarray]:
    """Random uint8 pixels; the same for the same seed."""

    def make(*shape: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)

    return make


@pytest.fixture
def photos(noise: Callable[..., np.ndarray]) -> Callable[..., list[Path]]:
    """Write `count` different pictures of `size` (width, height) into a folder."""

    def write(
        folder: Path,
        count: int,
        size: tuple[int, int] = (16, 16),
        *,
        mode: str = "RGB",
        suffix: str = "png",
        seed: int = 0,
    ) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
        paths = []
        for i in range(count):
            path = folder / f"{i:04d}.{suffix}"
            Image.fromarray(noise(*shape, seed=1000 * seed + i)).save(path)
            paths.append(path)
        return paths

    return write
