"""Colours: legible as text in both themes, and told apart by people who see fewer of them."""

import itertools
import re

import numpy as np
import pytest

from bench.report.page import static
from bench.report.theme import HEAT, INK, PALETTE, SERIES

# Machado, Oliveira and Fernandes 2009, "A physiologically-based model for simulation of color vision deficiency",
# severity 1.0, on linear RGB.
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
THEMES = ("light", "dark")


def colour(name: str, theme: str) -> str:
    found = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", static("report.css"))
    assert found, name
    return found[1 + THEMES.index(theme)]


def linear(code: str) -> np.ndarray:
    value = np.array([int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    low, high = sorted(float(XYZ[1] @ linear(code)) for code in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(code: str, sight: str) -> np.ndarray:
    seen = np.clip(np.array(SIGHT[sight]) @ linear(code), 0, 1)
    x, y, z = np.cbrt(XYZ @ seen / XYZ.sum(1))  # above the toe for every colour here
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("theme", THEMES)
def test_text_and_series_have_the_contrast_of_text(theme: str) -> None:
    paper = colour("paper", theme)
    for name in ("ink", "muted", "accent", "bad", "warn", "good", *(f"s{index}" for index in range(len(SERIES)))):
        assert contrast(colour(name, theme), paper) >= 4.5, name
    for index in range(len(HEAT)):
        assert contrast(colour("ink", theme), colour(f"h{index}", theme)) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", THEMES)
def test_any_two_series_are_told_apart(theme: str, sight: str) -> None:
    seen = [lab(colour(f"s{index}", theme), sight) for index in range(len(SERIES))]
    assert min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(seen, 2)) > 15


def test_figures_for_papers_use_the_colours_of_the_light_page() -> None:
    assert [colour(f"s{index}", "light") for index in range(len(SERIES))] == list(SERIES)
    assert [colour(f"h{index}", "light") for index in range(len(HEAT))] == list(HEAT)
    assert colour("ink", "light") == INK
    for name in PALETTE.values():
        assert all(
            f".{paint}-{name} " in static("report.css") for paint in "fs" if not (paint == "s" and name[0] == "h")
        ), name
