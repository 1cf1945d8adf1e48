"""A member on trial: built from a seed, trained for a few iterations on made-up images, watched while it does so."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import GAN, Batch, Builder, ImageSpec, Loss, Stage, Turn, Update
from bench.training.loop import Execution, Training
from bench.training.observer import Observer
from bench.training.schedule import draws

BATCH_SIZE = 4


class MadeUpBatches:
    """Smooth random pictures, with labels and sources where the spec has them. Counts what is drawn."""

    def __init__(self, spec: ImageSpec, seed: int, batch_size: int = BATCH_SIZE):
        self.spec = spec
        self.batch_size = batch_size
        self.random = torch.Generator().manual_seed(seed)
        self.drawn = 0

    def next(self) -> Batch:
        """The next batch."""
        self.drawn += self.batch_size
        spec = self.spec
        labels = torch.randint(spec.classes, (self.batch_size,), generator=self.random) if spec.classes else None
        source = self._pictures(spec.source_channels) if spec.source_channels else None
        return Batch(self._pictures(spec.channels), labels, source)

    def _pictures(self, channels: int) -> Tensor:
        size = self.spec.resolution
        coarse = torch.rand(self.batch_size, channels, 4, 4, generator=self.random) * 2 - 1
        return nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")

    def state_dict(self) -> dict[str, Any]:
        """The position."""
        return {"random": self.random.get_state(), "drawn": self.drawn}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to a position."""
        self.random.set_state(state["random"])
        self.drawn = state["drawn"]


@dataclass(frozen=True)
class UpdateLog:
    """One optimiser step: what was minimised, whose weights moved, and what was noticed meanwhile."""

    stage: int
    update: int
    mover: str
    terms: dict[str, Tensor]
    moved: frozenset[str]
    written: tuple[str, ...]  # fields of the real batch that were written to
    observers: dict[str, Observer]  # loss, or "then" -> what it asked for
    declared: dict[str, frozenset[str]]  # loss -> the inputs that it says it differentiates

    def __str__(self) -> str:
        return f"stage {self.stage}, update {self.update} ({self.mover}: {', '.join(self.terms)})"


@dataclass
class Observation:
    """What is gathered during one update."""

    place: str  # for people
    terms: dict[str, Tensor] = field(default_factory=dict)
    observers: dict[str, Observer] = field(default_factory=dict)
    versions: dict[str, int] | None = None  # of the real batch, before the first loss

    def begin(self, turn: Turn, name: str) -> Observer:
        """The observer of a loss."""
        if self.versions is None:
            self.versions = _versions(turn.draw.batch)
        return self.observers.setdefault(name, Observer(len(turn.draw.batch.images)))

    def end(self, turn: Turn) -> tuple[dict[str, Tensor], dict[str, Observer], tuple[str, ...]]:
        """What was gathered; the next update begins empty."""
        before, after = self.versions or {}, _versions(turn.draw.batch)
        found = self.terms, self.observers, tuple(name for name in before if before[name] != after[name])
        self.terms, self.observers, self.versions = {}, {}, None
        return found


@dataclass(frozen=True)
class RecordedLoss:
    """A loss whose value and calls are kept."""

    name: str
    loss: Loss
    seen: Observation

    @property
    def differentiates(self) -> frozenset[str]:
        """As the loss declares."""
        return getattr(self.loss, "differentiates", frozenset())

    def __call__(self, turn: Turn) -> Tensor:
        try:
            with self.seen.begin(turn, self.name):
                value = self.loss(turn)
        except Exception as error:
            error.add_note(f"{self.seen.place}, loss {self.name!r}")
            raise
        if not isinstance(value, Tensor):
            raise UserError(
                f"{self.seen.place}, loss {self.name!r} returned {type(value).__name__}, expected a scalar Tensor."
            )
        self.seen.terms[self.name] = value.detach().clone()
        return (
            value.sum()
        )  # a vector is not a loss: training goes on, and the check that reads the terms says whose it is


