"""Each member's optimisers, schedule, latents and averages, written down from its source, not from its file."""

import math
from dataclasses import dataclass
from functools import cache

import pytest
import torch
from torch import nn

from bench import members
from bench.gan import GAN, Average, ImageSpec, Player
from zoo.losses.objectives import Hinge, LeastSquares, NonSaturating, Relativistic, SmoothedNonSaturating, Wasserstein
from zoo.losses.penalties import DRAGAN, R1, ClipWeights, GradientPenalty
from zoo.losses.regularisers import Orthogonal, weight_of
from zoo.networks.equalised import MinibatchDeviation
from zoo.networks.minibatch import MinibatchDiscrimination

SPEC = ImageSpec(1, 16, classes=4, source_channels=1)
ZOO = [listing for listing in members.listings().values() if listing.entry_point.startswith("zoo.")]
HALVED_LAST = {0.0: 1.0, 0.25: 1.0, 0.5: 1.0, 0.75: 0.5}  # 100 + 100 epochs, as a factor of the rate
LINEAR = {0.0: 1.0, 0.5: 0.5, 0.75: 0.25}
CONSTANT = {0.0: 1.0, 0.75: 1.0}


@dataclass(frozen=True)
class Adam:
    """What a paper says of its optimiser."""

    lr: float
    betas: tuple[float, float]
    weight_decay: float = 0.0


@cache
def made(name: str) -> GAN:
    torch.manual_seed(0)
    return members.builder(members.find(name))(SPEC)


def optimiser_of(player: Player) -> torch.optim.Optimizer:
    return player.optimiser([nn.Parameter(torch.zeros(1))])


def lazy(lr: float, every: int) -> Adam:
    """Rate and betas (0, 0.99) over k + 1 steps instead of k: arXiv:1912.04958, appendix B."""
    return Adam(lr * every / (every + 1), (0.0, 0.99 ** (every / (every + 1))))


DCGAN = Adam(2e-4, (0.5, 0.999))
SNGAN = Adam(2e-4, (0.0, 0.9))
ADAMS = {  # generator, critic
    "acgan": (DCGAN, DCGAN),
    "biggan": (Adam(2e-4, (0.0, 0.999)),) * 2,  # launch_cifar_ema.sh
    "cgan": (Adam(2e-4, (0.5, 0.999), 2.5e-5),) * 2,  # train_cond_dcgan.py
    "cyclegan": (DCGAN, DCGAN),
    "dcgan": (DCGAN, DCGAN),
    "dcgan-ttur": (Adam(1e-4, (0.5, 0.999)), Adam(4e-4, (0.5, 0.999))),
    "gan": (DCGAN, DCGAN),
    "infogan": (Adam(1e-3, (0.5, 0.999)), DCGAN),  # run_mnist_exp.py
    "lsgan": (Adam(1e-3, (0.5, 0.999)),) * 2,  # train_lsun.py
    "pacgan": (DCGAN, DCGAN),
    "pix2pix": (DCGAN, DCGAN),
    "progan": (Adam(1e-3, (0.0, 0.99)),) * 2,
    "r3gan": (Adam(2e-4, (0.0, 0.99)),) * 2,
    "sagan": (Adam(1e-4, (0.0, 0.9)), Adam(4e-4, (0.0, 0.9))),
    "sagan-cond": (Adam(1e-4, (0.0, 0.9)), Adam(4e-4, (0.0, 0.9))),
    "sngan": (SNGAN, SNGAN),
    "sngan-projection": (SNGAN, SNGAN),
    "stylegan": (Adam(1e-3, (0.0, 0.99)),) * 2,
    "stylegan2": (lazy(2e-3, 4), lazy(2e-3, 16)),
    "stylegan2-ada": (lazy(2.5e-3, 4), lazy(2.5e-3, 16)),
    "unrolled-gan": (Adam(1e-4, (0.5, 0.99)), Adam(2e-4, (0.5, 0.99))),  # PacGAN D=0.5G/config.py
    "wgan-gp": (SNGAN, SNGAN),  # gan_cifar_resnet.py
}


@pytest.mark.parametrize("name", sorted(ADAMS))
def test_rates_and_betas_are_those_of_the_source(name: str):
    for player, expected in zip(("generator", "critic"), ADAMS[name], strict=True):
        optimiser = optimiser_of(made(name).players[player])
        assert isinstance(optimiser, torch.optim.Adam)
        group = optimiser.param_groups[0]
        assert group["lr"] == pytest.approx(expected.lr)
        assert group["betas"] == pytest.approx(expected.betas)
        assert group["weight_decay"] == expected.weight_decay
        assert group["eps"] == 1e-8


