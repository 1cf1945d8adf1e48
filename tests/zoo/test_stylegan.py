"""StyleGAN: counts, AdaIN, mapping, mixing, truncation, noise, growing."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import instance_norm, interpolate

from bench.gan import ImageSpec, Prompt
from zoo.networks.style import Mapping, draw_noise, draw_second, mix_styles, per_layer, split_noise, truncate
from zoo.networks.widths import Widths
from zoo.stylegan import AdaIN, Generator, noise_pixels, stylegan, stylegan_paper
from zoo.stylegan2 import stylegan2, stylegan2_cond
from zoo.stylegan2_ada import stylegan2_ada_cond

SMALL = Widths(64, 8, 4)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(
    ("resolution", "generator", "critic"),
    [(32, 22_841_356, 20_726_785), (64, 25_137_935, 22_498_049), (256, 26_086_229, 23_052_353)],
)
def test_parameters_are_those_of_the_authors_code(resolution, generator, critic):
    with torch.device("meta"):
        players = stylegan_paper(ImageSpec(3, resolution)).players
    assert count(players["generator"].net) == generator
    assert count(players["critic"].net) == critic
    assert count(players["generator"].net.mapping) == 2_101_248


def test_adain_gives_each_map_the_mean_and_deviation_of_the_style():
    layer = AdaIN(4, 6)
    features, style = torch.randn(3, 6, 5, 5) * 3 + 2, torch.randn(3, 4)
    scale, shift = layer.affine(style).chunk(2, 1)
    out = layer(features, style)
    torch.testing.assert_close(out.mean((2, 3)), shift, atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std((2, 3), correction=0), (scale + 1).abs(), atol=1e-4, rtol=1e-4)
    nn.init.zeros_(layer.affine.weight)
    torch.testing.assert_close(layer(features, style), instance_norm(features, eps=1e-8), atol=1e-5, rtol=1e-5)


def test_the_mapping_network_sees_the_direction_of_the_latents_alone():
    mapping = Mapping(8, 6, layers=3).eval()
    latents = torch.randn(4, 8)
    torch.testing.assert_close(mapping(latents), mapping(latents * 7), atol=1e-5, rtol=1e-4)
    assert float(mapping.mean.abs().sum()) == 0  # not in eval mode


def test_the_mean_style_follows_the_styles_in_training():
    torch.manual_seed(0)
    mapping = Mapping(8, 6, layers=2)
    seen = [mapping(torch.randn(16, 8)).detach().mean(0) for _ in range(3)]
    expected = torch.zeros(6)
    for style in seen:
        expected = 0.995 * expected + 0.005 * style
    torch.testing.assert_close(mapping.mean, expected)
    assert "mean" in mapping.state_dict()


def test_a_conditional_mapping_network_tells_classes_apart_and_needs_them():
    mapping = Mapping(8, 6, layers=2, classes=3)
    latents = torch.randn(1, 8).expand(3, -1)
    styles = mapping(latents, torch.arange(3))
    assert torch.unique(styles, dim=0).shape == (3, 6)
    with pytest.raises(ValueError, match="labels"):
        mapping(latents)


def test_mixing_takes_the_second_style_from_the_crossover_on():
    first, second = per_layer(torch.zeros(3, 2), 4), per_layer(torch.ones(3, 2), 4)
    mixed = mix_styles(first, second, torch.tensor([1, 3, 4]))
    assert mixed[:, :, 0].tolist() == [[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 0]]


def test_mixing_is_drawn_for_a_share_of_the_images_at_every_layer_alike():
    random = torch.Generator().manual_seed(0)
    second, crossover = draw_second(lambda n, r: torch.randn(n, 2, generator=r), 20_000, 5, 0.9, random)
    assert second.shape == (20_000, 2)
    shares = torch.bincount(crossover, minlength=6) / 20_000
    assert shares.tolist() == pytest.approx([0, 0.225, 0.225, 0.225, 0.225, 0.1], abs=0.01)


@pytest.mark.parametrize("builder", [stylegan, stylegan2, stylegan2_cond])
def test_latents_that_are_mixed_in_leave_the_mean_style_alone(builder):
    torch.manual_seed(0)
    net = builder(ImageSpec(1, 8, classes=3)).players["generator"].net
    latents, second = torch.randn(2, 4, 64)
    labels = [torch.tensor([0, 1, 2, 0])] if builder is stylegan2_cond else []
    expected = 0.005 * net.mapping(latents, *labels, second=True).detach().mean(0)
    assert not net.mapping.mean.any()
    noise = torch.randn(4, 1000)
    net(latents, noise, *labels, second=second, crossover=torch.ones(4))
    torch.testing.assert_close(net.mapping.mean, expected)


@pytest.mark.parametrize("truncation", [1.0, 0.5])
@pytest.mark.parametrize("builder", [stylegan, stylegan2, stylegan2_cond, stylegan2_ada_cond])
def test_generating_from_the_styles_of_latents_is_generating_from_the_latents(builder, truncation):
    torch.manual_seed(0)
    gan = builder(ImageSpec(1, 8, classes=3))
    nets = {"generator": gan.players["generator"].net.eval()}
    nets["generator"].mapping.mean.normal_()
    prompt = Prompt(
        2, torch.Generator().manual_seed(1), torch.randn(2, 64), torch.tensor([2, 0]), truncation=truncation
    )
    styles = gan.styles(nets, prompt)
    assert styles.shape == (2, 64)
    images = gan.generate(nets, prompt)
    again = replace(prompt, random=torch.Generator().manual_seed(1), latents=None, styles=styles)
    torch.testing.assert_close(gan.generate(nets, again), images)


def test_truncation_pulls_the_first_layers_to_the_mean():
    styles, mean = torch.randn(2, 5, 3), torch.randn(3)
    assert truncate(styles, mean, 1.0) is styles
    torch.testing.assert_close(truncate(styles, mean, 0.0), mean.expand(2, 5, 3))
    half = truncate(styles, mean, 0.5, layers=2)
    torch.testing.assert_close(half[:, :2], (styles[:, :2] + mean) / 2)
    assert torch.equal(half[:, 2:], styles[:, 2:])


def test_noise_is_cut_into_one_image_per_layer():
    noise = torch.arange(2 * 40.0).view(2, 40)
    pieces = split_noise(noise, [2, 4, 4])
    assert [tuple(piece.shape) for piece in pieces] == [(2, 1, 2, 2), (2, 1, 4, 4), (2, 1, 4, 4)]
    assert torch.equal(torch.cat([piece.flatten(1) for piece in pieces], 1), noise[:, :36])
    assert noise_pixels(3) == 2720  # of the authors' code at 32 px
    drawn = draw_noise(500, 40, torch.Generator().manual_seed(0))
    assert float(drawn.std()) == pytest.approx(1, abs=0.02)


def test_noise_starts_without_effect_and_then_has_one():
    net = Generator(ImageSpec(1, 16), SMALL).eval()
    latents, noise = torch.randn(2, 4), torch.randn(2, noise_pixels(2))
    before = net(latents, noise, level=2, fading=False)
    torch.testing.assert_close(before, net(latents, -noise, level=2, fading=False))
    nn.init.ones_(net.blocks[1].epilogue1.noise_scale)
    assert not torch.allclose(before, net(latents, noise, level=2, fading=False))


def test_the_generator_fades_and_starts_at_8_px():
    net = Generator(ImageSpec(3, 16), SMALL).eval()
    latents, noise = torch.randn(2, 4), torch.randn(2, noise_pixels(2))
    assert net.grown() == (1, False)
    old = net(latents, noise, level=1, fading=False)
    new = net(latents, noise, level=2, fading=False)
    assert net(latents, noise).shape == new.shape == (2, 3, 16, 16)
    torch.testing.assert_close(net(latents, noise), interpolate(old, scale_factor=2.0))
    net.grow(2, 0.0)
    torch.testing.assert_close(net(latents, noise), interpolate(old, scale_factor=2.0))
    net.grow(2, 1.0)
    torch.testing.assert_close(net(latents, noise), new)


def test_full_truncation_gives_one_image_for_all_latents():
    gan = stylegan(ImageSpec(1, 8))
    net = gan.players["generator"].net.eval()
    net.mapping.mean.normal_()

    def images(psi: float) -> torch.Tensor:
        random = torch.Generator().manual_seed(0)
        return gan.generate({"generator": net}, Prompt(3, random, torch.randn(3, 64), truncation=psi))

    torch.testing.assert_close(images(0.0)[0], images(0.0)[1])
    assert not torch.allclose(images(1.0)[0], images(1.0)[1])
