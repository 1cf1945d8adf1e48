"""ProGAN, equalised layers and growing, against counts, formulas and each other."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Prompt
from zoo.networks.equalised import (
    EqualisedConv2d,
    EqualisedDownConv2d,
    EqualisedLinear,
    EqualisedUpConv2d,
    LeakyReLU,
    MinibatchDeviation,
    pixel_norm,
)
from zoo.networks.filters import Filter
from zoo.networks.widths import Widths, proportionate
from zoo.progan import PUBLISHED, Generator, progan, progan_paper, squared_logits
from zoo.training.growing import GrowingCritic, GrowingTurn, growing_schedule, shrink

SMALL = Widths(64, 8, 4)
SPEC = ImageSpec(3, 16)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("spec", "generator", "critic"),
    [
        (ImageSpec(3, 32), 20_719_628, 20_726_785),
        (ImageSpec(1, 32), 20_715_524, 20_722_689),
        (ImageSpec(3, 64), 22_490_383, 22_498_049),
        (ImageSpec(3, 256), 23_044_309, 23_052_353),
    ],
)
def test_parameters_are_those_of_g_paper_and_d_paper(spec, generator, critic):
    with torch.device("meta"):
        players = progan_paper(spec).players
    assert count(players["generator"].net) == generator
    assert count(players["critic"].net) == critic


def test_widths_are_the_papers_from_4_to_1024_px():
    sizes = [4 << level for level in range(9)]
    assert [PUBLISHED.at(size) for size in sizes] == [512, 512, 512, 512, 256, 128, 64, 32, 16]  # table 2


def test_proportionate_widths_are_those_of_the_image_and_never_above_the_published():
    assert [proportionate(16, PUBLISHED).at(size) for size in (16, 8, 4)] == [16, 32, 64]
    assert [proportionate(8, PUBLISHED).at(size) for size in (8, 4)] == [16, 32]
    assert proportionate(256, PUBLISHED) == PUBLISHED
    assert proportionate(16, PUBLISHED).latent == 128


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_equalised_layers_start_with_hes_variance_and_learn_at_their_rate(rate):
    torch.manual_seed(0)
    layer = EqualisedLinear(256, 512, gain=2**0.5, rate=rate, bias=0.5).double()
    zero, unit = torch.zeros(1, 256, dtype=torch.float64), torch.eye(256, dtype=torch.float64)

    def effective() -> torch.Tensor:
        return (layer(unit) - layer(zero)).detach()

    assert float(layer.weight.detach().std()) == pytest.approx(1 / rate, rel=0.02)
    assert layer(zero).tolist()[0] == pytest.approx([0.5] * 512)
    before = effective()
    assert float(before.square().mean()) == pytest.approx(2 / 256, rel=0.05)
    optimiser = torch.optim.Adam(layer.parameters(), lr=1e-3)
    layer(torch.randn(64, 256, dtype=torch.float64)).square().sum().backward()
    optimiser.step()
    moved = (effective() - before).abs()  # Adam's first step is its rate, whatever the gradient
    assert float(moved.mean()) == pytest.approx(1e-3 * rate * (2 / 256) ** 0.5, rel=1e-3)


def test_equalised_convolution_is_a_scaled_convolution():
    layer = EqualisedConv2d(6, 5, 3, gain=2**0.5)
    images = torch.randn(2, 6, 8, 8)
    expected = conv2d(images, layer.weight * (2 / (6 * 9)) ** 0.5, layer.bias, padding=1)
    torch.testing.assert_close(layer(images), expected)


def test_fused_resampling_convolutions_are_the_plain_ones():
    images = torch.randn(2, 6, 8, 8)
    plain, up, down = (make(6, 5, 3, gain=2**0.5) for make in (EqualisedConv2d, EqualisedUpConv2d, EqualisedDownConv2d))
    nn.init.normal_(plain.bias)
    up.load_state_dict(plain.state_dict())
    down.load_state_dict(plain.state_dict())
    torch.testing.assert_close(up(images), plain(interpolate(images, scale_factor=2.0)), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(down(images), avg_pool2d(plain(images), 2), atol=1e-5, rtol=1e-5)


def test_pixel_norm_gives_each_position_a_mean_square_of_1():
    features = torch.randn(3, 7, 4, 4) * 5
    normal = pixel_norm(features)
    torch.testing.assert_close(normal.square().mean(1), torch.ones(3, 4, 4))
    torch.testing.assert_close(normal * features.norm(dim=1, keepdim=True) / 7**0.5, features)
    torch.testing.assert_close(pixel_norm(features[:, :, 0, 0]), normal[:, :, 0, 0])


def test_minibatch_deviation_by_hand():
    features = torch.randn(6, 2, 3, 3)
    out = MinibatchDeviation(3)(features)
    assert out.shape == (6, 3, 3, 3)
    assert torch.equal(out[:, :2], features)
    for group in ([0, 2, 4], [1, 3, 5]):  # strided through the batch
        expected = features[group].std(0, correction=0).mean()
        torch.testing.assert_close(out[group, 2], expected.expand(3, 3, 3))


def test_minibatch_deviation_of_equal_images_is_0_and_groups_divide_the_batch():
    layer = MinibatchDeviation(4)
    assert layer(torch.ones(4, 1, 2, 2))[:, 1].abs().max() <= 1.01e-4
    assert layer(torch.randn(5, 1, 2, 2))[:, 1].abs().max() <= 1.01e-4  # groups of one
    features = torch.randn(6, 1, 2, 2)
    assert torch.equal(layer(features), MinibatchDeviation(3)(features))
    double = torch.randn(4, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, double)


@pytest.mark.parametrize("taps", [(1, 2, 1), (1, 3, 3, 1)])
def test_filters_keep_a_constant_and_the_mean(taps):
    smooth = Filter(taps)
    ones = torch.ones(1, 2, 12, 12)
    for out in (smooth.blur(ones, padding=len(taps) // 2), smooth.up(ones), smooth.down(ones)):
        torch.testing.assert_close(out[:, :, 3:-3, 3:-3], torch.ones_like(out[:, :, 3:-3, 3:-3]))
    assert smooth.up(ones).shape == (1, 2, 24, 24)
    assert smooth.down(ones).shape == (1, 2, 6, 6)
    impulse = torch.zeros(1, 1, 12, 12)
    impulse[0, 0, 6, 6] = 1
    assert float(smooth.up(impulse).sum()) == pytest.approx(4)  # the mean of the image is kept
    assert float(smooth.blur(impulse, padding=2).sum()) == pytest.approx(1)


def test_filters_by_hand():
    row = torch.tensor([0.0, 0, 1, 0, 0, 0]).view(1, 1, 1, 6).expand(1, 1, 6, 6)
    bilinear = Filter((1, 3, 3, 1)).up(row)[0, 0, 5]
    torch.testing.assert_close(bilinear, torch.tensor([0, 0, 0, 0.25, 0.75, 0.75, 0.25, 0, 0, 0, 0, 0]))
    torch.testing.assert_close(Filter((1, 2, 1)).up(row)[0, 0, 5], torch.tensor([0, 0, 0, 0.5, 1, 0.5] + [0.0] * 6))
    torch.testing.assert_close(Filter((1, 2, 1)).down(row)[0, 0, 1], torch.tensor([0, 0.5, 0.0]))


@pytest.mark.parametrize("taps", [(1, 2, 1), (1, 3, 3, 1)])
def test_down_is_a_quarter_of_the_adjoint_of_up(taps):
    smooth = Filter(taps)
    small, large = torch.randn(1, 2, 4, 4), torch.randn(1, 2, 8, 8)
    torch.testing.assert_close((smooth.up(small) * large).sum(), 4 * (small * smooth.down(large)).sum())


def test_the_generator_fades_from_the_old_image_enlarged_to_the_new_one():
    net = Generator(SPEC, SMALL)
    latents = torch.randn(2, 4)
    old = net(latents, level=1, fading=False)
    new = net(latents, level=2, fading=False)
    assert old.shape == (2, 3, 8, 8)
    net.grow(2, 0.0)
    torch.testing.assert_close(net(latents, level=2), interpolate(old, scale_factor=2.0))
    net.grow(2, 1.0)
    torch.testing.assert_close(net(latents, level=2), new)
    net.grow(2, 0.25)
    torch.testing.assert_close(net(latents, level=2), 0.75 * interpolate(old, scale_factor=2.0) + 0.25 * new)


def test_the_critic_fades_from_the_shrunken_image_to_the_full_one():
    net = GrowingCritic(3, 16, SMALL)
    images = torch.randn(4, 3, 16, 16)
    old = net(avg_pool2d(images, 2), level=1, fading=False)
    new = net(images, level=2, fading=False)
    assert old.shape == (4,)
    net.grow(2, 0.0)
    torch.testing.assert_close(net(images, level=2), old)
    net.grow(2, 1.0)
    torch.testing.assert_close(net(images, level=2), new)


def test_real_images_are_shrunk_and_blended_in_step():
    images = torch.randn(2, 3, 16, 16)
    assert torch.equal(shrink(images, 16, 1.0), images)
    torch.testing.assert_close(shrink(images, 4, 1.0), avg_pool2d(images, 4))
    coarse = interpolate(avg_pool2d(images, 4), scale_factor=2.0)
    torch.testing.assert_close(shrink(images, 8, 0.0), coarse)
    torch.testing.assert_close(shrink(images, 8, 0.5), (coarse + avg_pool2d(images, 2)) / 2)


def test_a_copy_of_the_weights_samples_at_the_size_that_was_trained():
    gan = progan(SPEC)
    nets = {name: player.net for name, player in gan.players.items()}
    batch = Batch(torch.randn(4, 3, 16, 16))
    random = torch.Generator().manual_seed(0)
    turn = gan.schedule[1].turn(Context(nets, Draw(batch), "critic", Now(0, 100, 0, 1, 0.5), random))
    assert isinstance(turn, GrowingTurn)
    assert turn.batch.images.shape == turn.fake.shape == (4, 3, 8, 8)
    copied = deepcopy(nets["generator"])
    copied.load_state_dict(nets["generator"].state_dict())
    assert (int(copied.level), float(copied.fade)) == (1, 0.5)
    latents = torch.randn(2, 128)
    images = gan.generate({"generator": copied}, Prompt(2, random, latents))
    torch.testing.assert_close(images, interpolate(nets["generator"](latents, 1, True), scale_factor=2.0).clamp(-1, 1))
    assert images.shape == (2, 3, 16, 16)


def test_the_schedule_grows_level_by_level_and_the_last_phase_takes_the_rest():
    stages = growing_schedule(32, 0, [], GrowingTurn)
    seen = [(stage.turn.keywords["level"], stage.turn.keywords["fading"]) for stage in stages]
    assert seen == [(0, False), (1, True), (1, False), (2, True), (2, False), (3, True), (3, False)]
    assert [stage.share for stage in stages] == pytest.approx([0.05] * 6 + [0.7])
    assert [stage.share for stage in growing_schedule(8, 1, [], GrowingTurn)] == [1.0]


def test_drift_is_a_thousandth_of_the_mean_square_of_the_real_logits():
    class Judged:
        real_logits = torch.tensor([1.0, -3.0])

    assert float(0.001 * squared_logits(Judged())) == pytest.approx(0.005)


def test_scaled_leaky_relu_keeps_the_variance():
    torch.manual_seed(0)
    out = LeakyReLU(2**0.5)(torch.randn(200_000))
    assert float(out.square().mean()) == pytest.approx(1.04, rel=0.02)  # 2 (1 + 0.2^2) / 2
