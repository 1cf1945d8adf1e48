"""The commands of docs/adopt.md, on generators made here."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

PAGE = Path(__file__).parents[2] / "docs" / "adopt.md"


class Generator(nn.Module):
    """z (N, 100) -> (N, 1, 16, 16)."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(100, 256)

    def forward(self, latents: Tensor) -> Tensor:
        return torch.tanh(self.layer(latents)).reshape(-1, 1, 16, 16)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of TorchScript's writer
def test_the_page_works(bench, monkeypatch):
    monkeypatch.setenv("BENCH_HOME", str(bench.folder / "home"))
    torch.jit.save(torch.jit.trace(Generator(), torch.zeros(2, 100)), bench.folder / "generator.pt")
    images = np.random.default_rng(0).integers(0, 256, (1000, 16, 16, 1), np.uint8)
    np.savez(bench.folder / "samples.npz", images)
    (block,) = re.findall(r"```\n(bench adopt.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    lines = block.strip().splitlines()
    said = ""
    for line in lines:
        code, said, err = bench(*shlex.split(line)[1:])
        assert code == 0, err
    assert "Trained elsewhere" in said
    assert "Its budget as stated, not verified: 64,000 images, batch 16" in said
    code, _, err = bench("gate", "--baseline", "results", "--suite", "demo", "--member", "theirs")
    assert code in (0, 4), err


def test_bad_input_is_one_line(bench):
    start = ("adopt", "nowhere.npz", "--suite", "tiny.toml", "--as", "theirs")
    assert "--budget" in bench.refuses(*start, "--budget", " ")
    assert "no such file" in bench.refuses(*start, "--budget", "a day")
