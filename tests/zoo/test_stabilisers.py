import math
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

from bench.gan import Batch, Context, Draw, ImageSpec, Now, Turn
from bench.training.trial import begin, build, run
from zoo import stabilisers
from zoo.dcgan import dcgan
from zoo.losses.objectives import SmoothedNonSaturating

SPEC = ImageSpec(1, 8)
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
MEMBERS = PROJECT["project"]["entry-points"]["bench.members"]
FAMILY = {name: point.partition(":")[2] for name, point in MEMBERS.items() if point.startswith("zoo.stabilisers:")}


def trained(builder, iterations: int = 3) -> list[torch.Tensor]:
    """All weights after a few iterations, from seed 0."""
    training = run(begin(build(builder, SPEC, 0), SPEC, 0, iterations=iterations))
    return [weight.detach() for player in training.gan.players.values() for weight in player.net.parameters()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(
        a.shape == b.shape and torch.equal(a, b) for a, b in zip(one, other, strict=True)
    )


@pytest.fixture(scope="module")
def baseline() -> list[torch.Tensor]:
    return trained(dcgan)


def test_the_baseline_of_the_family_is_dcgan(baseline):
    assert same(trained(lambda spec: stabilisers.baseline(spec, stabilisers.common())), baseline)


def test_the_family_is_complete():
    assert len(FAMILY) == 29
    assert all(name.startswith("dcgan-") for name in FAMILY)


# In the first steps these train as the baseline does; what they change is tested apart.
TRAINS_ALIKE = {
    "dcgan-adaptive-updates",
    "dcgan-experience-replay",
    "dcgan-gradient-clipping",
    "dcgan-weight-averaging",
}


@pytest.mark.parametrize("name", sorted(FAMILY))
def test_every_member_changes_something_and_says_what(name, baseline):
    builder = getattr(stabilisers, FAMILY[name])
    assert builder.__doc__[0] in "+-~"
    weights = trained(builder, iterations=30 if name == "dcgan-critic-warmup" else 3)
    assert all(weight.isfinite().all() for weight in weights)
    if name not in TRAINS_ALIKE:
        assert not same(weights, baseline)


def test_weight_averaging_changes_what_is_sampled_and_nothing_else(baseline):
    assert same(trained(stabilisers.weight_averaging), baseline)
    average = stabilisers.weight_averaging(SPEC).players["generator"].average
    assert average is not None
    assert (average.half_life_images, average.ramp) == (10_000, 0.05)


def test_gradient_clipping_bounds_what_adam_sees():
    spec = ImageSpec(1, 16)
    lengths = []
    for builder in (dcgan, stabilisers.gradient_clipping):
        state = run(begin(build(builder, spec, 0), spec, 0, iterations=1)).state_dict()["optimisers"]["critic"]["state"]
        lengths.append(torch.stack([moments["exp_avg"].norm() for moments in state.values()]).norm())
    assert lengths[0] > 0.6
    torch.testing.assert_close(lengths[1], torch.tensor(0.5))  # 1 - beta1 of a gradient of length 1


def test_label_smoothing_is_cross_entropy_against_nine_tenths():
    logits = torch.linspace(-4, 4, 9)
    turn = Turn(Context({}, Draw(Batch(torch.zeros(9, 1, 2, 2))), "critic", Now(0, 1, 0), torch.Generator()))
    turn.__dict__.update(real_logits=logits, fake_logits=-2 * logits)
    expected = binary_cross_entropy_with_logits(logits, torch.full((9,), 0.9))
    expected += binary_cross_entropy_with_logits(-2 * logits, torch.zeros(9))
    torch.testing.assert_close(SmoothedNonSaturating(0.9).critic(turn), expected)
    expected = binary_cross_entropy_with_logits(-2 * logits, torch.ones(9))  # the generator's side is not smoothed
    torch.testing.assert_close(SmoothedNonSaturating(0.9).generator(turn), expected)


def test_xavier_and_he_weights_have_the_spread_of_their_papers():
    spec = ImageSpec(3, 32)  # the critic's second layer: 64 -> 128 maps by 4 x 4
    xavier, he = (
        build(spec).players["critic"].net.features[2].weight for build in (stabilisers.xavier, stabilisers.he)
    )
    limit = math.sqrt(6 / (64 * 16 + 128 * 16))
    assert 0.999 * limit < xavier.abs().max() <= limit
    assert xavier.detach().std().item() == pytest.approx(limit / math.sqrt(3), rel=0.01)
    assert he.detach().std().item() == pytest.approx(math.sqrt(2 / (64 * 16)), rel=0.01)
    assert he.abs().max() > 3 * math.sqrt(2 / (64 * 16))  # normal, not uniform


@pytest.mark.parametrize("name", ["no_critic_norm", "spectral_norm", "gradient_penalty", "r1", "dragan"])
def test_these_critics_have_no_batch_norm_and_the_generator_keeps_its_own(name):
    players = getattr(stabilisers, name)(ImageSpec(1, 16)).players
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in players["critic"].net.modules())
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in players["generator"].net.modules())


def test_every_weight_of_the_spectral_critic_is_normalised():
    critic = stabilisers.spectral_norm(ImageSpec(1, 16)).players["critic"].net
    layers = [layer for layer in critic.modules() if isinstance(layer, nn.Conv2d)]
    assert len(layers) == 3
    for layer in layers:
        assert torch.linalg.svdvals(layer.weight.detach().flatten(1))[0].item() == pytest.approx(1, abs=0.05)


def test_the_critic_warms_up_alone():
    gan = stabilisers.critic_warmup(SPEC)
    alone, game = gan.schedule
    assert [update.player for update in alone.updates] == ["critic"]
    assert [update.player for update in game.updates] == ["critic", "generator"]
    assert (alone.share, game.share) == (0.05, 0.95)


def test_a_player_that_must_wait_does_not_move():
    gan = build(stabilisers.adaptive_updates, SPEC, 0)
    (stage,) = gan.schedule
    decided = [update for update in stage.updates if update.then]
    assert [update.player for update in decided] == ["critic"]
    rule = gan.state["equilibrium"]
    training = begin(gan, SPEC, 0, iterations=1)
    rule.critic_waits.fill_(1.0)
    before = [weight.clone() for weight in gan.players["critic"].net.parameters()]
    run(training)
    assert same(before, list(gan.players["critic"].net.parameters()))


def test_virtual_batch_norm_s_references_are_drawn_once_and_saved():
    gan = stabilisers.virtual_batch_norm(SPEC)
    assert gan.players["generator"].net.state_dict()["reference"].shape == (64, 100)


def test_packing_widens_the_first_convolution_alone():
    sizes = [weight.shape for weight in stabilisers.packing(SPEC).players["critic"].net.parameters()]
    plain = [weight.shape for weight in dcgan(SPEC).players["critic"].net.parameters()]
    assert sizes[0] == (plain[0][0], 2, 4, 4)
    assert sizes[1:] == plain[1:]


def test_the_family_is_where_the_entry_points_say():
    for point in MEMBERS.values():
        module, _, function = point.partition(":")
        if module == "zoo.stabilisers":
            assert callable(getattr(import_module(module), function))
