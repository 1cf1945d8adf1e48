"""Each check finds the fault it is for, in a member that is sound but for that fault."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import GAN, Average, Builder, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian
from bench.training import trial
from bench.training.conformance import SPECS, Finding, check
from zoo.objectives import NonSaturating
from zoo.two_player import LatentTurn, two_player

SPEC = ImageSpec(1, 8, classes=3, source_channels=1)
LATENTS = gaussian(8)
STEP = adam(1e-3)


class Generator(nn.Module):
    def __init__(self, spec: ImageSpec):
        super().__init__()
        self.spec = spec
        self.linear = nn.Linear(8, spec.channels * spec.resolution**2)
        self.classes = nn.Embedding(max(spec.classes, 1), 8)

    def forward(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        hidden = latents if labels is None else latents + self.classes(labels)
        return self.linear(hidden).tanh().unflatten(1, (self.spec.channels, self.spec.resolution, -1))


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    return nets["generator"](prompt.latents)


def sound(spec: ImageSpec) -> GAN:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(spec.channels * spec.resolution**2, 1), nn.Flatten(0))
    players = {"generator": Player(Generator(spec), STEP, Average(decay=0.5)), "critic": Player(critic, STEP)}
    return GAN(players, [two_player(NonSaturating(), latents=LATENTS)], sample, LATENTS)


def changed(change: Callable[[GAN], GAN]) -> Builder:
    return lambda spec: change(sound(spec))


def with_generator_loss(loss: Callable[[Turn], Tensor]) -> Builder:
    def change(gan: GAN) -> GAN:
        critic, generator = gan.schedule[0].updates
        return replace(gan, schedule=[Stage([critic, replace(generator, losses={"own": loss})], gan.schedule[0].turn)])

    return changed(change)


def generating(generate: Callable[[Nets, Prompt], Tensor]) -> Builder:
    return changed(lambda gan: replace(gan, generate=generate))


def finding(builder: Builder, name: str) -> Finding:
    return next(found for found in check(builder, [SPEC]) if found.name == name)


def test_a_sound_member_passes_everything():
    findings = check(sound, [SPEC, replace(SPEC, channels=3, resolution=16)])
    assert [found.name for found in findings if not found.ok] == []
    assert len(findings) == 10
    assert not any(found.skipped for found in findings)


def test_every_size_and_both_channel_counts_are_asked_for():
    assert {(spec.resolution, spec.channels) for spec in SPECS} == {
        (r, c) for r in (8, 16, 32, 64, 128) for c in (1, 3)
    }


def test_the_random_state_is_left_alone():
    before = torch.get_rng_state()
    check(sound, [SPEC])
    assert torch.equal(before, torch.get_rng_state())


def writes_to_the_critic(turn: Turn) -> Tensor:
    with torch.no_grad():
        next(turn.nets["critic"].parameters()).add_(1e-3)
    return -turn.fake_logits.mean()


def test_a_loss_that_writes_to_another_player():
    found = finding(with_generator_loss(writes_to_the_critic), "updates")
    assert not found.ok
    assert "stage 0, update 1 (generator: own) also changed the weights of critic" in found.words


def test_a_then_that_writes_to_another_player():
    def spoil(turn: Turn) -> None:
        for parameter in turn.nets["generator"].parameters():
            parameter.clamp_(-1e-3, 1e-3)

    def change(gan: GAN) -> GAN:
        critic, generator = gan.schedule[0].updates
        return replace(gan, schedule=[Stage([replace(critic, then=[spoil]), generator], gan.schedule[0].turn)])

    assert "(critic: adversarial) also changed the weights of generator" in finding(changed(change), "updates").words


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (lambda turn: 0.0 * turn.fake_logits.mean(), "never moves its player"),
        (lambda turn: -turn.judge(turn.fake.detach()).mean(), "a loss has no gradient for its player"),
        (lambda turn: -turn.fake_logits, "own is no scalar"),
        (lambda turn: turn.nets["critik"](turn.fake).mean(), "KeyError: 'critik' (test_conformance.py line"),
    ],
)
def test_a_loss_that_is_wrong(loss: Callable[[Turn], Tensor], words: str):
    found = finding(with_generator_loss(loss), "updates")
    assert not found.ok
    assert words in found.words


def test_a_builder_that_seeds():
    def build(spec: ImageSpec) -> GAN:
        torch.manual_seed(7)
        return sound(spec)

    assert "must not seed a generator itself" in finding(build, "seeds").words


def test_randomness_of_its_own():
    own = torch.Generator()
    own.seed()
    loss = lambda turn: -turn.judge(turn.nets["generator"](torch.randn(4, 8, generator=own))).mean()  # noqa: E731
    found = finding(with_generator_loss(loss), "seeds")
    assert not found.ok
    assert "two runs from seed 0 differ in generator" in found.words


@dataclass
class Remembers:
    """A loss whose weight grows, in a plain attribute that no checkpoint holds."""

    calls: int = 0

    def __call__(self, turn: Turn) -> Tensor:
        self.calls += 1
        return (turn.fake_logits - self.calls).square().mean()


def test_a_memory_outside_the_state():
    def build(spec: ImageSpec) -> GAN:
        return with_generator_loss(Remembers())(spec)

    found = finding(build, "checkpoint")
    assert not found.ok
    assert "put what a network remembers into a buffer, what a loss remembers into GAN.state" in found.words


@pytest.mark.parametrize(
    ("generate", "words"),
    [
        (lambda nets, prompt: sample(nets, prompt)[:, :, 1:], "generate returned shape (4, 1, 7, 8)"),
        (lambda nets, prompt: (sample(nets, prompt) * 127).byte(), "generate returned torch.uint8"),
        (lambda nets, prompt: sample(nets, prompt) * 100, "expected [-1, 1]. End in tanh"),
        (lambda nets, prompt: sample(nets, prompt) / 0 * 0, "NaN"),
        (lambda nets, prompt: sample(nets, prompt).mean((2, 3), keepdim=True).expand(-1, 1, 8, 8), "of one colour"),
        (lambda nets, prompt: sample(nets, prompt)[:1].expand(4, -1, -1, -1), "the same image twice"),
        (lambda nets, prompt: (sample(nets, prompt) + torch.rand(4, 1, 8, 8) / 99).clamp(-1, 1), "for the same prompt"),
    ],
)
def test_images_that_are_wrong(generate: Callable[[Nets, Prompt], Tensor], words: str):
    found = finding(generating(generate), "generate")
    assert not found.ok
    assert words in found.words


def test_sampling_from_the_raw_weights():
    def build(spec: ImageSpec) -> GAN:
        gan = sound(spec)
        raw = {name: player.net for name, player in gan.players.items()}
        return replace(gan, generate=lambda nets, prompt: sample(raw, prompt))

    assert "does not use the averaged networks" in finding(build, "generate").words


def test_labels_that_are_ignored():
    def build(spec: ImageSpec) -> GAN:
        return replace(sound(spec), task="conditional")

    assert "the same images for every class" in finding(build, "generate").words


def test_a_conditional_member_must_refuse_images_without_labels():
    def build(spec: ImageSpec) -> GAN:
        game = two_player(NonSaturating(), latents=LATENTS, turn=ConditionalGenerator)
        generate = lambda nets, prompt: nets["generator"](prompt.latents, prompt.labels)  # noqa: E731
        return replace(sound(spec), schedule=[game], generate=generate, task="conditional")

    assert finding(build, "generate").ok
    found = finding(build, "without labels")
    assert not found.ok
    assert "Raise bench.errors.UserError" in found.words


class ConditionalGenerator(LatentTurn):
    """Labels for the generator alone."""

    def generate(self, latents: Tensor) -> Tensor:
        return self.nets["generator"](latents, self.batch.labels)


def test_two_players_that_share_weights():
    def change(gan: GAN) -> GAN:
        return replace(gan, players={**gan.players, "twin": gan.players["critic"]})

    found = finding(changed(change), "declaration")
    assert "critic and twin share weights" in found.words
    assert "no update moves twin" in found.words


def test_an_update_of_nobody():
    def change(gan: GAN) -> GAN:
        stage = gan.schedule[0]
        return replace(gan, schedule=[Stage([*stage.updates, Update("discriminator", {})], stage.turn)])

    words = finding(changed(change), "declaration").words
    assert "update 2 moves 'discriminator', which is not among the players ['critic', 'generator']" in words
    assert "has no losses" in words


def test_numbers_that_overflow():
    found = finding(with_generator_loss(lambda turn: turn.fake_logits.mean() / 0), "bfloat16")
    assert "a loss is not finite at step 0 under bfloat16 autocast" in found.words


def test_sizes_that_are_refused_are_said_and_do_not_fail():
    def build(spec: ImageSpec) -> GAN:
        if spec.resolution != 16:
            raise UserError("this network is for 16 px.")
        return sound(spec)

    findings = {found.name: found for found in check(build, SPECS[:4])}
    assert findings["8 px, 1 channel"].skipped
    assert findings["8 px, 1 channel"].words == "refused: this network is for 16 px."
    assert findings["16 px, 3 channels"].ok
    assert not findings["16 px, 3 channels"].skipped


def test_a_builder_that_accepts_nothing():
    def build(spec: ImageSpec) -> GAN:
        raise UserError("only 512 px.")

    (found,) = check(build, SPECS[:4])
    assert (found.ok, found.words) == (False, "no image spec was accepted. only 512 px.")


def test_a_builder_that_crashes_is_a_finding_of_every_check():
    def build(spec: ImageSpec) -> GAN:
        raise ZeroDivisionError("division by zero")

    findings = check(build, [SPEC])
    assert not any(found.ok for found in findings)
    assert "ZeroDivisionError: division by zero (test_conformance.py line" in findings[0].words


def test_all_draws_are_counted():
    game = partial(two_player, NonSaturating(), latents=LATENTS, critic_steps=3)
    found = finding(changed(lambda gan: replace(gan, schedule=[game()])), "images counted")
    assert found.words == "3 batches per iteration, all counted"


def test_a_trace_repeats_and_covers_every_stage():
    def build(spec: ImageSpec) -> GAN:
        gan = sound(spec)
        return replace(gan, schedule=[replace(gan.schedule[0], share=share) for share in (1, 3)])

    trace = trial.trace(build, SPEC, iterations=4)
    assert len(trace) == 2 * 2 * 2
    assert trace == trial.trace(build, SPEC, iterations=4)
    assert set(trace[0]) == {"critic/adversarial"}
    assert torch.get_default_dtype() == torch.float32


def test_without_a_compiler_compilation_is_skipped_in_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    found = next(found for found in check(sound, [SPEC], compiled=True) if found.name == "torch.compile")
    assert (found.ok, found.skipped) == (True, True)
    assert "no C++ compiler was found" in found.words


def test_the_compiler_is_asked_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def compiler(net: nn.Module, **how: object) -> nn.Module:
        asked.append(type(net).__name__)
        return net

    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr("torch.compile", compiler)
    found = next(found for found in check(sound, [SPEC], compiled=True) if found.name == "torch.compile")
    assert found.words == "trains and generates under torch.compile"
    assert asked == ["Generator", "Sequential"]
