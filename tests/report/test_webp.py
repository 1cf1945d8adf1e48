"""Pictures inside a page: no pixel changes where they are small, and never more bytes than before."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.report import webp


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return buffer.getvalue()


def pixels(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (40, 60, 4)])
def test_small_pictures_keep_every_pixel(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    content = png(np.repeat(rng.integers(0, 256, shape, dtype=np.uint8), 4, axis=0))
    assert (pixels(webp.smaller(content)) == pixels(content)).all()
    assert len(webp.smaller(content)) <= len(content)


def test_large_smooth_pictures_become_much_smaller_and_differ_little() -> None:
    y, x = np.mgrid[0:512, 0:512]
    waves = np.stack([128 + 100 * np.sin(x / 40 + y / n) for n in (31, 47, 90)], axis=-1)
    noise = np.random.default_rng(1).normal(0, 4, waves.shape)
    content = png((waves + noise).clip(0, 255).astype(np.uint8))
    found = webp.smaller(content)
    assert len(found) < len(content) / 3
    error = np.sqrt(((pixels(found) - pixels(content)) ** 2).mean())
    assert 20 * np.log10(255 / error) > 34  # decibels


def test_other_formats_and_other_depths_stay_as_they_are() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9)).save(buffer, "JPEG")
    deep = png(np.full((9, 9), 40_000, dtype=np.uint16))
    for content in (buffer.getvalue(), deep, b"no picture"):
        assert webp.smaller(content) == content
