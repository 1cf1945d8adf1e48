"""StyleGAN2: counts, demodulation, resampling convolutions, path length, lazy regularisation."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from bench.errors import UserError
from bench.gan import Batch, Context, Draw, ImageSpec, Now, Prompt
from zoo.losses.lazy import PathLength, SizedR1, lazy_adam
from zoo.networks.style import StyleTurn
from zoo.networks.stylegan2 import (
    Critic,
    CriticBlock,
    Generator,
    HalvingConv2d,
    ModulatedConv2d,
    StyledConv,
    Synthesis,
    noise_pixels,
    noise_sizes,
    style_layers,
)
from zoo.networks.widths import Widths
from zoo.stylegan2 import stylegan2, stylegan2_cond, stylegan2_paper

SMALL = Widths(64, 8, 4)
SPEC = ImageSpec(3, 16)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("resolution", "generator", "critic"), [(64, 27_032_600, 26_488_833), (256, 30_034_338, 28_864_129)]
)
def test_parameters_are_those_of_configuration_f(resolution, generator, critic):
    with torch.device("meta"):
        players = stylegan2_paper(ImageSpec(3, resolution)).players
    assert count(players["generator"].net) == generator
    assert count(players["critic"].net) == critic


def test_layers_and_noise_of_the_published_sizes():
    assert [style_layers(size) for size in (32, 64, 128, 256)] == [8, 10, 12, 14]
    assert noise_sizes(16) == [4, 8, 8, 16, 16]
    assert noise_pixels(32) == 16 + 2 * (64 + 256 + 1024)


def effective_weights(conv: ModulatedConv2d, style: Tensor) -> Tensor:
    """What the layer does to an impulse in each input map: (inputs, outputs, 3, 3), without looking inside."""
    inputs = conv.weight.shape[1]
    impulses = torch.zeros(inputs, inputs, 5, 5)
    impulses[torch.arange(inputs), torch.arange(inputs), 2, 2] = 1
    return conv(impulses, style.expand(inputs, -1))[:, :, 1:4, 1:4].detach()


def test_demodulated_weights_have_norm_1_per_output_map_for_every_style():
    conv = ModulatedConv2d(4, 6, 5, 3)
    nn.init.normal_(conv.affine.bias)
    for style in torch.randn(3, 1, 4) * 10:
        norms = effective_weights(conv, style).square().sum((0, 2, 3)).sqrt()
        torch.testing.assert_close(norms, torch.ones(5), atol=1e-4, rtol=1e-4)


def test_modulation_scales_the_weights_of_each_input_map():
    conv = ModulatedConv2d(4, 6, 5, 3, demodulate=False)
    style = torch.randn(1, 4)
    scales = conv.affine(style).detach()[0]
    expected = (conv.weight * conv.scale * scales[:, None, None]).detach().transpose(0, 1).flip(2, 3)
    torch.testing.assert_close(effective_weights(conv, style), expected)
    torch.testing.assert_close(conv.affine(torch.zeros(1, 4)), torch.ones(1, 6))  # styles start around 1


def test_every_image_of_a_batch_has_its_own_style():
    conv = ModulatedConv2d(4, 6, 5, 3)
    features, styles = torch.randn(3, 6, 8, 8), torch.randn(3, 4)
    alone = torch.cat([conv(features[i : i + 1], styles[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(conv(features, styles), alone, atol=1e-5, rtol=1e-5)


def test_the_upsampling_convolution_keeps_the_variance_and_a_constants_size():
    torch.manual_seed(0)
    conv = ModulatedConv2d(4, 64, 64, 3, up=True)
    out = conv(torch.randn(4, 64, 16, 16), torch.zeros(4, 4)).detach()
    assert out.shape == (4, 64, 32, 32)
    plain = ModulatedConv2d(4, 1, 1, 3, up=True, demodulate=False)
    nn.init.ones_(plain.weight)
    inside = plain(torch.ones(1, 1, 8, 8), torch.zeros(1, 4))[0, 0, 4:-4, 4:-4].detach()
    torch.testing.assert_close(inside, torch.full_like(inside, 9 * plain.scale))  # a sum of nine ones, as at one size


def test_the_upsampling_convolution_is_zeros_inserted_convolved_with_weights_of_norm_1_and_filtered():
    torch.manual_seed(0)
    conv = ModulatedConv2d(4, 6, 5, 3, up=True)
    features, style = torch.randn(1, 6, 4, 4), torch.randn(1, 4)
    weight = conv.weight * conv.affine(style)[0, :, None, None]
    weight = weight / weight.square().sum((1, 2, 3), keepdim=True).sqrt()
    spread = torch.zeros(1, 6, 7, 7)
    spread[:, :, ::2, ::2] = features
    large = conv2d(spread, weight.flip(2, 3), padding=2)  # 9 x 9
    taps = torch.tensor([1.0, 3, 3, 1]) / 8
    filtered = conv2d(large, 4 * taps.outer(taps).expand(5, 1, 4, 4), padding=1, groups=5)
    torch.testing.assert_close(conv(features, style), filtered, atol=1e-5, rtol=1e-4)


def test_noise_is_added_by_its_strength_and_the_activation_keeps_the_variance():
    torch.manual_seed(0)
    layer = StyledConv(4, 6, 5)
    nn.init.constant_(layer.noise_scale, 0.7)
    nn.init.normal_(layer.bias)
    features, style, noise = torch.randn(2, 6, 8, 8), torch.randn(2, 4), torch.randn(2, 1, 8, 8)
    before = layer.conv(features, style) + 0.7 * noise.expand(-1, 5, -1, -1) + layer.bias
    torch.testing.assert_close(layer(features, style, noise), before.where(before > 0, 0.2 * before) * math.sqrt(2))


def test_the_halving_convolution_is_a_filtered_strided_one():
    conv = HalvingConv2d(1, 1, 3)
    nn.init.ones_(conv.weight)
    out = conv(torch.ones(1, 1, 16, 16)).detach()
    assert out.shape == (1, 1, 8, 8)
    torch.testing.assert_close(out[0, 0, 2:-2, 2:-2], torch.full((4, 4), 9 * conv.scale))
    shortcut = HalvingConv2d(2, 3, 1, bias=False)
    features = torch.randn(1, 2, 8, 8)
    taps = torch.tensor([1.0, 3, 3, 1]) / 8
    kernel = taps.outer(taps).expand(2, 1, 4, 4)
    blurred = conv2d(features, kernel, padding=1, groups=2)[:, :, ::2, ::2]
    torch.testing.assert_close(shortcut(features), conv2d(blurred, shortcut.weight * shortcut.scale))


def test_a_residual_block_keeps_the_variance():
    torch.manual_seed(0)
    features = torch.randn(8, 256, 16, 16)
    out = CriticBlock(256, 256, residual=True)(features).detach()
    assert out.shape == (8, 256, 8, 8)
    assert 0.1 < float(out.var()) < 1.5  # the low-pass filters take some


def test_images_are_the_sum_over_the_sizes():
    net = Synthesis(SPEC, SMALL)
    styles, noise = torch.randn(2, style_layers(16), 4), torch.randn(2, noise_pixels(16))
    images = net(styles, noise)
    assert images.shape == (2, 3, 16, 16)
    for to_rgb in net.to_rgb[1:]:
        nn.init.zeros_(to_rgb.conv.weight)
    coarse = net(styles, noise)
    nn.init.zeros_(net.to_rgb[0].conv.weight)
    nn.init.constant_(net.to_rgb[0].bias, 0.5)
    constant = net(styles, noise)
    assert not torch.allclose(images, coarse)
    torch.testing.assert_close(constant[:, :, 4:-4, 4:-4], torch.full((2, 3, 8, 8), 0.5))  # enlarged at gain 1


def test_the_projection_critic_depends_on_the_label_and_an_unconditional_one_does_not():
    images = torch.randn(6, 3, 16, 16)
    labels = torch.arange(6) % 3
    critic = Critic(SPEC, SMALL, residual=True, group=1, classes=3)
    assert critic(images, labels).shape == (6,)
    assert not torch.allclose(critic(images, labels), critic(images, labels.flip(0)))
    assert Critic(SPEC, SMALL, residual=False, group=2)(images).shape == (6,)


def test_the_projection_critic_s_logit_is_the_product_with_the_mapped_label_over_root_width():
    critic = Critic(SPEC, SMALL, residual=True, group=1, classes=3).eval()
    features = torch.randn(5, 8)
    critic.body.register_forward_hook(lambda *_: features)
    labels = torch.tensor([0, 2, 1, 1, 0])
    assert critic.mapping is not None
    with torch.no_grad():
        by_class = torch.cat([critic.mapping(None, torch.tensor([label])) for label in range(3)])
        expected = (features @ by_class.T)[torch.arange(5), labels] / 8**0.5
        torch.testing.assert_close(critic(torch.randn(5, 3, 16, 16), labels), expected)


def test_mixed_styles_change_the_later_layers_alone():
    net = Generator(SPEC, SMALL, mapping_layers=2).eval()
    latents, second = torch.randn(3, 4), torch.randn(3, 4)
    noise = torch.randn(3, noise_pixels(16))
    layers = torch.tensor([0, 3, style_layers(16)])
    mixed = net(latents, noise, None, second, layers)
    torch.testing.assert_close(mixed[2], net(latents, noise)[2], atol=1e-5, rtol=1e-4)  # never
    torch.testing.assert_close(mixed[0], net(second, noise)[0], atol=1e-5, rtol=1e-4)  # from the first layer on
    assert not torch.allclose(mixed[1], net(latents, noise)[1])


class Linear:
    """A turn whose generator is images = A w, with one style for each of `layers` layers of its own matrix."""

    def __init__(self, matrices: Tensor, count: int):  # (L, pixels, W)
        self.matrices = matrices
        self.batch = Batch(torch.zeros(count, 1, 8, 8))
        self.random = torch.Generator().manual_seed(0)

    def path(self, count: int) -> tuple[Tensor, Tensor]:
        styles = torch.randn(
            count, len(self.matrices), self.matrices.shape[2], dtype=self.matrices.dtype
        ).requires_grad_()
        return styles, torch.einsum("lpw,nlw->np", self.matrices, styles).view(count, 1, 8, 8)


def test_the_path_length_of_a_linear_generator():
    """J^T y with y ~ N(0, 1/64) and A^T A = a^2 64 I is N(0, a^2 I): its length has the mean of a chi distribution."""
    torch.manual_seed(0)
    width, layers, slope = 6, 2, 3.0
    basis = torch.linalg.qr(torch.randn(64, layers * width)).Q  # orthonormal columns
    matrices = slope * 8 * basis.view(64, layers, width).transpose(0, 1)
    penalty = PathLength(weight=2.0)
    value = penalty(Linear(matrices, 40_000))
    degrees = layers * width
    mean_chi = math.sqrt(2) * math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2))
    expected = slope * mean_chi / math.sqrt(layers)  # root of the mean over the layers
    assert float(penalty.mean) == pytest.approx(expected, rel=0.01)
    variance = slope**2 * (degrees - mean_chi**2) / layers
    assert float(value) == pytest.approx(2 * variance, rel=0.05)


def test_the_mean_path_length_is_a_running_one_and_is_saved():
    matrices = torch.randn(1, 64, 4)
    penalty = PathLength(share=0.1)
    penalty(Linear(matrices, 64))
    first = float(penalty.mean)
    assert first > 0  # there is no start at 0 to catch up from
    penalty(Linear(10 * matrices, 64))
    assert float(penalty.mean) == pytest.approx(0.9 * first + 0.1 * 10 * first, rel=0.1)
    assert set(penalty.state_dict()) == {"mean", "pace"}


def test_the_path_length_penalty_has_the_gradient_of_finite_differences():
    torch.manual_seed(0)
    matrices = torch.randn(1, 64, 4, dtype=torch.float64).requires_grad_()

    def value(of: Tensor) -> Tensor:
        torch.manual_seed(1)
        penalty = PathLength()
        penalty.mean.fill_(3.0)
        penalty.pace.fill_(0.0)
        turn = Linear(of, 4)
        return penalty(turn)

    (gradient,) = torch.autograd.grad(value(matrices), matrices)
    assert gradient.abs().max() > 0
    direction = torch.randn_like(matrices)
    step = 1e-2
    with torch.no_grad():
        plus, minus = matrices + step * direction, matrices - step * direction
    slope = (value(plus.requires_grad_()) - value(minus.requires_grad_())).detach() / (2 * step)
    assert float((gradient * direction).sum()) == pytest.approx(float(slope), rel=1e-3)


def test_lazy_adam_passes_the_same_time_in_one_more_step():
    optimiser = lazy_adam(2e-3, (0.5, 0.99), 4)([nn.Parameter(torch.zeros(1))])
    group = optimiser.param_groups[0]
    assert group["lr"] == pytest.approx(2e-3 * 4 / 5)
    assert [beta**5 for beta in group["betas"]] == pytest.approx([0.5**4, 0.99**4])


def test_sized_r1_has_the_papers_weight():
    """The critic x -> w . x has R1 = gamma / 2 ||w||^2 with gamma = 0.0002 * 64 pixels / 4 images."""
    weight = torch.randn(64)

    class Judged:
        real = torch.randn(4, 1, 8, 8).requires_grad_()
        real_logits = real.flatten(1) @ weight

    assert float(SizedR1()(Judged()).detach()) == pytest.approx(0.0032 / 2 * float(weight.square().sum()), rel=1e-5)


def turn_of(gan, mover: str, labels: Tensor | None = None) -> StyleTurn:
    nets = {name: player.net for name, player in gan.players.items()}
    draw = Draw(Batch(torch.randn(4, 1, 16, 16), labels))
    return gan.schedule[0].turn(Context(nets, draw, mover, Now(0, 1, 0), torch.Generator().manual_seed(0)))


def test_the_lazy_updates_are_those_of_the_paper():
    gan = stylegan2(ImageSpec(1, 16))
    assert [(update.player, *update.losses, update.every) for update in gan.schedule[0].updates] == [
        ("critic", "adversarial", 1),
        ("critic", "r1", 16),
        ("generator", "adversarial", 1),
        ("generator", "path_length", 4),
    ]
    assert list(gan.state) == ["path_length"]


def test_the_path_of_the_real_generator_reaches_every_style():
    gan = stylegan2_cond(ImageSpec(1, 16, classes=3))
    styles, images = turn_of(gan, "generator", torch.tensor([0, 1, 2, 0])).path(2)
    assert styles.shape == (2, style_layers(16), 128)
    assert images.shape == (2, 1, 16, 16)
    (gradient,) = torch.autograd.grad(images.square().sum(), styles, create_graph=True)
    assert (gradient.abs().sum(2) > 0).all()
    gradient.square().sum().backward()
    assert gan.players["generator"].net.mapping.layers[0].weight.grad.abs().sum() > 0


def test_conditional_needs_classes():
    with pytest.raises(UserError, match="stylegan2-cond is class-conditional"):
        stylegan2_cond(ImageSpec(1, 16))


def test_generate_draws_its_noise_from_the_prompt():
    gan = stylegan2(ImageSpec(1, 16))
    net = gan.players["generator"].net.eval()
    for conv in net.synthesis.convs:
        nn.init.ones_(conv.noise_scale)
    latents = torch.randn(2, 128)

    def images(seed: int) -> Tensor:
        return gan.generate({"generator": net}, Prompt(2, torch.Generator().manual_seed(seed), latents))

    assert torch.equal(images(0), images(0))
    assert not torch.equal(images(0), images(1))
    assert images(0).abs().max() <= 1


def test_truncation_pulls_every_layer_to_the_mean_style():
    torch.manual_seed(0)
    gan = stylegan2(ImageSpec(1, 16))
    net = gan.players["generator"].net.eval()
    nn.init.normal_(net.mapping.mean)
    latents = torch.randn(3, 128)
    seen: list[Tensor] = []
    net.synthesis.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    for psi in (1.0, 0.25, 0.0):
        gan.generate({"generator": net}, Prompt(3, torch.Generator().manual_seed(0), latents, truncation=psi))
    full, quarter, mean = seen
    torch.testing.assert_close(mean, net.mapping.mean.expand_as(full))
    torch.testing.assert_close(quarter, 0.75 * mean + 0.25 * full)
