"""FLOPs of training: the small batches that are counted stand for the large ones that are not, and nothing is left behind."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch
from torch import Tensor, nn

from bench import members
from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian
from bench.training import flops

SPEC = ImageSpec(1, 8)
LAYER = 2 * 64 * 3  # one image through a linear layer of 64 pixels and 3 outputs


class OnePass(Turn):
    """Images through one layer."""

    def judge(self, images: Tensor) -> Tensor:
        return self.nets["net"](images)


def judged(turn: Turn) -> Tensor:
    return turn.judge(turn.real).mean()


def penalised(turn: Turn) -> Tensor:
    (slope,) = torch.autograd.grad(turn.judge(turn.real).sum(), turn.real, create_graph=True)
    return slope.square().sum()


penalised.differentiates = frozenset({"real"})  # pyright: ignore[reportFunctionMemberAccess]


def spread(turn: Turn) -> Tensor:
    values = turn.judge(turn.real)
    return (values @ values.T).mean()  # grows with the square of the batch


def weights_alone(turn: Turn) -> Tensor:
    weight = next(iter(turn.nets["net"].parameters()))
    return (weight @ weight.T).square().sum()  # the same whatever the batch


def generate(nets: Nets, prompt: Prompt) -> Tensor:
    return torch.zeros(prompt.count, 1, 8, 8)


def gan_of(*stages: tuple[float, list[Update]]) -> GAN:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    schedule = [Stage(updates, OnePass, share) for share, updates in stages]
    return GAN({"net": Player(net, adam(1e-3))}, schedule, generate, gaussian(2))


def counted(*stages: tuple[float, list[Update]], batch_size: int = 64) -> Fraction:
    return flops.per_image(lambda spec: gan_of(*stages), SPEC, batch_size)


def test_a_pass_and_its_gradient_are_counted_once_per_update():
    assert counted((1.0, [Update("net", {"loss": judged})])) == 2 * LAYER  # forward, and the gradient of the weights


def test_lazy_updates_count_by_their_share_and_repeated_ones_by_the_batches_they_draw():
    often, seldom = Update("net", {"loss": judged}, repeat=3), Update("net", {"loss": judged}, every=4)
    assert counted((1.0, [often, seldom])) == (3 * 2 * LAYER + Fraction(2 * LAYER, 4)) / 3


def test_stages_count_by_their_share_of_the_budget():
    once, twice = [Update("net", {"loss": judged})], [Update("net", {"loss": judged})] * 2
    assert counted((1.0, once), (3.0, twice)) == Fraction(1 * 2 * LAYER + 3 * 4 * LAYER, 4)


def test_the_second_derivative_of_a_penalty_is_counted():
    # forward; gradient of the input; through that gradient, that of the weights
    assert counted((1.0, [Update("net", {"loss": penalised})])) == 3 * LAYER


@pytest.mark.parametrize("loss", [weights_alone, spread])
def test_what_is_not_proportional_to_the_batch_is_counted_for_the_batch_of_the_run(loss):
    stage = (1.0, [Update("net", {"loss": loss})])
    assert counted(stage, batch_size=64) == flops.of_stage(gan_of(stage), SPEC, 0, 64)
    assert counted(stage, batch_size=64) != counted(stage, batch_size=128)


@pytest.mark.parametrize(
    "name", ["dcgan", "dcgan-virtual-batch-norm", "dcgan-minibatch-discrimination", "dcgan-packing"]
)
def test_members_at_a_batch_that_was_not_counted_cost_what_they_cost(name):
    def build(spec: ImageSpec) -> GAN:
        return members.bound(members.find(f"{name}(width=8)"))(spec)

    spec = ImageSpec(1, 16)
    assert flops.per_image(build, spec, 32) == flops.of_stage(build(spec), spec, 0, 32)


@pytest.mark.parametrize("begins", [0.25, 0.3])
def test_what_begins_within_a_stage_counts_from_there(begins):
    def late(turn: Turn) -> Tensor:
        return judged(turn) if turn.now.fraction >= begins else judged(turn) + 0 * judged(turn)

    dear_then_cheap = counted((1.0, [Update("net", {"loss": late})]))
    assert dear_then_cheap / (2 * LAYER) == pytest.approx(1 + begins, abs=1 / 128)


def test_an_instant_within_the_second_stage_is_late_in_the_whole():
    def late(turn: Turn) -> Tensor:
        return judged(turn) if turn.now.fraction < 0.75 else judged(turn) + 0 * judged(turn)

    stage = [Update("net", {"loss": late})]
    assert counted((1.0, stage), (1.0, stage)) / (2 * LAYER) == pytest.approx(1.25, abs=1 / 128)


def test_counting_leaves_the_random_state_as_it_was():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    counted((1.0, [Update("net", {"loss": judged})]))
    assert torch.equal(torch.rand(3), expected)


def test_a_member_without_products_cannot_have_a_budget_in_compute():
    bare = nn.Linear(2, 2)

    def build(spec: ImageSpec) -> GAN:
        update = Update("net", {"loss": lambda turn: next(iter(turn.nets["net"].parameters())).sum()})
        return replace(gan_of((1.0, [update])), players={"net": Player(bare, adam(1e-3))})

    with pytest.raises(UserError, match="without a convolution or matrix product"):
        flops.per_image(build, SPEC, 8)
