import pytest
import torch
from torch import Tensor, nn

from bench.gan import Batch, Context, Draw, Now
from zoo.training.pools import ReplayPool
from zoo.training.turns import JointTurn, noisy, pack, packed, replaying, top_k
from zoo.training.two_player import LatentTurn


class Mean(nn.Module):
    """The mean of an image as its logit."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))


def turn_of(kind: type[LatentTurn], mover: str, images: int = 0, count: int = 8) -> LatentTurn:
    """Fakes are 0, 1, ... count - 1; real images are 1."""
    return kind(
        Context(
            {"critic": Mean(), "generator": nn.Identity()},
            Draw(Batch(torch.ones(count, 1, 2, 2))),
            mover,
            Now(images=images, budget=100, step=images),
            torch.Generator().manual_seed(0),
        ),
        latents=lambda number, random: torch.arange(float(number)).view(-1, 1, 1, 1).expand(-1, 1, 2, 2),
    )


def test_a_joint_turn_judges_real_and_fake_in_one_pass():
    passes: list[int] = []
    turn = turn_of(JointTurn, "critic")
    turn.nets["critic"].register_forward_hook(lambda _, inputs, __: passes.append(inputs[0].shape[0]))
    assert turn.fake_logits.tolist() == list(range(8))
    assert turn.real_logits.tolist() == [1] * 8
    assert passes == [16]
    alone = turn_of(JointTurn, "generator")
    assert alone.fake_logits.tolist() == list(range(8))


@pytest.mark.parametrize(("spent", "expected"), [(0, 8), (5, 6), (10, 4), (90, 4)])
def test_top_k_picks_the_highest_logits_and_keeps_fewer_with_time(spent, expected):
    kind = top_k(floor=0.5, reached=0.1)
    logits = turn_of(kind, "generator", spent).fake_logits
    assert sorted(logits.tolist()) == list(range(8 - expected, 8))  # 8 * 0.5 ** 0.5 = 5.7 after a twentieth
    assert len(turn_of(kind, "critic", spent).fake_logits) == 8


def test_instance_noise_fades_to_nothing():
    kind = noisy(0.1)
    spreads = []
    for spent in (0, 50, 99):
        turn = turn_of(kind, "critic", spent, count=4000)
        spreads.append(turn.judge(torch.zeros(4000, 1, 2, 2)).std() * 2)  # a mean of four pixels
    torch.testing.assert_close(torch.stack(spreads), torch.tensor([0.1, 0.05, 0.001]), rtol=0.05, atol=0)


def test_packing_puts_neighbours_into_the_channels_of_one_image():
    images = torch.arange(5.0 * 3 * 4).view(5, 3, 2, 2)
    packs = pack(images, 2)
    assert packs.shape == (2, 6, 2, 2)
    assert torch.equal(packs[1], torch.cat([images[2], images[3]]))
    assert turn_of(packed(2), "critic").fake_logits.tolist() == [0.5, 2.5, 4.5, 6.5]


def test_replay_shows_old_fakes_to_the_critic_alone():
    pool = ReplayPool(4, (1, 2, 2))
    pool.images.fill_(100.0)
    pool.filled.fill_(4)
    kind = replaying(pool)
    assert turn_of(kind, "critic").fake_logits.tolist() == [100, 100, 100, 100, 4, 5, 6, 7]
    assert turn_of(kind, "generator").fake_logits.tolist() == list(range(8))
    assert not turn_of(kind, "critic").fake.requires_grad
