"""Parameter counts of the unconditional members at their published size, and what is particular to each."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from bench.gan import GAN, ImageSpec
from zoo import gan, lsgan, pacgan, sagan, sngan, wgan, wgan_gp, wgan_gp_cnn


def counts(made: GAN) -> tuple[int, int]:
    """Trainable parameters of the generator and of the critic."""
    generator, critic = (
        sum(p.numel() for p in made.players[name].net.parameters()) for name in ("generator", "critic")
    )
    return generator, critic


@pytest.mark.parametrize(
    ("builder", "spec", "expected"),
    [
        (gan.gan, ImageSpec(1, 28), (2_503_984, 1_231_441)),  # goodfeli/adversarial mnist.yaml
        (wgan.wgan, ImageSpec(3, 32), (1_068_928, 663_296)),  # martinarjovsky/WassersteinGAN DCGAN_G, DCGAN_D
        (wgan.wgan, ImageSpec(1, 32), (1_066_880, 661_248)),
        (wgan.wgan, ImageSpec(3, 64), (3_576_704, 2_765_568)),
        (wgan_gp.wgan_gp, ImageSpec(3, 32), (1_204_483, 1_053_825)),  # igul222 gan_cifar_resnet.py, unconditional
        (sngan.sngan, ImageSpec(3, 32), (4_276_739, 1_053_825)),  # kwotsin/mimicry SNGAN 32
        (sngan.sngan, ImageSpec(3, 64), (12_220_675, 10_141_441)),  # SNGAN 64
        (sngan.sngan, ImageSpec(3, 128), (32_150_787, 29_017_857)),  # SNGAN 128
        (sagan.sagan_cond, ImageSpec(3, 32, classes=10), (4_386_308, 1_075_586)),  # kwotsin/mimicry SAGAN 32
        (pacgan.pacgan, ImageSpec(3, 32), (4_514_819, 4_315_201)),  # fjxmlzn/PacGAN VEEGAN_experiment, packing 2
    ],
)
def test_parameters_equal_the_reference_implementation(
    builder: Callable[[ImageSpec], GAN], spec: ImageSpec, expected: tuple[int, int]
):
    assert counts(builder(spec)) == expected


@pytest.mark.parametrize(("pack", "expected"), [(1, 4_310_401), (2, 4_315_201), (3, 4_320_001), (4, 4_324_801)])
def test_only_the_first_layer_grows_with_the_pack(pack: int, expected: int):
    critic = pacgan.Critic(ImageSpec(3, 32), pack=pack)
    assert sum(p.numel() for p in critic.parameters()) == expected


def test_lsgan_by_hand():
    """No reference count is known: layer by layer from vgg.py at 64 px."""

    def conv(before: int, after: int, kernel: int) -> int:
        return kernel**2 * before * after + after

    generator = 1024 * 4096 + 4096 + 2 * 256  # linear, norm
    generator += 4 * (conv(256, 256, 3) + 2 * 256)
    generator += conv(256, 128, 3) + 2 * 128 + conv(128, 64, 3) + 2 * 64 + conv(64, 3, 3)
    critic = conv(3, 64, 5) + sum(conv(w, 2 * w, 5) + 4 * w for w in (64, 128, 256)) + 512 * 16 + 1
    assert counts(lsgan.lsgan(ImageSpec(3, 64))) == (generator, critic)


def test_maxout_is_the_largest_piece():
    torch.manual_seed(0)
    layer = gan.Maxout(7, 3, 5)
    features = torch.randn(4, 7)
    pieces = layer.linear(features)
    for unit in range(3):
        largest = pieces[:, 5 * unit : 5 * unit + 5].max(1).values
        assert torch.equal(layer(features)[:, unit], largest)


def test_the_critic_of_the_gan_sees_black_as_zero():
    critic = gan.Critic(ImageSpec(1, 8)).eval()
    black = torch.full((1, 1, 8, 8), -1.0)
    seen: list[torch.Tensor] = []
    critic[0].register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0]))
    critic(black)
    assert not seen[0].any()


@pytest.mark.parametrize("resolution", [8, 16, 32, 64, 128])
def test_sagan_attends_once_in_each_player_at_the_size_that_is_said(resolution: int):
    spec = ImageSpec(1, resolution)
    generator_size, critic_size = sagan.attends_at(resolution)
    with torch.device("meta"):
        nets = (sagan.Generator(spec), sagan.Critic(spec))
        inputs = (torch.empty(2, sagan.LATENT), torch.empty(2, 1, resolution, resolution))
        for net, given, size in zip(nets, inputs, (generator_size, critic_size), strict=True):
            (attention,) = (layer for layer in net.modules() if isinstance(layer, sagan.SelfAttention))
            seen: list[torch.Size] = []
            attention.register_forward_hook(lambda layer, inputs, output, seen=seen: seen.append(output.shape))
            net(given)
            assert [shape[2:] for shape in seen] == [(size, size)]


def test_every_weight_of_sagan_is_spectrally_normalised_and_attention_starts_shut():
    made = sagan.sagan(ImageSpec(1, 16))
    for player in made.players.values():
        layers = [layer for layer in player.net.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
        assert layers
        assert all(nn.utils.parametrize.is_parametrized(layer, "weight") for layer in layers)
        gammas = [p for name, p in player.net.named_parameters() if name.endswith("gamma")]
        assert [gamma.item() for gamma in gammas] == [0.0]


@pytest.mark.parametrize(
    ("builder", "pooled"),
    [(sngan.sngan, lambda maps: maps.sum((2, 3))), (wgan_gp.wgan_gp, lambda maps: maps.mean((2, 3)))],
    ids=["sngan sums", "wgan-gp averages"],
)
def test_the_critic_s_head_sees_rectified_features_pooled_over_positions(builder, pooled):
    critic = builder(ImageSpec(1, 8)).players["critic"].net.eval()
    maps = torch.randn(3, critic.head.in_features, 2, 2)
    critic.blocks.register_forward_hook(lambda *_: maps)
    expected = pooled(maps.clamp(min=0)) @ critic.head.weight[0] + critic.head.bias
    torch.testing.assert_close(critic(torch.randn(3, 1, 8, 8)), expected)


def test_the_cnn_of_wgan_gp_starts_from_the_deviations_of_its_code():
    """tflib: uniform of variance 4 / (fan-in + fan-out), a stride of 2 dividing the fan of the coarser side by 4."""
    torch.manual_seed(0)
    made = wgan_gp_cnn.wgan_gp_cnn(ImageSpec(3, 32))
    first_down = made.players["critic"].net[2].weight  # 128 -> 256: fans 25 * 128 and 25 * 256 / 4
    assert first_down.std().item() == pytest.approx((4 / (25 * 128 + 25 * 64)) ** 0.5, rel=0.01)
    first_up = made.players["generator"].net[4].weight  # 512 -> 256: fans 25 * 512 / 4 and 25 * 256
    assert first_up.std().item() == pytest.approx((4 / (25 * 128 + 25 * 256)) ** 0.5, rel=0.01)
    assert made.players["generator"].net(torch.randn(2, 128)).shape == (2, 3, 32, 32)
