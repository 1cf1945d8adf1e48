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
from bench.training.conformance import BEHAVIOUR, SPECS, Finding, check, specs
from bench.training.layout import layout_fault
from zoo.losses.objectives import NonSaturating
from zoo.training.two_player import LatentTurn, two_player

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
        hidden = latents + (self.classes.weight.mean(0) if labels is None else self.classes(labels))
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
    assert {found.status for found in findings} == {"ok"}
    assert len(findings) == len(BEHAVIOUR) + 2


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
        (lambda turn: -turn.fake_logits, "own is not a scalar"),
        (
            lambda turn: turn.nets["critik"](turn.fake).mean(),
            "KeyError: 'critik' (stage 0, update 1 (generator), loss 'own'; test_",
        ),
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


def test_a_builder_that_crashes_is_told_once():
    def build(spec: ImageSpec) -> GAN:
        raise ZeroDivisionError("division by zero")

    first, rest = check(build, [SPEC])
    assert "ZeroDivisionError: division by zero (test_conformance.py line" in first.words
    assert (first.status, rest.status) == ("fail", "skip")


def test_one_error_of_many_checks_is_told_once():
    findings = [
        found for found in check(with_generator_loss(lambda turn: turn.nets["critik"](0)), [SPEC]) if not found.ok
    ]
    assert len(findings) > 5
    assert "KeyError" in findings[0].words
    assert {found.words for found in findings[1:]} == {"the same as under 'updates'"}


def with_field(name: str, value: object) -> GAN:
    """A GAN with a value of a type that it does not allow."""
    gan = sound(SPEC)
    object.__setattr__(gan, name, value)
    return gan


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "the builder returned NoneType, expected a bench.gan.GAN"),
        (nn.Linear(1, 1), "the builder returned Linear, expected a bench.gan.GAN"),
        (with_field("players", {}), "GAN.players is dict, expected a mapping from names to Player"),
        (with_field("players", {"a": nn.Linear(1, 1)}), "player 'a' is Linear, expected a bench.gan.Player"),
        (
            with_field("schedule", sound(SPEC).schedule[0].updates),
            "GAN.schedule holds Update, expected a bench.gan.Stage",
        ),
        (with_field("generate", None), "GAN.generate is None, expected a function"),
        (with_field("task", "text"), "GAN.task is 'text', expected one of unconditional, conditional"),
    ],
)
def test_a_value_that_is_not_a_gan(value: object, words: str):
    found = finding(lambda spec: value, "declaration")  # pyright: ignore[reportArgumentType, reportReturnType]
    assert not found.ok
    assert words in found.words


def test_parameters_that_no_gradient_reaches():
    def change(gan: GAN) -> GAN:
        gan.players["critic"].net.add_module("spare", nn.Linear(2, 2))
        gan.players["critic"].net.forward = lambda images: gan.players["critic"].net[:3](images)  # pyright: ignore[reportIndexIssue]
        return gan

    found = finding(changed(change), "gradients")
    assert found.status == "warn"
    assert "no update gives a gradient to critic.spare.weight, critic.spare.bias" in found.words

    def frozen(gan: GAN) -> GAN:
        change(gan).players["critic"].net.get_submodule("spare").requires_grad_(False)
        return gan

    assert finding(changed(frozen), "gradients").status == "ok"


def scales_in_place(turn: Turn) -> Tensor:
    turn.real.mul_(0.5)
    return -turn.fake_logits.mean()


def writes_labels(turn: Turn) -> Tensor:
    assert turn.batch.labels is not None
    turn.batch.labels[:2] = 0
    return -turn.fake_logits.mean()


@pytest.mark.parametrize(("loss", "what"), [(scales_in_place, "images"), (writes_labels, "labels")])
def test_a_loss_that_writes_to_the_real_batch(loss: Callable[[Turn], Tensor], what: str):
    found = finding(with_generator_loss(loss), "real batch")
    assert not found.ok
    assert f"stage 0, update 1 (generator: own) writes to the real batch ({what}) in place" in found.words


def with_critic(make: Callable[[ImageSpec], nn.Module], loss: Callable[[Turn], Tensor] | None = None) -> Builder:
    def change(gan: GAN, spec: ImageSpec) -> GAN:
        players = {**gan.players, "critic": Player(make(spec), STEP)}
        critic, generator = gan.schedule[0].updates
        if loss is not None:
            critic = replace(critic, losses={"own": loss})
        return replace(gan, players=players, schedule=[Stage([critic, generator], gan.schedule[0].turn)])

    return lambda spec: change(sound(spec), spec)


