"""Batches in parts: what a part sees, what is made of all of them, and that it does not matter how many processes share them."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench import members
from bench.gan import GAN, ImageSpec, Player, Stage, Turn, Update
from bench.training.loop import Execution, Training
from bench.training.team import sum_of
from bench.training.trial import MadeUpBatches
from zoo.augmentation.ada import AdaptiveAugment
from zoo.training.pools import ReplayPool

pytestmark = pytest.mark.slow

WORKER = Path(__file__).with_name("worker_of_a_team.py")
SPEC = ImageSpec(1, 8)


class Scale(nn.Module):
    """A logit for each image, w times its mean plus 100; batch norm looks on."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(1.0))
        self.unused = nn.Parameter(torch.tensor(3.0))
        self.norm = nn.BatchNorm1d(1, affine=False)

    def forward(self, images: Tensor) -> Tensor:
        means = self.weight * images.flatten(1).mean(1, keepdim=True)
        self.norm(means)
        return means.flatten() + 100


class OneTurn(Turn):
    @cached_property
    def noise(self) -> Tensor:
        return torch.rand(len(self.batch.images), generator=self.random)

    @cached_property
    def coins(self) -> Tensor:
        return torch.rand(2)

    @cached_property
    def loss(self) -> Tensor:
        assert self.coins is not None
        self.draw.memo["slope"] = torch.full((5,), float(self.batch.images.mean()))
        return (self.real_logits * self.noise).mean()

    def judge(self, images: Tensor) -> Tensor:
        return self.nets["critic"](images)


def training(parts: int, then=(), state=None, loss=lambda turn: turn.loss, size: int = 8) -> Training:
    torch.manual_seed(0)
    update = Update("critic", {"loss": loss}, then=list(then))
    player = Player(Scale(), lambda parameters: torch.optim.Adam(parameters, lr=0.01))
    gan = GAN({"critic": player}, [Stage([update], OneTurn)], lambda nets, prompt: torch.zeros(0), state=state or {})
    return Training(gan, MadeUpBatches(SPEC, 0, size), images=size * 40, seed=0, execution=Execution(parts=parts))


def kept(run: Training, steps: int, *names: str) -> list[tuple[Any, ...]]:
    """What `then` sees after each of some steps."""
    seen: list[tuple[Any, ...]] = []
    run.gan.schedule[0].updates[0].then.append(lambda turn: seen.append(tuple(getattr(turn, n) for n in names)))  # pyright: ignore
    going = run.steps()
    for _ in range(steps):
        next(going)
    return seen


def test_the_sum_is_a_balanced_tree():
    parts = [torch.rand(3) for _ in range(8)]
    a, b, c, d, e, f, g, h = parts
    assert torch.equal(sum_of(parts), ((a + b) + (c + d)) + ((e + f) + (g + h)))


def test_parts_have_random_numbers_of_their_own_and_then_sees_them_in_order():
    ((noise, coins, images),) = kept(training(4), 1, "noise", "coins", "real")
    assert noise.shape == (8,)
    assert coins.shape == (8,)  # two for each part, from torch's own generator
    assert len(set(noise.tolist())) == len(set(coins.tolist())) == 8
    whole = MadeUpBatches(SPEC, 0, 8).next().images
    assert torch.equal(images, whole)


def test_torchs_own_generator_is_where_it_was():
    run = training(4)
    before = torch.get_rng_state()
    next(run.steps())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_loss_and_a_gradient_are_the_means_of_the_parts():
    run = training(2, loss=lambda turn: turn.nets["critic"].weight * turn.real.mean() * 2)
    batch = MadeUpBatches(SPEC, 0, 8).next().images
    step = next(run.steps())
    assert step.terms["critic/loss"] == pytest.approx(float(2 * batch.mean()), rel=1e-5)
    assert step.terms["critic/gradient_norm"] == pytest.approx(abs(float(2 * batch.mean())), rel=1e-5)


def test_running_statistics_are_the_means_of_the_parts():
    run = training(2)
    next(run.steps())
    means = MadeUpBatches(SPEC, 0, 8).next().images.flatten(1).mean(1)
    norm = run.gan.players["critic"].net.get_submodule("norm")
    halves = means[:4], means[4:]
    expected = 0.1 * torch.stack([half.mean() for half in halves]).mean()
    torch.testing.assert_close(norm.get_buffer("running_mean")[0], expected)
    expected = 0.9 + 0.1 * torch.stack([half.var() for half in halves]).mean()
    torch.testing.assert_close(norm.get_buffer("running_var")[0], expected)
    assert norm.get_buffer("num_batches_tracked") == 1


