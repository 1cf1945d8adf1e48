"""Every parameter of every member changes what it says, has a meaning, and refuses values that make no sense."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import members, parameters
from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Update
from bench.training import trial
from bench.training.sampling import prompt
from zoo.training.parameters import vocabulary

SPEC = ImageSpec(1, 16, classes=4, source_channels=1)
ZOO = {found.name: found for found in members.listings().values() if found.entry_point.startswith("zoo.")}
KNOWN = {name: members.declared(found) for name, found in ZOO.items()}
PAIRS = [(name, key) for name, known in KNOWN.items() for key in known]

# The term whose value is in proportion to the parameter; several where two players have it.
TERMS = {
    "gradient_penalty": "gradient_penalty", "r1": "r1", "r2": "r2", "drift": "drift", "orthogonal": "orthogonal",
    "classification": "class", "information": "information", "divergence": "divergence", "path_length": "path_length",
    "l1": "l1", "cycle": "cycle", "identity": "identity", "pixels": "pixels", "perceptual": "perceptual", "dragan": "dragan",
    "consistency": "consistency", "lecam": "lecam", "history": "history", "adversarial": "adversarial",
    "feature_matching": "feature_matching", "contrastive": "contrastive",
    "normal_length": "normal_length", "repelling": "repelling", "rotation": "rotation",
    "fake_rotation": "fake_rotation", "latent_consistency": "latent_consistency", "latent_diversity": "latent_diversity",
    "transport": "transport", "reconstruction": "reconstruction",
    "transport_cost": "transport_cost", "centring": "centring",
}  # fmt: skip


def built(name: str, **given: Any) -> GAN:
    return trial.build(builder(name, **given), SPEC, seed=0)


def builder(name: str, **given: Any) -> Callable[[ImageSpec], GAN]:
    """The member with parameters, as the command line names it."""
    texts = {key: parameters.text(value) for key, value in given.items()}
    return members.bound(members.find(parameters.joined(name, texts)))


def default(name: str, key: str) -> Any:
    return KNOWN[name][key].default


def groups(gan: GAN) -> dict[str, dict[str, Any]]:
    """Each player's options of its optimiser."""
    return {name: player.optimiser(player.net.parameters()).param_groups[0] for name, player in gan.players.items()}


def sizes(gan: GAN) -> dict[str, int]:
    return {name: sum(weight.numel() for weight in player.net.parameters()) for name, player in gan.players.items()}


def updates(gan: GAN) -> Iterator[Update]:
    return (update for stage in gan.schedule for update in stage.updates)


