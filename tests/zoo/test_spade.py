"""SPADE: normalisation that the label map scales and shifts place by place, and the distance of features."""

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import Batch, Context, Draw, ImageSpec, Now
from zoo.spade import Critic, FeatureDistance, Generator, LabelTurn, Modulation, spade, widths


def test_modulation_by_hand():
    """A label map of 1 on the left and 0 on the right: there the features are doubled and shifted by 3, here they are normalised."""
    layer = Modulation(2, 1, 1)
    for conv in (layer.read[0], layer.scale, layer.shift):
        nn.init.zeros_(conv.weight)
        nn.init.zeros_(conv.bias)
    layer.read[0].weight.data[0, 0, 1, 1] = 1  # reads the label itself
    layer.scale.weight.data[:, 0, 1, 1] = 1
    layer.shift.weight.data[:, 0, 1, 1] = 3
    source = torch.zeros(1, 1, 8, 8)
    source[..., :4] = 1
    features = torch.randn(1, 2, 4, 4) * 5 + 2
    normal = (features - features.mean((2, 3), keepdim=True)) / features.std((2, 3), keepdim=True, correction=0)
    found = layer(features, source)
    torch.testing.assert_close(found[..., 2:], normal[..., 2:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found[..., :2], 2 * normal[..., :2] + 3, rtol=1e-4, atol=1e-4)


def test_a_flat_label_map_is_not_washed_away():
    """What an input norm would do: features of two flat maps, normalised, are alike. Modulated, they differ."""
    spec = ImageSpec(3, 16, source_channels=1)
    generator = Generator(spec, 4)
    one, other = (generator(torch.full((1, 1, 16, 16), value)) for value in (-1.0, 1.0))
    assert (one - other).abs().max() > 1e-3


def test_at_256_px_widths_are_as_published():
    assert widths(256, 64) == [1024, 1024, 512, 256, 128, 64]
    assert Generator(ImageSpec(3, 256, source_channels=1), 4).start == 8
    assert widths(8, 16) == [32, 16]


class Looking(nn.Module):
    """Sees the image, and twice the image; its logits are 0."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, list[Tensor]]:
        image = pictures[:, 1:]
        return torch.zeros(image.shape[0], 1), [image, 2 * image]


class Half(nn.Module):
    def forward(self, source: Tensor) -> Tensor:
        return source / 2


def test_the_distance_of_features_by_hand():
    """Photographs of 0 and translations of 0.25: distances of 0.25 and 0.5, on average 0.375."""
    batch = Batch(torch.zeros(2, 1, 8, 8), source=torch.full((2, 1, 8, 8), 0.5))
    nets = {"generator": Half(), "critic": Looking()}
    turn = LabelTurn(Context(nets, Draw(batch), "generator", Now(0, 1, 0), torch.Generator()))
    assert FeatureDistance()(turn).item() == pytest.approx(0.375)


@pytest.mark.parametrize(("resolution", "scales"), [(8, 1), (16, 2), (64, 2)])
def test_two_critics_judge_at_full_and_at_half_size(resolution: int, scales: int):
    spec = ImageSpec(3, resolution, source_channels=1)
    critic = Critic(spec, 4)
    logits, features = critic(torch.randn(2, 4, resolution, resolution))
    assert len(critic.scales) == scales
    assert logits.shape[0] == 2
    assert [one.shape[0] for one in features] == [2] * len(features)


def test_it_needs_sources():
    with pytest.raises(UserError, match="spade translates pictures"):
        spade(ImageSpec(3, 16))
