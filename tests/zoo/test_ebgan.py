from typing import Any

import pytest
import torch

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Turn
from zoo.ebgan import Autoencoder, EnergyMargin, repelling


def turn(real: list[float], fake: list[float]) -> Turn:
    made = Turn(Context({}, Draw(Batch(torch.zeros(2, 1, 1, 1))), "critic", Now(0, 1, 0), torch.Generator()))
    made.real_logits, made.fake_logits = torch.tensor(real), torch.tensor(fake)
    return made


def test_energies_above_the_margin_are_left_alone():
    """Energies 0.1 and 0.3 of real images, 0.2 and 0.9 of fakes, margin 0.5: 0.2 + (0.3 + 0) / 2."""
    given = turn([-0.1, -0.3], [-0.2, -0.9])
    assert EnergyMargin(0.5).critic(given).item() == pytest.approx(0.35)
    assert EnergyMargin(0.5).generator(given).item() == pytest.approx(0.55)


def test_repelling_is_the_mean_squared_cosine_of_pairs():
    """(1, 0), (0, 2) and (3, 3): cosines 0, 1/sqrt 2, 1/sqrt 2; of six ordered pairs four have 1/2."""
    codes = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    assert repelling(codes).item() == pytest.approx(4 * 0.5 / 6)
    assert repelling(torch.ones(4, 3)).item() == pytest.approx(1)
    assert repelling(torch.eye(4)).item() == 0


def test_the_energy_is_the_error_of_reconstruction():
    net: Any = Autoencoder(ImageSpec(1, 8), width=4)
    net.decode = torch.nn.Identity()
    net.encode = torch.nn.Conv2d(1, 1, 1, bias=False)
    torch.nn.init.constant_(net.encode.weight, 0.5)
    logits, codes = net(torch.full((2, 1, 8, 8), 0.8))
    torch.testing.assert_close(logits, torch.full((2,), -0.16))
    assert codes.shape == (2, 64)