@dataclass
class UpdateRecorder:
    """Notes after every optimiser step what its losses were and whose weights have changed since the one before."""

    players: dict[str, nn.Module]
    sightings: list[UpdateLog] = field(default_factory=list)
    before: dict[str, list[Tensor]] = field(default_factory=dict)
    trainable: list[str] = field(default_factory=list)  # "player.parameter"
    reached: set[str] = field(default_factory=set)  # those that a gradient has reached

    def watch(self, gan: GAN) -> GAN:
        """The same GAN with this recorder around its losses and after every update's own actions."""
        self.before = {name: _weights(net) for name, net in self.players.items()}
        for player, net in self.players.items():
            for name, parameter in net.named_parameters():
                if parameter.requires_grad:
                    self.trainable.append(f"{player}.{name}")
                    parameter.register_post_accumulate_grad_hook(partial(self._reach, f"{player}.{name}"))
        schedule = [
            replace(stage, updates=[self._watch(update, s, u) for u, update in enumerate(stage.updates)])
            for s, stage in enumerate(gan.schedule)
        ]
        return replace(gan, schedule=schedule)

    def _reach(self, name: str, parameter: Tensor) -> None:
        self.reached.add(name)

    def _watch(self, update: Update, stage: int, index: int) -> Update:
        seen = Observation(f"stage {stage}, update {index} ({update.player})")
        losses = {name: RecordedLoss(name, loss, seen) for name, loss in update.losses.items()}
        declared = {name: loss.differentiates for name, loss in losses.items()}

        def act(turn: Turn) -> None:
            with seen.begin(turn, "then"):
                for own in update.then:
                    own(turn)

        def note(turn: Turn) -> None:
            after = {name: _weights(net) for name, net in self.players.items()}
            moved = frozenset(name for name in after if not _same(after[name], self.before[name]))
            terms, observers, written = seen.end(turn)
            log = UpdateLog(stage, index, update.player, terms, moved, written, observers, declared)
            self.sightings.append(log)
            self.before = after

        return replace(update, losses=losses, then=[act, note])


def _versions(batch: Batch) -> dict[str, int]:
    """How often each tensor of a batch was written to."""
    fields = {"images": batch.images, "labels": batch.labels, "source": batch.source}
    return {name: tensor._version for name, tensor in fields.items() if tensor is not None}


def build(builder: Builder, spec: ImageSpec, seed: int) -> GAN:
    """The member, its weights drawn from `seed`, in stages of equal length. Raises UserError for what is not a GAN."""
    gan = as_built(builder, spec, seed)
    return replace(gan, schedule=[replace(stage, share=1.0) for stage in gan.schedule])


def as_built(builder: Builder, spec: ImageSpec, seed: int) -> GAN:
    """What the builder returns, its weights drawn from `seed`. Raises UserError when that is not a GAN."""
    torch.manual_seed(seed)
    gan = builder(spec)
    if not isinstance(gan, GAN):
        raise UserError(f"the builder returned {type(gan).__name__}, expected a bench.gan.GAN.")
    return gan


def once(gan: GAN) -> GAN:
    """The same GAN with every update made once per iteration: enough to see that it runs."""
    schedule = [Stage([replace(u, repeat=1) for u in stage.updates], stage.turn, stage.share) for stage in gan.schedule]
    return replace(gan, schedule=schedule)


def begin(gan: GAN, spec: ImageSpec, seed: int, iterations: int, execution: Execution | None = None) -> Training:
    """Training with a budget of `iterations` in each stage."""
    batches = MadeUpBatches(spec, seed, max(BATCH_SIZE, gan.least_batch))
    cost = max(draws(stage) for stage in gan.schedule) * batches.batch_size
    return Training(gan, batches, images=cost * iterations * len(gan.schedule), seed=seed, execution=execution)


def run(training: Training, iterations: int | None = None) -> Training:
    """The same training, some iterations later; to the end of its budget where no number is given."""
    for count, _ in enumerate(training.steps(), start=1):
        if count == iterations:
            break
    return training


def weights(training: Training) -> dict[str, list[Tensor]]:
    """Every number that training has made: parameters and buffers of players, averages and memories."""
    modules = {name: player.net for name, player in training.gan.players.items()}
    modules |= {f"average of {name}": net for name, net in training.averages.items()}
    modules |= {f"state {name}": module for name, module in training.gan.state.items()}
    return {name: [t.detach().clone() for t in module.state_dict().values()] for name, module in modules.items()}


def trace(builder: Builder, spec: ImageSpec, iterations: int = 10) -> list[dict[str, float]]:
    """The losses of the first iterations from seed 0, spread over all stages: what a refactor must not change.

    One entry per optimiser step: "player/term" -> value. In float64, because an optimiser like Adam without momentum
    follows the sign of a gradient, and ten such steps in float32 differ by percents between two kinds of CPU.
    """
    spy = UpdateRecorder({})
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        gan = build(builder, spec, seed=0)
        per_stage = -(-iterations // len(gan.schedule))
        run(begin(spy.watch(gan), spec, seed=0, iterations=per_stage))
    finally:
        torch.set_default_dtype(usual)
    return [{f"{seen.mover}/{name}": float(v) for name, v in seen.terms.items()} for seen in spy.sightings]


def differing(a: dict[str, list[Tensor]], b: dict[str, list[Tensor]]) -> list[str]:
    """Names of the networks that are not bit-identical."""
    return [name for name in a if not _same(a[name], b[name])]


def _weights(net: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in net.parameters()]


def _same(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