def columns(spec: ImageSpec) -> nn.Module:
    """Logits (N, 1)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(spec.channels * spec.resolution**2, 1))


def test_logits_that_are_broadcast():
    def against_targets(turn: Turn) -> Tensor:
        targets = torch.ones(len(turn.real))
        return (turn.real_logits - targets).square().mean() + turn.fake_logits.square().mean()

    found = finding(with_critic(columns, against_targets), "logits")
    assert not found.ok
    assert "stage 0, update 0 (critic), loss 'own': (N, 1) meets (N,) and becomes (N, N)" in found.words
    assert "(turn.real_logits - targets)" in found.words
    assert finding(with_critic(columns), "logits").ok  # the same shape on both sides harms nothing


def undeclared(turn: Turn) -> Tensor:
    images = turn.real.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(turn.judge(images).square().sum(), images, create_graph=True)
    return turn.real_logits.mean() + gradient.square().sum()


def without_asking(turn: Turn) -> Tensor:
    (gradient,) = torch.autograd.grad(turn.real_logits.square().sum(), turn.real, create_graph=True)
    return gradient.square().sum()


def smooth(spec: ImageSpec) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(spec.channels * spec.resolution**2, 1), nn.Tanh(), nn.Flatten(0))


def test_a_penalty_that_does_not_say_what_it_differentiates():
    found = finding(with_critic(smooth, undeclared), "penalties")
    assert not found.ok
    assert "loss 'own' differentiates images but does not say so" in found.words
    found = finding(with_critic(smooth, without_asking), "updates")
    assert "a loss differentiates an input that it does not declare" in found.words
    assert "stage 0, update 0 (critic), loss 'own'" in found.words

    class Declared:
        differentiates = frozenset({"real"})

        def __call__(self, turn: Turn) -> Tensor:
            return without_asking(turn)

    assert finding(with_critic(smooth, Declared()), "penalties").words == "declared by own"


def test_a_loss_that_reads_a_value():
    def printed(turn: Turn) -> Tensor:
        assert turn.fake_logits.mean().item() < 1e9
        return -turn.fake_logits.mean() if turn.fake_logits.isfinite().all() else turn.fake_logits.sum()

    found = finding(with_generator_loss(printed), "waits")
    assert found.status == "warn"
    assert found.ok
    assert "2 times per iteration a tensor's value is read" in found.words
    assert "test_conformance.py line" in found.words


@pytest.mark.parametrize(
    ("generate", "words"),
    [
        (lambda nets, prompt: sample(nets, prompt).add(1).div(2), "never below 0: does it end in a sigmoid?"),
        (
            lambda nets, prompt: nets["generator"].linear(prompt.latents).unflatten(1, (1, 8, 8)) / 4,
            "nothing keeps images",
        ),
    ],
)
def test_a_range_that_is_wrong(generate: Callable[[Nets, Prompt], Tensor], words: str):
    found = finding(generating(generate), "range")
    assert not found.ok
    assert words in found.words


def of_the_batch(nets: Nets, prompt: Prompt) -> Tensor:
    images = sample(nets, prompt)
    return (images - images.mean(0)).clamp(-1, 1)


def in_train_mode(nets: Nets, prompt: Prompt) -> Tensor:
    return nets["generator"].train()(prompt.latents)


def writing(nets: Nets, prompt: Prompt) -> Tensor:
    with torch.no_grad():
        nets["generator"].get_parameter("linear.bias").add_(1e-3)
    return sample(nets, prompt)


@pytest.mark.parametrize(
    ("generate", "words"),
    [
        (of_the_batch, "generate uses statistics of the batch"),
        (in_train_mode, "generate switches generator to train mode"),
        (writing, "generate changes generator"),
    ],
)
def test_sampling_that_is_not_by_image(generate: Callable[[Nets, Prompt], Tensor], words: str):
    found = finding(generating(generate), "neighbours")
    assert not found.ok
    assert words in found.words


def of_fixed_length(nets: Nets, prompt: Prompt) -> Tensor:
    assert prompt.latents is not None
    return sample(nets, prompt).view(len(prompt.latents), -1, 8, 8)


def test_lengths_that_the_bench_itself_asks_for_are_not_the_members():
    def change(gan: GAN) -> GAN:
        players = {**gan.players, "generator": Player(Normed(), STEP, Average(decay=0.5, standing_batches=2))}
        return replace(gan, players=players)

    assert finding(changed(change), "batch size").status == "ok"


class Normed(nn.Sequential):
    """z -> images through batch norm."""

    def __init__(self):
        super().__init__(nn.Linear(8, 64), nn.BatchNorm1d(64), nn.Tanh(), nn.Unflatten(1, (1, 8, 8)))


def test_a_length_that_an_export_would_fix():
    found = finding(generating(of_fixed_length), "batch size")
    assert found.status == "warn"
    assert "Use tensor.shape[0]" in found.words


class Viewing(nn.Module):
    """Flattens by .view, which contiguous images allow alone."""

    def __init__(self, spec: ImageSpec):
        super().__init__()
        self.layers = nn.Conv2d(spec.channels, 4, 3, padding=1)
        self.last = nn.Linear(4 * spec.resolution**2, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.layers(images).view(images.shape[0], -1)).flatten(0)


def test_a_view_of_channels_last_images():
    found = finding(with_critic(Viewing), "channels last")
    assert found.status == "warn"
    assert "a network calls .view on channels-last images" in found.words
    assert layout_fault(with_critic(Viewing), SPEC) is not None
    assert layout_fault(sound, SPEC) is None


def test_a_fault_of_every_layout_is_not_the_layouts():
    assert layout_fault(with_generator_loss(lambda turn: turn.nets["critik"](0)), SPEC) is None


def test_a_batch_that_is_large_enough_is_used():
    seen: list[int] = []

    def loss(turn: Turn) -> Tensor:
        seen.append(len(turn.batch.images))
        return -turn.fake_logits.mean()

    def build(spec: ImageSpec) -> GAN:
        return replace(with_generator_loss(loss)(spec), least_batch=6)

    assert finding(build, "updates").ok
    assert set(seen) == {6}


def test_sizes_are_what_is_asked_for():
    assert [(spec.resolution, spec.channels, spec.classes) for spec in specs([64], [3], classes=10)] == [(64, 3, 10)]
    names = [found.name for found in check(sound, specs([8], [3]))]
    assert names[-1] == "8 px, 3 channels"


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
