"""Counters against hand-worked cases: a small network, and DCGAN at 64 px layer by layer."""

import sys
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian
from bench.perf.case import WorkloadSpec
from bench.perf.counters import count


def case(entry_point: str, channels: int = 3, resolution: int = 64, batch: int = 4) -> WorkloadSpec:
    return WorkloadSpec(entry_point, channels, resolution, 0, 0, "eager", "cpu", 1, "generation", batch)


class HandTurn(Turn):
    @property
    def fake(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        latents = torch.randn(len(self.batch.images), 5, generator=self.random)
        return self.nets["generator"](latents)

    def judge(self, images: Tensor) -> Tensor:
        return self.nets["critic"](images)


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    return nets["generator"](prompt.latents).tanh()


def critic_loss(turn: Turn) -> Tensor:
    return turn.judge(turn.fake.detach()).mean() - turn.judge(turn.real).mean()


def generator_loss(turn: Turn) -> Tensor:
    return -turn.judge(turn.fake).mean()


def by_hand(spec: ImageSpec) -> GAN:
    """z (5) -> linear -> 1 x 8 x 8; critic: one 3 x 3 convolution to 2 channels, stride 2, and a linear layer."""
    generator = nn.Sequential(nn.Linear(5, 64), nn.Unflatten(1, (1, 8, 8)))
    critic = nn.Sequential(nn.Conv2d(1, 2, 3, 2, 1), nn.Flatten(), nn.Linear(32, 1), nn.Flatten(0))
    players = {"generator": Player(generator, adam(1e-3)), "critic": Player(critic, adam(1e-3))}
    updates = [Update("critic", {"a": critic_loss}, repeat=2), Update("generator", {"a": generator_loss}, every=4)]
    return GAN(players, [Stage(updates, HandTurn)], sample, gaussian(5))


def no_products(spec: ImageSpec) -> GAN:
    gan = by_hand(spec)
    return GAN(gan.players, gan.schedule, lambda nets, prompt: torch.zeros(prompt.count, 1, 8, 8), gaussian(5))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    module = ModuleType("counted_by_hand")
    vars(module).update(by_hand=by_hand, no_products=no_products)
    monkeypatch.setitem(sys.modules, "counted_by_hand", module)
    return "counted_by_hand"


def test_a_small_network_is_counted_as_by_hand(here):
    found = count(case(f"{here}:by_hand", channels=1, resolution=8))
    assert found.parameters == {"generator": 5 * 64 + 64, "critic": 2 * 9 + 2 + 32 + 1}
    g = 2 * 5 * 64  # one image through the generator
    conv, linear = 2 * 9 * 2 * 16, 2 * 32  # and through the critic
    assert found.flops_sample == g
    # critic's update: a fake without a graph is still generated; two passes; weights of both layers, inputs of the linear one
    critic = g + 2 * (conv + linear) + 2 * (conv + 2 * linear)
    # generator's update: inputs of both layers of the frozen critic, weights of the generator's layer; it is done every 4th time
    generator = g + conv + linear + (conv + linear) + g
    assert found.flops_training_image == (2 * critic + generator / 4) / 2  # an iteration draws two batches


def test_dcgan_at_64_px_is_counted_as_by_hand():
    found = count(case("zoo.dcgan:dcgan"))
    assert found.parameters == {"generator": 3_576_704, "critic": 2_765_568}  # of PyTorch's DCGAN example
    layers = [(100, 512, 1), (512, 256, 4), (256, 128, 8), (128, 64, 16), (64, 3, 32)]  # in, out, pixels a side before
    generator = [2 * 16 * a * b * side**2 for a, b, side in layers]
    assert found.flops_sample == sum(generator) == 209_256_448
    critic = [
        2 * 16 * a * b * side**2
        for a, b, side in ((3, 64, 32), (64, 128, 16), (128, 256, 8), (256, 512, 4), (512, 1, 1))
    ]
    d, g = sum(critic), sum(generator)
    forward_g, backward_g = g, 2 * g - generator[0]  # the first layer's input needs no gradient
    two_passes = 2 * (d + 2 * d - critic[0])
    through_frozen = d + d
    assert found.flops_training_image == forward_g + backward_g + two_passes + through_frozen


def test_a_member_that_computes_nothing_countable_is_refused(here):
    with pytest.raises(UserError, match="without a convolution or matrix product"):
        count(case(f"{here}:no_products", channels=1, resolution=8))