def test_vqgan_takes_its_rate_per_image_of_a_batch_of_64():
    for player in made("vqgan").players.values():
        group = optimiser_of(player).param_groups[0]
        assert (group["lr"], group["betas"]) == (pytest.approx(64 * 4.5e-6), (0.5, 0.9))


def test_wgan_moves_by_rmsprop():
    for player in made("wgan").players.values():
        optimiser = optimiser_of(player)
        assert isinstance(optimiser, torch.optim.RMSprop)
        assert optimiser.param_groups[0]["lr"] == 5e-5


@pytest.mark.parametrize(
    ("name", "rates"),
    [
        *((name, LINEAR) for name in ("wgan-gp", "sngan", "sngan-projection")),
        *((name, HALVED_LAST) for name in ("cgan", "pix2pix", "cyclegan")),
        *((name, CONSTANT) for name in ("gan", "dcgan", "lsgan", "wgan", "sagan", "biggan", "acgan", "infogan")),
        *((name, CONSTANT) for name in ("pacgan", "unrolled-gan", "progan", "stylegan", "stylegan2", "stylegan2-ada")),
    ],
)
def test_rates_fall_as_the_source_has_it(name: str, rates: dict[float, float]):
    for player in made(name).players.values():
        factors = [player.rate(spent) if player.rate else 1.0 for spent in rates]
        assert factors == pytest.approx(list(rates.values()))


@pytest.mark.parametrize(
    ("name", "moves"),
    [
        *((name, {"critic": 5, "generator": 1}) for name in ("wgan", "wgan-gp", "sngan", "sngan-projection")),
        ("biggan", {"critic": 4, "generator": 1}),  # --num_D_steps 4
        ("pacgan", {"critic": 1, "generator": 2}),
        *((name, {"critic": 1, "generator": 1}) for name in ("gan", "dcgan", "lsgan", "cgan", "acgan", "infogan")),
        *((name, {"critic": 1, "generator": 1}) for name in ("sagan", "progan", "stylegan", "r3gan", "pix2pix")),
    ],
)
def test_steps_per_iteration(name: str, moves: dict[str, int]):
    seen = dict.fromkeys(moves, 0)
    for update in made(name).schedule[0].updates:
        seen[update.player] += update.repeat
    assert seen == moves


@pytest.mark.parametrize(
    ("name", "width", "spread"),
    [
        *((name, 100, 1.0) for name in ("gan", "dcgan", "wgan", "acgan", "vae")),
        *((name, 128, 1.0) for name in ("wgan-gp", "sngan", "sngan-projection", "sagan", "biggan")),
        *((name, 100, 3**-0.5) for name in ("cgan", "pacgan", "dcgan-uniform-prior")),  # uniform in [-1, 1]
        ("lsgan", 1024, 3**-0.5),
        ("unrolled-gan", 256, 1.0),
        ("r3gan", 64, 1.0),
    ],
)
def test_latents_have_the_width_and_the_distribution_of_the_source(name: str, width: int, spread: float):
    draw = made(name).latents
    assert draw is not None
    latents = draw(2000, torch.Generator().manual_seed(0))
    assert latents.shape == (2000, width)
    assert float(latents.std()) == pytest.approx(spread, rel=0.01)
    assert bool(latents.abs().max() <= 1) == (spread < 1)


@pytest.mark.parametrize(
    ("name", "half_life"),
    [
        ("biggan", 200 * math.log(2) / -math.log(0.9999)),  # 0.9999 per iteration of four batches of 50
        ("progan", 16 * math.log(2) / -math.log(0.999)),  # 0.999 per step of 16
        ("stylegan", 10_000),
        ("stylegan2", 10_000),
        ("stylegan2-ada", 500_000),  # ema=500 of the configuration cifar
        ("r3gan", 5_000_000),
    ],
)
def test_samples_come_from_averages_of_the_published_half_life(name: str, half_life: float):
    average = made(name).players["generator"].average
    assert isinstance(average, Average)
    assert average.half_life_images == pytest.approx(half_life, rel=1e-4)
    assert average.ramp == 0.05
    assert made(name).players["critic"].average is None


def test_members_whose_source_averages_nothing_do_not():
    for name in ("gan", "dcgan", "lsgan", "wgan", "wgan-gp", "sngan", "sagan", "pix2pix", "cyclegan", "vqgan"):
        assert all(player.average is None for player in made(name).players.values())


