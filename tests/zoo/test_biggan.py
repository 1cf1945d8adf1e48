import pytest
import torch

from bench.errors import UserError
from bench.gan import ImageSpec, Prompt
from zoo.biggan import HALF_LIFE, ByEmbedding, Critic, CriticBlock, Generator, biggan
from zoo.biggan import latents as biggan_latents
from zoo.networks.attention import SelfAttention

CIFAR = ImageSpec(3, 32, classes=10)


def count(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_parameters_equal_the_reference_implementation():
    # ajbrock/BigGAN-PyTorch at 9845943 with the flags of scripts/launch_cifar_ema.sh.
    gan = biggan(CIFAR)
    assert count(gan.players["generator"].net) == 4_304_387
    assert count(gan.players["critic"].net) == 4_207_361


def test_the_average_forgets_half_in_as_many_steps_as_the_script_s():
    average = biggan(ImageSpec(1, 8, classes=2)).players["generator"].average
    assert average is not None
    assert average.half_life_images == HALF_LIFE
    decayed = 0.9999 ** (HALF_LIFE / 200)
    assert decayed == pytest.approx(0.5)


def test_large_images_have_hierarchical_latents_and_attention():
    spec = ImageSpec(3, 64, classes=3)
    with torch.device("meta"):  # shapes only: 50 M weights
        generator, critic = Generator(spec), Critic(spec)
    kinds = [type(layer).__name__ for layer in generator.attention]
    assert kinds == ["Identity", "Identity", "SelfAttention", "Identity"]
    assert sum(isinstance(layer, SelfAttention) for layer in critic.blocks) == 1
    assert generator.stem.in_features == 20
    latents = biggan_latents(64)(1, torch.Generator())
    assert latents.shape == (1, 100)  # 20 for the stem and for each of 4 blocks


def test_each_block_gets_its_own_chunk_of_the_latents():
    conditions = ByEmbedding(classes=3)
    latents, labels = torch.arange(60.0).repeat(2, 1), torch.tensor([2, 0])
    first, others = conditions(latents, labels, 2)
    assert first.tolist() == latents[:, :20].tolist()
    for index, other in enumerate(others, start=1):
        assert torch.equal(other, torch.cat([conditions.table[labels], latents[:, 20 * index : 20 * index + 20]], 1))


@pytest.mark.parametrize("halves", [True, False])
def test_a_critic_block_is_its_definition_in_plain_layers(halves):
    torch.manual_seed(0)
    block = CriticBlock(3, 5, first=False, halves=halves)
    features = torch.randn(2, 3, 8, 8)

    def pooled(maps):
        return torch.nn.functional.avg_pool2d(maps, 2) if halves else maps

    inner = torch.nn.functional.conv2d(features.relu(), block.conv1.weight, block.conv1.bias, padding=1)
    residual = torch.nn.functional.conv2d(inner.relu(), block.conv2.weight, block.conv2.bias, padding=1)
    torch.testing.assert_close(
        block(features), pooled(residual) + pooled(block.shortcut(features)), atol=1e-5, rtol=1e-5
    )


def test_truncation_draws_the_images_of_a_class_together():
    torch.manual_seed(0)
    gan = biggan(ImageSpec(1, 8, classes=2))
    nets = {name: player.net.eval() for name, player in gan.players.items()}
    assert gan.latents is not None
    latents = gan.latents(32, torch.Generator().manual_seed(0))
    labels = torch.zeros(32, dtype=torch.int64)
    spreads = [
        gan.generate(nets, Prompt(32, torch.Generator(), latents, labels, truncation=level)).var(0).sum()
        for level in (1.0, 0.5, 0.1)
    ]
    assert spreads[0] > spreads[1] > spreads[2]


def test_unlabelled_images_are_refused():
    with pytest.raises(UserError, match="biggan is class-conditional"):
        biggan(ImageSpec(1, 16))
