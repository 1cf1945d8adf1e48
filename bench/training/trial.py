"""A member on trial: built from a seed, trained for a few iterations on made-up images, watched while it does so."""

from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from bench.gan import GAN, Batch, Builder, ImageSpec, Loss, Stage, Turn, Update
from bench.training.loop import Execution, Training, draws

BATCH_SIZE = 4


class MadeUpBatches:
    """Smooth random pictures, with labels and sources where the spec has them. Counts what is drawn."""

    batch_size = BATCH_SIZE

    def __init__(self, spec: ImageSpec, seed: int):
        self.spec = spec
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
    """One optimiser step: what was minimised, and whose weights moved."""

    stage: int
    update: int
    mover: str
    terms: dict[str, Tensor]
    moved: frozenset[str]

    def __str__(self) -> str:
        return f"stage {self.stage}, update {self.update} ({self.mover}: {', '.join(self.terms)})"


@dataclass(frozen=True)
class RecordedLoss:
    """A loss whose values are kept."""

    name: str
    loss: Loss
    terms: dict[str, Tensor]

    @property
    def differentiates(self) -> frozenset[str]:
        """As the loss declares."""
        return getattr(self.loss, "differentiates", frozenset())

    def __call__(self, turn: Turn) -> Tensor:
        value = self.loss(turn)
        self.terms[self.name] = value.detach().clone()
        return (
            value.sum()
        )  # a vector is no loss: training goes on, so that whoever looks at the terms can say whose it is


@dataclass
class UpdateRecorder:
    """Notes after every optimiser step what its losses were and whose weights have changed since the one before."""

    players: dict[str, nn.Module]
    sightings: list[UpdateLog] = field(default_factory=list)
    before: dict[str, list[Tensor]] = field(default_factory=dict)

    def watch(self, gan: GAN) -> GAN:
        """The same GAN with this spy around its losses and after every update's own actions."""
        self.before = {name: _weights(net) for name, net in self.players.items()}
        schedule = [
            replace(stage, updates=[self._watch(update, s, u) for u, update in enumerate(stage.updates)])
            for s, stage in enumerate(gan.schedule)
        ]
        return replace(gan, schedule=schedule)

    def _watch(self, update: Update, stage: int, index: int) -> Update:
        terms: dict[str, Tensor] = {}

        def note(turn: Turn) -> None:
            after = {name: _weights(net) for name, net in self.players.items()}
            moved = frozenset(name for name in after if not _same(after[name], self.before[name]))
            self.sightings.append(UpdateLog(stage, index, update.player, dict(terms), moved))
            self.before = after

        losses = {name: RecordedLoss(name, loss, terms) for name, loss in update.losses.items()}
        return replace(update, losses=losses, then=[*update.then, note])


def build(builder: Builder, spec: ImageSpec, seed: int) -> GAN:
    """The member, its weights drawn from `seed`, in stages of equal length."""
    torch.manual_seed(seed)
    gan = builder(spec)
    return replace(gan, schedule=[replace(stage, share=1.0) for stage in gan.schedule])


def once(gan: GAN) -> GAN:
    """The same GAN with every update made once per iteration: enough to see that it runs."""
    schedule = [Stage([replace(u, repeat=1) for u in stage.updates], stage.turn, stage.share) for stage in gan.schedule]
    return replace(gan, schedule=schedule)


def begin(gan: GAN, spec: ImageSpec, seed: int, iterations: int, execution: Execution | None = None) -> Training:
    """Training with a budget of `iterations` in each stage."""
    cost = max(draws(stage) for stage in gan.schedule) * BATCH_SIZE
    batches = MadeUpBatches(spec, seed)
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
