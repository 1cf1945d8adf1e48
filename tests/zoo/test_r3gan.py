"""R3GAN: counts, initialisation, the relativistic loss, both penalties, schedules."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import upfirdn
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate

from bench.errors import UserError
from bench.gan import ImageSpec, Now
from zoo.losses.objectives import Relativistic
from zoo.losses.penalties import R1, R2
from zoo.r3gan import (
    TAPS,
    Critic,
    Down,
    Enlarge,
    Falling,
    Generator,
    Residual,
    Shrink,
    Up,
    fixup,
    r3gan,
    r3gan_cond,
    r3gan_cond_paper,
    r3gan_paper,
)
from zoo.training.rates import cosine


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("builder", "spec", "generator", "critic"),
    [
        (r3gan_paper, ImageSpec(3, 32), 20_732_160, 20_683_776),
        (r3gan_cond_paper, ImageSpec(3, 32, 10), 20_781_952, 21_280_512),
        (r3gan_paper, ImageSpec(3, 64), 22_429_824, 22_381_440),
        (r3gan_paper, ImageSpec(3, 256), 23_057_952, 23_009_568),
    ],
)
def test_parameters_are_those_of_the_presets(builder, spec, generator, critic):
    with torch.device("meta"):
        players = builder(spec).players
    assert count(players["generator"].net) == generator
    assert count(players["critic"].net) == critic


def test_a_grouped_convolution_starts_with_the_fan_in_of_a_group():
    torch.manual_seed(0)
    layer = fixup(nn.Sequential(nn.Conv2d(128, 128, 3, groups=8, bias=False)))[0]
    assert float(layer.weight.detach().std()) == pytest.approx(1 / math.sqrt(16 * 9), rel=0.03)


def test_residual_blocks_start_as_the_identity_with_fixup_gains():
    torch.manual_seed(0)
    blocks = fixup(nn.Sequential(*(Residual(64) for _ in range(8))))
    features = torch.randn(2, 64, 8, 8)
    assert torch.equal(blocks(features), features)
    first, _, second, _, last = blocks[3].branch
    gain = math.sqrt(2 / 1.04) * 8**-0.25
    assert float(first.weight.detach().std()) == pytest.approx(gain / math.sqrt(64), rel=0.03)
    assert float(second.weight.detach().std()) == pytest.approx(gain / math.sqrt(16 * 9), rel=0.03)
    assert second.groups == 8
    assert not last.weight.any()
    assert [name for name, _ in blocks[0].named_parameters() if "bias" in name] == ["branch.1.bias", "branch.3.bias"]


def test_an_embedding_starts_as_a_layer_that_sees_one_of_the_classes():
    torch.manual_seed(0)
    players = r3gan_cond(ImageSpec(1, 16, 10)).players
    generator, critic = players["generator"].net.label, players["critic"].net.label
    assert float(generator.weight.detach().std()) == pytest.approx(1 / math.sqrt(10), rel=0.1)
    # The critic's rows have the length of 1 / sqrt(10), spread over their 64 numbers: a gain of 1 / sqrt(64).
    assert critic.weight.shape == (10, 64)
    assert float(critic.weight.detach().std()) == pytest.approx(1 / math.sqrt(10 * 64), rel=0.1)


def test_one_step_of_the_projection_moves_a_logit_by_the_sum_of_the_features():
    """Adam's first step moves every weight by the rate: a logit by the rate times the sum of |features|, unscaled."""
    critic = r3gan_cond(ImageSpec(1, 8, 3)).players["critic"].net
    features = torch.randn(1, critic.label.weight.shape[1])
    critic.judge.register_forward_hook(lambda *_: features)
    images, labels = torch.randn(1, 1, 8, 8), torch.tensor([1])
    optimiser = torch.optim.Adam([critic.label.weight], lr=0.01, betas=(0.0, 0.99))
    before = critic(images, labels)
    (-before).sum().backward()
    optimiser.step()
    torch.testing.assert_close(critic(images, labels) - before, 0.01 * features.abs().sum(1))


def by_scipy(features: Tensor, up: bool) -> Tensor:
    """Rows, then columns through scipy.signal.upfirdn with the published filter [1, 2, 1] on repeated pixels."""
    taps = np.convolve([1, 2, 1], [1, 1])
    taps = taps / taps.sum()
    out = features.double().numpy()
    for axis in (2, 3):
        if up:  # zeros between the samples; a gain of 2 along each axis
            out = upfirdn(2 * taps, out, up=2, axis=axis).take(range(1, 2 * features.shape[axis] + 1), axis)
        else:  # filtered with one zero on either side, then every second sample
            out = upfirdn(taps, out, axis=axis).take(range(2, features.shape[axis] + 2, 2), axis)
    return torch.from_numpy(out)