def of_width(name: str, key: str) -> None:
    half = built(name, width=default(name, key) // 2)
    before, after = sizes(built(name)), sizes(half)
    assert all(after[player] < 0.75 * before[player] for player in before), (before, after)


def of_rate(name: str, key: str) -> None:
    """Only the player that is named, or all, and in proportion."""
    before, after = groups(built(name)), groups(built(name, **{key: 2 * default(name, key)}))
    named = key.removesuffix("_lr") if key != "lr" else None
    for player in before:
        factor = 2 if named in (None, player) else 1
        assert after[player]["lr"] == pytest.approx(factor * before[player]["lr"])


def of_ratio(name: str, key: str) -> None:
    before, after = groups(built(name)), groups(built(name, ratio=16.0))
    assert before["critic"]["lr"] == pytest.approx(4 * before["generator"]["lr"])
    assert after["critic"]["lr"] == pytest.approx(2 * before["critic"]["lr"])
    assert after["generator"]["lr"] == pytest.approx(before["generator"]["lr"] / 2)


def of_beta(name: str, key: str) -> None:
    place = int(key[-1]) - 1
    value = 0.25 if place == 0 else 0.75
    before, after = groups(built(name)), groups(built(name, **{key: value}))
    for player, group in after.items():
        assert group["betas"][1 - place] == before[player]["betas"][1 - place]
        # a player with lazy regularisers has beta^c, c = every / (every + 1)
        assert value <= group["betas"][place] <= value**0.75


def of_decay(name: str, key: str) -> None:
    assert all(group["weight_decay"] == 0.125 for group in groups(built(name, **{key: 0.125})).values())


def of_steps(name: str, key: str) -> None:
    """Updates of a player in an iteration; those of lazy regularisers are not among them."""
    player = key.removesuffix("_steps")

    def steps(gan: GAN) -> int:
        stage = gan.schedule[-1]
        return sum(update.repeat for update in stage.updates if update.player == player and update.every == 1)

    wanted = default(name, key) + 2
    assert steps(built(name)) == default(name, key)
    assert steps(built(name, **{key: wanted})) == wanted


def of_half_life(name: str, key: str) -> None:
    (average,) = (player.average for player in built(name, **{key: 123.0}).players.values() if player.average)
    assert average.half_life_images == 123.0


def of_term(name: str, key: str) -> None:
    """The term doubles where it first has a value; all that is computed beside it stays."""
    start = {"path_length": 1.0, "r1": 0.01}.get(key, 1.0) if default(name, key) is None else default(name, key)
    extra = {"adversarial_from": 0.0} if "adversarial_from" in KNOWN[name] else {}
    iterations = 20 if key == "lecam" else 3
    before, after = (
        trial.trace(builder(name, **{key: value}, **extra), SPEC, iterations=iterations) for value in (start, 2 * start)
    )
    term = TERMS[key]
    for then, now in zip(before, after, strict=True):
        found = [place for place in then if place.rpartition("/")[2] == term and then[place]]
        if key == "adversarial":  # the critic's own game has no weight
            found = [place for place in found if not place.startswith("critic/")]
        if found:
            (place,) = found
            assert now[place] == pytest.approx(2 * then[place], rel=1e-4)
            assert {k: v for k, v in now.items() if k != place} == {k: v for k, v in then.items() if k != place}
            return
    pytest.fail(f"{term} never has a value")


def of_codebook(name: str, key: str) -> None:
    """(w + 1) times the distance, as both of its parts have the same value."""
    (first, *_), (second, *_) = (trial.trace(builder(name, codebook=weight), SPEC) for weight in (0.25, 2.0))
    assert second["autoencoder/codebook"] == pytest.approx(first["autoencoder/codebook"] * 3 / 1.25, rel=1e-4)


def of_adversarial_from(name: str, key: str) -> None:
    (late, *_), (early, *_) = (trial.trace(builder(name, adversarial_from=share), SPEC) for share in (0.5, 0.0))
    assert late["autoencoder/adversarial"] == 0 != early["autoencoder/adversarial"]


def of_clip(name: str, key: str) -> None:
    training = trial.begin(built(name, clip=0.001), SPEC, 0, iterations=1)
    list(training.steps())
    assert max(weight.abs().max() for weight in training.gan.players["critic"].net.parameters()) <= 0.001


def of_size(name: str, key: str) -> None:
    """Weights or buffers of other shapes."""

    def shapes(gan: GAN) -> list[torch.Size]:
        nets = [player.net for player in gan.players.values()] + list(gan.state.values())
        return [tensor.shape for net in nets for tensor in net.state_dict().values()]

    assert shapes(built(name)) != shapes(built(name, **{key: default(name, key) + 1}))


def of_value(path: Callable[[GAN], float], value: float) -> Callable[[str, str], None]:
    """What the parameter is handed to holds it."""

    def check(name: str, key: str) -> None:
        assert path(built(name, **{key: value})) == value

    return check


def of_critic(value: float) -> Callable[[str, str], None]:
    """The critic's first loss is another one."""

    def check(name: str, key: str) -> None:
        (before, *_), (after, *_) = (trial.trace(builder(name, **given), SPEC) for given in ({}, {key: value}))
        assert after["critic/adversarial"] != before["critic/adversarial"]

    return check


def of_generator(value: float) -> Callable[[str, str], None]:
    """The generator's loss is another one within a few iterations."""

    def check(name: str, key: str) -> None:
        before, after = (trial.trace(builder(name, **given), SPEC, iterations=4) for given in ({}, {key: value}))
        place = "generator/adversarial"
        assert [step.get(place) for step in before] != [step.get(place) for step in after]

    return check


def of_warm_up(name: str, key: str) -> None:
    first, last = builder(name, **{key: 0.25})(SPEC).schedule
    assert (first.share, last.share) == (0.25, 0.75)
    assert {update.player for update in first.updates} == {"critic"}


def of_contrast(value: float) -> Callable[[str, str], None]:
    """The critic's comparison of embeddings is another one."""

    def check(name: str, key: str) -> None:
        (before, *_), (after, *_) = (trial.trace(builder(name, **given), SPEC) for given in ({}, {key: value}))
        assert after["critic/contrastive"] != before["critic/contrastive"]
        assert after["critic/adversarial"] == before["critic/adversarial"]

    return check


def sampled(name: str, **given: Any) -> tuple[torch.Tensor, int]:
    """Two images of a member that was trained for a few iterations, and the passes of its generator that they took."""
    training = trial.run(trial.begin(built(name, **given), SPEC, seed=0, iterations=3))
    nets, passes = training.sampling_nets(), []
    hook = nets["generator"].register_forward_hook(lambda *_: passes.append(1))
    with torch.no_grad():
        images = training.gan.generate(nets, prompt(training.gan, SPEC, 2, 0))
    hook.remove()
    return images, len(passes)


def of_sampling_steps(name: str, key: str) -> None:
    """Passes of the network in proportion, but for a last step that may have fewer."""
    (_, few), (_, many) = (sampled(name, steps=steps) for steps in (2, 6))
    assert (many - few) % 4 == 0 < many - few


def of_solver(name: str, key: str) -> None:
    assert sampled(name, steps=3, solver="euler")[1] == 3
    assert sampled(name, steps=3, solver="heun")[1] == 6


def of_samples(value: float) -> Callable[[str, str], None]:
    """The same networks give other images."""

    def check(name: str, key: str) -> None:
        assert not torch.equal(sampled(name)[0], sampled(name, **{key: value})[0])

    return check


def of_training(value: float) -> Callable[[str, str], None]:
    """The losses become others within a few iterations."""

    def check(name: str, key: str) -> None:
        before, after = (trial.trace(builder(name, **given), SPEC, iterations=6) for given in ({}, {key: value}))
        assert before != after

    return check


def turn_option(gan: GAN, key: str) -> float:
    turn: Any = gan.schedule[-1].turn
    return turn.keywords[key]


CHECKS: dict[str, Callable[[str, str], None]] = {
    "width": of_width, "lr": of_rate, "ratio": of_ratio, "generator_lr": of_rate, "critic_lr": of_rate,
    "beta1": of_beta,
    "beta2": of_beta, "l2": of_decay, "critic_steps": of_steps, "generator_steps": of_steps, "half_life": of_half_life,
    "codebook": of_codebook,
    "adversarial_from": of_adversarial_from, "clip": of_clip, "pool": of_size, "kernels": of_size, "dimensions": of_size,
    "references": of_size, "pack": of_size, "embedding": of_size,
    "temperature": of_contrast(3.0), "similarity": of_contrast(0.5),
    "real_target": of_critic(0.5), "sigma": of_critic(1.0), "group": of_critic(2),
    "unrolled_steps": of_generator(1), "floor": of_generator(0.25), "reached": of_generator(1.0),
    "gradient_norm": of_generator(1e-9),
    "mixing": of_value(lambda gan: turn_option(gan, "mixing"), 0.25),
    "warm_up": of_warm_up,
    "ada_target": of_value(lambda gan: getattr(gan.state["augment"], "target"), 0.25),  # noqa: B009
    "balance": of_value(lambda gan: getattr(gan.state["equilibrium"], "balance"), 0.25),  # noqa: B009
    "margin": of_value(lambda gan: getattr(gan.state["equilibrium"], "margin"), 0.25),  # noqa: B009
    "steps": of_sampling_steps, "solver": of_solver, "eta": of_samples(1.0), "guidance": of_samples(3.0),
    "label_dropout": of_training(1.0),
    "energy_margin": of_critic(0.7),
    "diversity": of_value(lambda gan: getattr(gan.state["boundary"], "diversity"), 0.25),  # noqa: B009
    "pace": of_training(1.0), "nearness": of_training(0.5),
    "reach": of_value(lambda gan: turn_option(gan, "reach"), 0.25),
    "damping": of_value(lambda gan: turn_option(gan, "damping"), 0.25),
    "apa_target": of_value(lambda gan: getattr(gan.state["control"], "target"), 0.25),  # noqa: B009
} | dict.fromkeys(TERMS, of_term)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "key"), PAIRS, ids=[f"{name}-{key}" for name, key in PAIRS])
def test_a_parameter_changes_what_it_says(name: str, key: str):
    CHECKS[key](name, key)