def test_a_parameter_that_no_part_reaches_has_no_gradient():
    """Adam would move it by the momentum of earlier steps."""
    run = training(4)
    next(run.steps())
    (state,) = run.optimisers["critic"].state.values()  # of the weight; none of the one that is not used
    assert state["step"] == 1


def test_what_a_draw_remembers_is_whole_too():
    ((draw, now),) = kept(training(4), 1, "draw", "now")
    batch = MadeUpBatches(SPEC, 0, 8).next().images
    assert draw.memo["slope"].shape == (5,)  # no row for each image: the parts' mean
    torch.testing.assert_close(draw.memo["slope"], torch.full((5,), float(batch.mean())))
    assert torch.equal(draw.batch.images, batch)
    assert now.images == 0


def test_every_part_has_a_pool_of_its_own():
    pool = ReplayPool(4, (1, 8, 8))
    seen: list[tuple[int, Tensor]] = []

    def loss(turn: Turn) -> Tensor:
        pool(turn.real, turn.random)
        seen.append((int(pool.filled), pool.images.clone()))
        return turn.real_logits.mean()

    going = training(2, state={"pool": pool}, loss=loss).steps()
    next(going)
    next(going)
    batches = MadeUpBatches(SPEC, 0, 8)
    first, second = batches.next().images, batches.next().images
    assert [filled for filled, _ in seen] == [2, 2, 4, 4]  # half of four images, twice, in each
    for part, (_, images) in enumerate(seen[2:]):
        mine = slice(4 * part, 4 * part + 2)
        assert torch.equal(images, torch.cat([first[mine], second[mine]]))


@pytest.mark.parametrize("parts", [1, 2, 4])
def test_augmentation_adapts_at_the_same_speed_in_any_number_of_parts(parts):
    """All logits are positive, so that p rises by images / 500,000: 40 steps of 8."""
    augment = AdaptiveAugment()
    run = training(parts, then=[augment.adjust], state={"augment": augment})
    assert len(list(run.steps())) == 40
    assert augment.p.item() == pytest.approx(320 / 500_000, rel=1e-5)


def test_a_run_in_parts_resumes_to_the_same_bits():
    def weight(run: Training) -> Tensor:
        return run.gan.players["critic"].net.get_parameter("weight").detach()

    whole, first, second = training(4), training(4), training(4)
    list(whole.steps())
    going = first.steps()
    for _ in range(7):
        next(going)
    torch.rand(3)
    second.load_state_dict(first.state_dict())
    list(second.steps())
    assert torch.equal(weight(whole), weight(second))


@pytest.mark.parametrize(("saved", "here"), [(1, 4), (4, 1), (2, 4)])
def test_a_checkpoint_of_other_parts_is_refused(saved, here):
    with pytest.raises(ValueError, match="parts"):
        training(here).load_state_dict(training(saved).state_dict())


def team(processes: int, out: Path, names: list[str], steps: int = 3, begin: Path | None = None) -> dict[str, Any]:
    """What so many processes make of the members."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(processes),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, str(WORKER), str(out), str(steps), str(begin or "-"), *names]
    started = [subprocess.Popen(command, env=os.environ | address | {"RANK": str(r)}) for r in range(processes)]
    assert [process.wait(timeout=500) for process in started] == [0] * processes
    return torch.load(out, weights_only=True)


def differences(left: Any, right: Any, path: str = "") -> Iterator[str]:
    """Where two states differ in a bit."""
    if isinstance(left, Tensor):
        if not torch.equal(left, right):
            yield path
    elif isinstance(left, dict):
        assert left.keys() == right.keys()
        for key in left:
            yield from differences(left[key], right[key], f"{path}/{key}")
    elif isinstance(left, list | tuple):
        for index, pair in enumerate(zip(left, right, strict=True)):
            yield from differences(*pair, f"{path}/{index}")
    elif left != right:
        yield path


def test_two_processes_give_every_member_the_bits_of_one(tmp_path):
    """Gradient penalties, lazy R1, path length, pools, augmentation, unrolling, codebooks and dropout among them."""
    names = sorted(members.listings())
    assert len(names) > 80
    one, two = (team(count, tmp_path / f"{count}.pt", names, steps=2) for count in (1, 2))
    assert list(differences(one, two)) == []


def test_a_run_goes_on_with_another_number_of_processes(tmp_path):
    names = ["stylegan2-ada", "wgan-gp", "dcgan-experience-replay"]
    whole = team(1, tmp_path / "whole.pt", names, steps=6)
    team(2, tmp_path / "a.pt", names, steps=2)
    team(1, tmp_path / "b.pt", names, steps=2, begin=tmp_path / "a.pt")
    last = team(4, tmp_path / "c.pt", names, steps=2, begin=tmp_path / "b.pt")
    assert list(differences(whole, last)) == []
