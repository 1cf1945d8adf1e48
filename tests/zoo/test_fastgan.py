"""FastGAN: who excites whom, what is redrawn, and the hinge with drawn margins."""

from functools import cached_property
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Turn
from zoo import fastgan
from zoo.fastgan import Critic, RedrawingTurn, SoftHinge, quarters
from zoo.networks import gated
from zoo.networks.gated import Excitation, Generator


class Logits(Turn):
    """Real and generated images have the logits they are."""

    def judge(self, images: Tensor) -> Tensor:
        return images.flatten(1)

    @cached_property
    def fake(self) -> Tensor:
        return -self.real


def logits(value: float) -> Logits:
    draw = Draw(Batch(torch.full((1000, 1, 10, 10), value)))
    return Logits(Context({}, draw, "critic", Now(0, 1, 0), torch.Generator().manual_seed(0)))


def test_at_256_px_sizes_excite_and_widths_are_as_published():
    assert gated.excited(256) == {64: 4, 128: 8, 256: 16}
    wide = {4: 1024, 8: 512, 16: 256, 32: 128, 64: 128, 128: 64, 256: 32}
    assert gated.channels(256, 64) == wide
    assert gated.excited(16) == {16: 4}
    assert gated.excited(8) == {}


def test_the_margin_is_nine_tenths_on_average_and_at_most_one():
    """Logits of 0: E m for real and for generated images. Right ones by 1 cost nothing, wrong ones by 1 cost m + 1 each."""
    assert SoftHinge().critic(logits(0.0)).item() == pytest.approx(1.8, abs=1e-3)
    assert SoftHinge().critic(logits(1.0)).item() == 0
    assert SoftHinge().critic(logits(-1.0)).item() == pytest.approx(3.8, abs=1e-3)
    assert SoftHinge().critic(logits(0.9)).item() == pytest.approx(2 * 0.5 * 0.05, abs=1e-3)
    assert SoftHinge().generator(logits(0.5)).item() == pytest.approx(0.5)


def test_quarters_by_hand():
    image = torch.arange(16.0).view(1, 1, 4, 4)
    found = quarters(image.expand(4, -1, -1, -1), torch.arange(4))
    assert found.flatten(1).tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_a_closed_gate_lets_nothing_pass_and_an_undecided_one_half():
    excite = Excitation(2, 3)
    for layer in excite.gate:
        if isinstance(layer, nn.Conv2d):
            nn.init.zeros_(layer.weight)
    large = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(excite(torch.randn(2, 2, 4, 4), large), large / 2)
    nn.init.constant_(excite.gate[0].weight, -1.0)
    nn.init.constant_(excite.gate[2].weight, 1e5)
    assert excite(torch.ones(2, 2, 4, 4), large).abs().max() == 0


class Drawing(nn.Module):
    """A critic whose features are the image, and whose decoders redraw from them without a fault but `off`."""

    def __init__(self, off: float):
        super().__init__()
        self.whole: Any = Off(nn.AvgPool2d(2), off)
        self.quarter: Any = Off(nn.Identity(), off)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return images.flatten(1), images, images


class Off(nn.Module):
    def __init__(self, body: nn.Module, off: float):
        super().__init__()
        self.body, self.off = body, off

    def forward(self, features: Tensor) -> Tensor:
        return self.body(features) + self.off


@pytest.mark.parametrize("off", [0.0, 0.25])
def test_redrawing_compares_with_what_was_shown(off: float):
    draw = Draw(Batch(torch.rand(8, 3, 8, 8) * 2 - 1))
    context = Context({"critic": Drawing(off)}, draw, "critic", Now(0, 1, 0), torch.Generator().manual_seed(0))
    turn = RedrawingTurn(context, latents=lambda count, random: torch.zeros(count, 1))
    assert fastgan.redrawing(turn).item() == pytest.approx(2 * off, abs=1e-6)
    assert not torch.equal(turn.shown, draw.batch.images)


@pytest.mark.parametrize("resolution", [8, 16, 64])
def test_decoders_draw_half_the_size_and_patches_are_as_published_from_64_px(resolution: int):
    spec = ImageSpec(3, resolution)
    critic, images = Critic(spec, 8), torch.zeros(2, 3, resolution, resolution)
    logits, last, before = critic(images)
    assert logits.shape == (2, 25 if resolution == 64 else 1)
    half = (2, 3, resolution // 2, resolution // 2)
    assert critic.whole(last).shape == half
    assert critic.quarter(quarters(before, torch.tensor([0, 3]))).shape == half
    latents, noise = torch.zeros(2, gated.LATENT), torch.zeros(2, gated.noise_pixels(resolution))
    assert Generator(spec, 8)(latents, noise).shape == images.shape