@pytest.mark.parametrize("name", KNOWN)
def test_a_member_has_a_width_and_rates_and_a_line_for_each_parameter(name: str):
    known = KNOWN[name]
    assert "width" in known
    assert {"lr"} <= set(known) or {"generator_lr", "critic_lr"} <= set(known)
    assert all(one.words for one in known.values())
    assert set(known) <= set(vocabulary())


def test_every_word_is_used_and_one_is_enough():
    assert set(vocabulary()) == {key for known in KNOWN.values() for key in known}


WRONG = [
    (word, value)
    for word, facts in vocabulary().items()
    for value in [
        *([facts["least"] - 1] if "least" in facts else []),
        *([facts["most"] + 1] if "most" in facts else []),
        *([facts["above"]] if "above" in facts else []),
        *([facts["below"]] if "below" in facts else []),
    ]
]


@pytest.mark.parametrize(("word", "value"), WRONG)
def test_a_value_that_makes_no_sense_is_refused_before_anything_is_built(word: str, value: float):
    name = next(name for name, known in KNOWN.items() if word in known)
    whole = int in KNOWN[name][word].kinds
    with pytest.raises(UserError) as raised:
        members.build(members.find(f"{name}({word}={int(value) if whole else value})"), SPEC)
    assert f"{word} = {value:g}" in str(raised.value).replace(".0:", ":")
    assert "was expected" in str(raised.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_a_quarter_of_the_width_still_makes_images(name: str):
    narrow = members.bound(members.find(name, width=0.25))
    for spec in (SPEC, ImageSpec(3, 8, classes=4, source_channels=3)):
        trial.trace(narrow, spec, iterations=1)
    whole, part = sizes(built(name)), sizes(trial.build(narrow, SPEC, seed=0))
    assert all(part[player] <= 0.5 * whole[player] for player in whole), (whole, part)


def test_the_page_lists_the_words():
    page = (Path(__file__).parents[2] / "docs" / "zoo.md").read_text(encoding="utf-8")
    assert all(f"| `{word}` | {facts['about']} |" in page for word, facts in vocabulary().items())
