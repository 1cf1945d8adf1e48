import pytest
import torch
from torch import nn

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Turn
from zoo.began import Autoencoder, Boundary, Decoder, Encoder, ReconstructionTurn


def turn(real: list[float], fake: list[float]) -> Turn:
    made = Turn(Context({}, Draw(Batch(torch.zeros(2, 1, 1, 1))), "critic", Now(0, 1, 0), torch.Generator()))
    made.real_logits, made.fake_logits = torch.tensor(real), torch.tensor(fake)
    return made


def test_the_boundary_by_hand():
    """L(x) = 0.4, L(G) = 0.1, gamma 0.5, lambda 0.2: k = 0.3 + 0.2 (0.2 - 0.1) = 0.32."""
    given, boundary = turn([-0.3, -0.5], [-0.1, -0.1]), Boundary(0.5, 0.2)
    boundary.k.fill_(0.3)
    assert boundary.critic(given).item() == pytest.approx(0.4 - 0.3 * 0.1)
    assert boundary.generator(given).item() == pytest.approx(0.1)
    boundary.adjust(given)
    assert boundary.k.item() == pytest.approx(0.32)


def test_k_rests_where_the_losses_have_their_ratio_and_stays_a_share():
    boundary = Boundary(0.5, 10.0)
    boundary.k.fill_(0.3)
    boundary.adjust(turn([-0.4, -0.4], [-0.2, -0.2]))
    assert boundary.k.item() == pytest.approx(0.3)
    boundary.adjust(turn([-0.4, -0.4], [-0.9, -0.9]))
    assert boundary.k.item() == 0
    boundary.adjust(turn([-0.9, -0.9], [-0.0, -0.0]))
    assert boundary.k.item() == 1


def test_the_loss_is_the_mean_absolute_error_of_each_image():
    class Halved(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images / 2

    images = torch.stack([torch.full((1, 2, 2), value) for value in (0.8, -0.4)])
    context = Context({"critic": Halved()}, Draw(Batch(images)), "critic", Now(0, 1, 0), torch.Generator())
    made = ReconstructionTurn(context, latents=lambda count, random: torch.zeros(count, 1))
    torch.testing.assert_close(made.real_logits, torch.tensor([-0.4, -0.2]))


def test_codes_are_as_long_as_latents_and_channels_grow_linearly():
    """Figure 1: n, 2 n, 3 n channels; the decoder has n throughout. A constant number of channels of 8 x 8."""
    spec = ImageSpec(3, 32)
    assert Encoder(spec, 16, 16)(torch.zeros(2, 3, 32, 32)).shape == (2, 16)
    assert Decoder(spec, 16, 16)(torch.zeros(2, 16)).shape == (2, 3, 32, 32)
    strided = [
        layer.out_channels for layer in Encoder(spec, 16, 16) if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2)
    ]
    assert strided == [32, 48]
    assert Autoencoder(spec, 16, 16)(torch.zeros(2, 3, 32, 32)).shape == (2, 3, 32, 32)