@pytest.mark.parametrize("listing", ZOO, ids=lambda listing: listing.name)
def test_members_whose_networks_look_across_images_say_that_they_need_two(listing: members.Listing):
    gan = made(listing.name)
    across = (nn.modules.batchnorm._BatchNorm, MinibatchDeviation, MinibatchDiscrimination)
    layers = [layer for player in gan.players.values() for layer in player.net.modules()]
    packs = listing.name in ("pacgan", "dcgan-packing")
    assert gan.least_batch == (2 if packs or any(isinstance(layer, across) for layer in layers) else 1)


def test_averages_of_networks_with_batch_norm_have_statistics_of_their_own():
    """BigGAN-PyTorch --num_standing_accumulations 16; the others average networks without batch norm, or none."""
    for listing in ZOO:
        for player in made(listing.name).players.values():
            normed = any(isinstance(layer, nn.modules.batchnorm._BatchNorm) for layer in player.net.modules())
            if player.average is not None:
                assert player.average.standing_batches == (16 if normed else 0), listing.name


def test_one_generator_batch_is_twice_the_critics_where_the_source_has_it():
    for name in ("wgan-gp", "sngan", "sngan-projection"):
        assert made(name).schedule[0].turn.keywords["generator_batch"] == 2  # pyright: ignore[reportFunctionMemberAccess]


@pytest.mark.parametrize(
    "name", ["dcgan", "wgan", "lsgan", "cgan", "acgan", "infogan", "pacgan", "biggan", "pix2pix", "cyclegan"]
)
def test_weights_start_from_a_normal_of_two_hundredths(name: str):
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.Embedding)
    for player in made(name).players.values():
        layers = [layer for layer in player.net.modules() if isinstance(layer, kinds)]
        weights = [weight_of(layer) for layer in layers]
        spread = torch.cat([weight.detach().flatten() for weight in weights]).std()
        assert float(spread) == pytest.approx(0.02, rel=0.02)


def test_the_perceptrons_start_uniform():
    for player, limit in (("generator", 0.05), ("critic", 0.005)):
        for name, weight in made("gan").players[player].net.named_parameters():
            largest = float(weight.detach().abs().max())
            assert largest == 0 if name.endswith("bias") else 0.97 * limit < largest <= limit


@pytest.mark.parametrize(
    ("name", "player", "term", "expected"),
    [
        ("wgan-gp", "critic", "gradient_penalty", GradientPenalty(10.0)),
        ("progan", "critic", "gradient_penalty", GradientPenalty(10.0)),
        ("stylegan", "critic", "r1", R1(10.0)),
        ("stylegan2", "critic", "r1", R1(10.0)),
        ("stylegan2-ada", "critic", "r1", R1(0.01)),
        ("biggan", "generator", "orthogonal", Orthogonal("generator", 1e-4)),
        ("dcgan-gradient-penalty", "critic", "gradient_penalty", GradientPenalty(10.0)),
        ("dcgan-r1", "critic", "r1", R1(10.0)),
        ("dcgan-dragan", "critic", "dragan", DRAGAN(10.0)),
    ],
)
def test_penalties_weigh_what_the_source_says(name: str, player: str, term: str, expected: object):
    found = [update.losses[term] for update in made(name).schedule[0].updates if term in update.losses]
    assert found == [expected]
    assert [update.player for update in made(name).schedule[0].updates if term in update.losses] == [player]


def test_wgan_clips_at_a_hundredth():
    assert list(made("wgan").schedule[0].updates[0].then) == [ClipWeights(0.01, "critic")]


@pytest.mark.parametrize(
    ("objective", "names"),
    [
        (
            NonSaturating,
            ["gan", "dcgan", "cgan", "acgan", "infogan", "pacgan", "stylegan", "stylegan2", "stylegan2-ada"],
        ),
        (SmoothedNonSaturating, ["dcgan-label-smoothing"]),
        (LeastSquares, ["lsgan"]),
        (Wasserstein, ["wgan", "wgan-gp", "progan"]),
        (Hinge, ["sngan", "sngan-projection", "sagan", "sagan-cond", "biggan"]),
        (Relativistic, ["r3gan"]),
    ],
)
def test_both_players_play_the_game_of_the_source(objective: type, names: list[str]):
    for name in names:
        losses = [
            update.losses["adversarial"] for update in made(name).schedule[0].updates if "adversarial" in update.losses
        ]
        assert {type(loss.__self__) for loss in losses} == {objective}  # pyright: ignore[reportFunctionMemberAccess]
        assert {loss.__name__ for loss in losses} == {"critic", "generator"}  # pyright: ignore[reportFunctionMemberAccess]
