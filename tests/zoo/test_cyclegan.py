"""CycleGAN against reference counts and hand-made losses."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from bench.errors import UserError
from bench.gan import Batch, Context, Draw, ImageSpec, Now
from zoo.cyclegan import CycleTurn, Translators, adversarial, cyclegan, cyclegan_paper, round_trip, unchanged

SPEC = ImageSpec(3, 8, source_channels=3)


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(("resolution", "generator"), [(256, 11_378_179), (128, 7_837_699)])
def test_parameters_are_those_of_the_pytorch_code(resolution: int, generator: int):
    with torch.device("meta"):
        players = cyclegan_paper(ImageSpec(3, resolution, source_channels=3)).players
    assert count(players["generator"].net) == 2 * generator
    assert [count(players[name].net) for name in ("critic", "source_critic")] == [2_764_737] * 2


def turn_of(mover: str) -> CycleTurn:
    torch.manual_seed(0)
    gan = cyclegan(SPEC)
    nets = {name: player.net for name, player in gan.players.items()}
    draw = Draw(Batch(torch.rand(4, 3, 8, 8), source=-torch.rand(4, 3, 8, 8)))
    pools = gan.state["pools"]
    assert isinstance(pools, nn.ModuleDict)
    return CycleTurn(Context(nets, draw, mover, Now(0, 1, 0), torch.Generator().manual_seed(0)), pools=pools)


def other(turn: CycleTurn, mover: str) -> CycleTurn:
    return CycleTurn(replace(turn.context, mover=mover), pools=turn.pools)


def test_losses_are_those_of_networks_applied_one_by_one():
    turn = turn_of("generator")
    net, x, y = turn.nets["generator"], turn.source, turn.real
    assert isinstance(net, Translators)
    mean = nn.functional.l1_loss
    close = partial(torch.testing.assert_close, rtol=1e-4, atol=1e-5)
    close(10 * round_trip(turn), 10 * (mean(net.back(net.there(x)), x) + mean(net.there(net.back(y)), y)))
    close(5 * unchanged(turn), 5 * (mean(net.there(y), y) + mean(net.back(x), x)))
    logits = [turn.nets["critic"](net.there(x)), turn.nets["source_critic"](net.back(y))]
    close(adversarial(turn), sum(nn.functional.mse_loss(one, torch.ones_like(one)) for one in logits))


@pytest.mark.parametrize("name", ["critic", "source_critic"])
def test_each_critic_minimises_half_the_squared_distance_to_its_targets(name: str):
    (update,) = (update for update in cyclegan(SPEC).schedule[0].updates if update.player == name)
    turn = turn_of(name)
    turn.real_logits, turn.fake_logits = torch.tensor([[0.5, 3.0]]), torch.tensor([[1.0, -2.0]])
    # Real patches should be 1, others 0: (0.25 + 4) / 2 and (1 + 4) / 2.
    assert [loss(turn).item() for loss in update.losses.values()] == pytest.approx([(2.125 + 2.5) / 2])


def test_each_critic_judges_its_own_pictures_without_a_graph_to_the_generators():
    turn = turn_of("generator")
    made = turn.translated
    images, sources = other(turn, "critic"), other(turn, "source_critic")
    assert torch.equal(images.real_logits, turn.nets["critic"](turn.real))
    assert torch.equal(sources.real_logits, turn.nets["source_critic"](turn.source))
    assert torch.equal(images.fake_logits, turn.nets["critic"](made["fake"]))  # the pools are still filling
    assert torch.equal(sources.fake_logits, turn.nets["source_critic"](made["fake_source"]))
    assert not images.fake.requires_grad
    assert [int(turn.pools[name].filled) for name in ("fake", "fake_source")] == [4, 4]  # pyright: ignore[reportArgumentType]


def test_a_full_pool_shows_old_fakes_to_the_critic_alone():
    turn = turn_of("generator")
    pool = turn.pools["fake"]
    pool.images.fill_(7.0)  # pyright: ignore[reportCallIssue]
    pool.filled.fill_(50)  # pyright: ignore[reportCallIssue]
    new = turn.fake
    assert bool((new.abs() <= 1).all())
    shown = torch.cat([other(turn, "critic").fake for _ in range(8)])
    assert 0 < int((shown == 7).flatten(1).all(1).sum()) < len(shown)


def test_pools_hold_fifty_and_are_saved():
    shapes = {name: tuple(value.shape) for name, value in cyclegan(SPEC).state["pools"].state_dict().items()}
    assert shapes["fake.images"] == shapes["fake_source.images"] == (50, 3, 8, 8)


def test_without_equal_channels_there_is_no_identity_to_ask_for():
    grey = cyclegan(ImageSpec(3, 8, source_channels=1))
    assert list(grey.schedule[0].updates[0].losses) == ["adversarial", "cycle"]
    assert list(cyclegan(SPEC).schedule[0].updates[0].losses) == ["adversarial", "cycle", "identity"]
    made = grey.players["generator"].net(torch.rand(2, 1, 8, 8), torch.rand(2, 3, 8, 8))
    assert made["fake"].shape == (2, 3, 8, 8)
    assert made["again_source"].shape == (2, 1, 8, 8)


def test_a_set_without_sources_is_refused():
    with pytest.raises(UserError, match="cyclegan translates pictures"):
        cyclegan(ImageSpec(3, 32))