def test_resampling_is_the_published_filter():
    features = torch.randn(2, 3, 8, 12, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(Up(TAPS)(features).double(), by_scipy(features, up=True), rtol=0, atol=1e-6)
    torch.testing.assert_close(Down(TAPS)(features).double(), by_scipy(features, up=False), rtol=0, atol=1e-6)


def test_enlarging_is_repeating_pixels_and_blurring_them():
    features = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    blur = torch.tensor([1.0, 2.0, 1.0]) / 4
    repeated = interpolate(features, scale_factor=2)
    blurred = conv2d(repeated, blur.outer(blur)[None, None], padding=1)
    torch.testing.assert_close(Up(TAPS)(features), blurred)


@pytest.mark.parametrize(("resize", "size"), [(Enlarge, 16), (Shrink, 4)])
def test_resizing_keeps_a_constant(resize, size):
    out = resize(4, 4)(torch.ones(1, 4, 8, 8))
    assert out.shape == (1, 4, size, size)
    torch.testing.assert_close(out[:, :, 1:-1, 1:-1], torch.ones(1, 4, size - 2, size - 2))


def test_widths_change_at_the_smaller_size():
    assert [type(layer) for layer in Enlarge(8, 4)] == [nn.Conv2d, Up]
    assert [type(layer) for layer in Shrink(4, 8)] == [Down, nn.Conv2d]


class Judged:
    def __init__(self, real: Tensor, fake: Tensor):
        self.real_logits, self.fake_logits = real, fake


def test_the_relativistic_loss_sees_differences_alone():
    real, fake = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 4.0])
    turn, shifted = Judged(real, fake), Judged(real + 7, fake + 7)
    loss = Relativistic()
    critic = (math.log1p(math.exp(-0.5)) + math.log1p(math.exp(2.0))) / 2
    generator = (math.log1p(math.exp(0.5)) + math.log1p(math.exp(-2.0))) / 2
    assert float(loss.critic(turn)) == pytest.approx(critic)
    assert float(loss.generator(turn)) == pytest.approx(generator)
    torch.testing.assert_close(loss.critic(shifted), loss.critic(turn))
    equal = Judged(real, real)
    assert float(loss.critic(equal)) == float(loss.generator(equal)) == pytest.approx(math.log(2))
    assert float(loss.critic(turn) - loss.generator(turn)) == pytest.approx(float((fake - real).mean()))


def test_both_penalties_of_a_linear_critic_are_gamma_over_2_times_its_square():
    weight = torch.randn(64)

    class Linear:
        now = Now(images=0, budget=100, step=0)
        real = torch.randn(3, 1, 8, 8).requires_grad_()
        fake = torch.randn(3, 1, 8, 8).requires_grad_()
        real_logits = real.flatten(1) @ weight
        fake_logits = fake.flatten(1) @ (2 * weight)

    square = float(weight.square().sum())
    assert float(Falling(R1)(Linear()).detach()) == pytest.approx(0.05 / 2 * square, rel=1e-5)
    assert float(Falling(R2)(Linear()).detach()) == pytest.approx(0.05 / 2 * 4 * square, rel=1e-5)
    assert Falling(R1).differentiates == {"real"}
    assert Falling(R2).differentiates == {"fake"}


@pytest.mark.parametrize(("images", "gamma"), [(0, 0.05), (25, 0.0275), (50, 0.005), (99, 0.005)])
def test_gamma_falls_along_half_a_cosine_over_half_the_budget(images, gamma):
    weight = torch.ones(64)

    class Linear:
        now = Now(images=images, budget=100, step=0)
        real = torch.randn(3, 1, 8, 8).requires_grad_()
        real_logits = real.flatten(1) @ weight

    assert float(Falling(R1)(Linear()).detach()) == pytest.approx(gamma / 2 * 64)


def test_the_rate_falls_to_a_quarter():
    rate = r3gan(ImageSpec(1, 16)).players["critic"].rate
    assert rate is not None
    assert [rate(fraction) for fraction in (0.0, 0.25, 0.5, 1.0)] == pytest.approx([1, 0.625, 0.25, 0.25])
    assert cosine(0.5, end=0.0) == pytest.approx(0.5)


def test_the_critics_update_differentiates_both_inputs():
    (stage,) = r3gan(ImageSpec(1, 16)).schedule
    assert stage.updates[0].differentiates == {"real", "fake"}
    assert list(stage.updates[0].losses) == ["adversarial", "r1", "r2"]


def test_conditional_needs_classes_and_answers_to_them():
    with pytest.raises(UserError, match="r3gan-cond is class-conditional"):
        r3gan_cond(ImageSpec(3, 32))
    players = r3gan_cond(ImageSpec(1, 16, 3)).players
    latents, labels = torch.randn(3, 64), torch.arange(3)
    generator, critic = players["generator"].net, players["critic"].net
    images = generator(latents, labels)
    assert images.shape == (3, 1, 16, 16)
    assert not torch.allclose(images, generator(latents, labels.flip(0)))
    logits = critic(images, labels)
    assert logits.shape == (3,)
    assert not torch.allclose(logits, critic(images, labels.flip(0)))


def test_the_projection_is_the_product_with_the_class_s_row():
    critic = r3gan_cond(ImageSpec(1, 8, 3)).players["critic"].net
    assert isinstance(critic, Critic)
    assert critic.label is not None
    width = critic.label.weight.shape[1]
    features = torch.randn(4, width)
    critic.judge.register_forward_hook(lambda *_: features)
    labels = torch.tensor([2, 0, 1, 2])
    expected = (features @ critic.label.weight.T)[torch.arange(4), labels]
    torch.testing.assert_close(critic(torch.randn(4, 1, 8, 8), labels), expected)


def test_the_latents_weigh_the_maps_of_the_learned_picture():
    net = r3gan(ImageSpec(1, 8)).players["generator"].net
    assert isinstance(net, Generator)
    seen: list[Tensor] = []
    net.trunk.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    latents = torch.randn(2, 64)
    net(latents)
    expected = torch.einsum("nz,cz,chw->nchw", latents, net.weigh.weight, net.start)
    torch.testing.assert_close(seen[0], expected, atol=1e-5, rtol=1e-4)
