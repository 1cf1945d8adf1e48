"""pix2pix and PatchGAN against reference counts, patch sizes and closed forms."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from bench.errors import UserError
from bench.gan import Batch, Context, Draw, ImageSpec, Now, Prompt
from zoo.networks.patch import PatchCritic
from zoo.pix2pix import TranslationTurn, UNet, distance, dropout_noise, dropped, halved, pix2pix, pix2pix_paper
from zoo.training.translation import proportionate_width

SPEC = ImageSpec(3, 32, source_channels=1)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(("resolution", "generator"), [(256, 54_413_955), (128, 41_828_995)])
def test_parameters_are_those_of_the_pytorch_code(resolution: int, generator: int):
    with torch.device("meta"):
        players = pix2pix_paper(ImageSpec(3, resolution, source_channels=3)).players
    assert count(players["generator"].net) == generator
    assert count(players["critic"].net) == 2_768_705


@pytest.mark.parametrize(("resolution", "patch"), [(256, 70), (64, 70), (32, 34), (16, 16)])
def test_a_logit_depends_on_a_patch_of_this_size(resolution: int, patch: int):
    torch.manual_seed(0)
    images = torch.rand(1, 1, 256, 256, requires_grad=True)
    logits = PatchCritic(1, resolution, 1, nn.Identity)(images)
    logits[0, logits.shape[1] // 2 + int(logits.shape[1] ** 0.5) // 2].backward()
    assert images.grad is not None
    seen = images.grad[0, 0].ne(0)
    assert (int(seen.any(0).sum()), int(seen.any(1).sum())) == (patch, patch)


def test_maps_of_logits_are_those_of_the_pytorch_code():
    with torch.device("meta"):
        assert PatchCritic(6, 256, 64)(torch.empty(2, 6, 256, 256)).shape == (2, 30 * 30)
        assert PatchCritic(6, 128, 64)(torch.empty(2, 6, 128, 128)).shape == (2, 14 * 14)
        assert PatchCritic(6, 8, 16)(torch.empty(2, 6, 8, 8)).shape == (2, 4)


def test_dropout_sits_in_the_deepest_three_blocks_of_full_width():
    assert dropped(256, 64) == [(512, 2, 2), (512, 4, 4), (512, 8, 8)]
    assert dropped(64, 64) == [(512, 2, 2), (512, 4, 4)]
    assert dropped(16, 64) == []


def test_noise_drops_features_or_doubles_them():
    torch.manual_seed(0)
    net = UNet(SPEC, 4).eval()
    block = net.up[0]
    seen: list[torch.Tensor] = []
    net.up[1].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    block.register_forward_hook(lambda *hooked: seen.append(hooked[2]))
    noise = torch.randn(2, 32 * 2 * 2)
    net(torch.rand(2, 1, 32, 32), noise)
    plain, joined = seen
    mask = (noise < 0).view(2, 32, 2, 2)
    torch.testing.assert_close(joined[:, 32:], 2 * plain * mask)  # behind the skip


def test_widths_follow_the_picture_up_to_the_published():
    assert [proportionate_width(size) for size in (8, 32, 64, 128, 256)] == [16, 16, 32, 64, 64]


def turn_of(mover: str) -> TranslationTurn:
    torch.manual_seed(0)
    nets = {name: player.net for name, player in pix2pix(SPEC).players.items()}
    draw = Draw(Batch(torch.rand(2, 3, 32, 32), source=torch.rand(2, 1, 32, 32)))
    context = Context(nets, draw, mover, Now(0, 1, 0), torch.Generator().manual_seed(0))
    return TranslationTurn(context, noise=dropout_noise(32, 16))


def test_losses_are_half_the_cross_entropy_and_a_hundred_times_the_mean_error():
    turn = turn_of("critic")
    real, fake = turn.real_logits, turn.fake_logits
    entropy = binary_cross_entropy_with_logits(real, torch.ones_like(real))
    entropy += binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    torch.testing.assert_close(halved(turn), entropy / 2)
    torch.testing.assert_close(100 * distance(turn), 100 * nn.functional.l1_loss(turn.fake, turn.real))


def test_both_updates_share_one_pass_whose_graph_is_the_generators():
    critic = turn_of("critic")
    generator = TranslationTurn(replace(critic.context, mover="generator"), noise=critic.noise)
    assert not critic.fake.requires_grad
    assert generator.fake.requires_grad
    assert torch.equal(critic.fake, generator.fake)


def test_the_critic_sees_the_source():
    turn = turn_of("critic")
    before = turn.judge(turn.real)
    turn.draw.batch.source.neg_()  # pyright: ignore[reportOptionalMemberAccess]
    assert not torch.equal(before, turn.judge(turn.real))


def test_generation_draws_its_dropout_from_the_prompt():
    torch.manual_seed(0)
    gan = pix2pix(SPEC)
    nets = {name: player.net.eval() for name, player in gan.players.items()}
    source = torch.rand(1, 1, 32, 32)

    def made(seed: int) -> torch.Tensor:
        return gan.generate(nets, Prompt(1, torch.Generator().manual_seed(seed), source=source))

    assert torch.equal(made(0), made(0))
    assert not torch.equal(made(0), made(1))


def test_a_set_without_sources_is_refused():
    with pytest.raises(UserError, match=r"pix2pix translates pictures .* Choose facades"):
        pix2pix(ImageSpec(3, 32))
