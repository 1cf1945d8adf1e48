"""The loop: a generator of Steps. Evaluation, checkpoints and logging happen between its yields, never inside.

Nothing here is about any GAN in particular. Time is counted in real images drawn: every draw counts, so that five critic
steps per iteration cost five batches. No step waits for the device: losses stay tensors until they are read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import GAN, Batch, Context, Draw, Nets, Now, Stage, Turn, Update
from bench.training.averaging import follow, frozen_copy, standing
from bench.training.execution import Execution
from bench.training.parts import Parts, WholeTurn
from bench.training.saving import Position, restore, saved
from bench.training.schedule import draws, payable, stage_ends
from bench.training.team import Team

__all__ = ["DIAGNOSE_EVERY", "Batches", "Execution", "Step", "Training"]

DIAGNOSE_EVERY = 16  # iterations between two looks at losses, gradient norms and accuracies


class Batches(Position, Protocol):
    """An endless supply of batches that knows its position."""

    batch_size: int

    def next(self) -> Batch:
        """The next batch, on the device."""
        ...


@dataclass(frozen=True)
class Step:
    """One iteration is done."""

    now: Now
    terms: Mapping[str, Tensor]  # "player/term" -> scalar on the device; empty but for every 16th step


class Training:
    """Everything that a run is at one instant: it can be saved whole, restored whole, and continued to the same bits."""

    def __init__(
        self,
        gan: GAN,
        batches: Batches,
        *,
        images: int,
        seed: int,
        execution: Execution | None = None,
        team: Team | None = None,
    ):
        self.gan = gan
        self.batches = batches
        self.budget = images
        self.execution = execution or Execution()
        self.execution.check(batches.batch_size)
        device = self.execution.device
        for module in [*(player.net for player in gan.players.values()), *gan.state.values()]:
            self.execution.place(module).train()
        self.averages = {name: frozen_copy(player.net) for name, player in gan.players.items() if player.average}
        self.random = torch.Generator(device).manual_seed(seed)
        self.team = team or Team()
        self.parts = Parts(gan, self.execution, seed, self.team) if self.execution.parts > 1 else None
        self.now = Now(images=0, budget=images, step=0)
        self.updates = dict.fromkeys(gan.players, 0)
        self.first_bad_step = torch.full((), -1, dtype=torch.int64, device=device)  # read by `diverged_at_step`
        self._nets: Nets = self.execution.runnable(gan)
        self._parameters = {name: _trainable(player.net) for name, player in gan.players.items()}
        self.optimisers: dict[str, torch.optim.Optimizer] = {}
        self.rates: dict[str, list[float]] = {}
        self.enter(0)

    def steps(self) -> Iterator[Step]:
        """Train until the budget is spent, one yield per iteration. No iteration starts that the budget cannot pay.

        Raises UserError when the budget does not pay for a single iteration.
        """
        ends = stage_ends(self.gan.schedule, self.budget)
        while self.now.stage < len(ends):
            stage = self.gan.schedule[self.now.stage]
            cost = draws(stage) * self.batches.batch_size
            while self.now.images + cost <= ends[self.now.stage]:
                if self.team.leads:
                    self.team.tell("step")
                yield self._iterate(stage, ends)
            if self.now.stage + 1 == len(ends):
                break
            self.enter(self.now.stage + 1)
        if self.now.step == 0:
            raise UserError(f"the budget of {self.budget} images does not pay for one iteration. Give a larger one.")

    def jump(self, stage: int, fraction: float) -> None:
        """Go to an instant of a stage, a fraction in [0, 1) of its images, without the training before it: to count or to time
        what is done there.
        """
        self.enter(stage)
        ends = [0, *stage_ends(self.gan.schedule, self.budget)]
        start, end = ends[stage], ends[stage + 1]
        self.now = replace(self.now, images=start + int(fraction * (end - start)))

    @property
    def payable(self) -> int:
        """The images that the budget pays for in whole iterations: those drawn when it is spent."""
        return payable(self.gan.schedule, self.budget, self.batches.batch_size)

    @property
    def diverged_at_step(self) -> int | None:
        """The first iteration whose loss was not finite, or None. Waits for the device."""
        step = int(self.first_bad_step)
        if step >= 0:
            return step
        sound = all(bool(weight.isfinite().all()) for weights in self._parameters.values() for weight in weights)
        return None if sound else self.now.step

    def sampling_nets(self) -> dict[str, nn.Module]:
        """What to sample from: averaged networks where a player has them, in eval mode."""
        nets = {name: self.averages.get(name, player.net) for name, player in self.gan.players.items()}
        for net in nets.values():
            net.eval()
        return standing(self.gan, nets, self._peek, self.execution)

    def _peek(self, count: int) -> list[Batch]:
        """The next batches, which stay to be drawn."""
        position = self.batches.state_dict()
        batches = [self.execution.laid_out(self.batches.next()) for _ in range(count)]
        self.batches.load_state_dict(position)
        return batches

    def resume_training_mode(self) -> None:
        """Undo the eval mode of `sampling_nets`."""
        for player in self.gan.players.values():
            player.net.train()

    def state_dict(self) -> dict[str, Any]:
        """All that the future of this run depends on, as tensors and plain values."""
        return saved(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become the run that was saved. It must be of the same member, seed and budget.

        On a processor PyTorch gets the number of threads back that the run had: sums are rounded differently under another.
        Raises ValueError for a state of another version, and whatever PyTorch raises for weights that do not fit.
        """
        restore(self, state)

    def _iterate(self, stage: Stage, ends: list[int]) -> Step:
        if self.execution.cuda_graphs:
            torch.compiler.cudagraph_mark_step_begin()
        count = draws(stage)
        drawn = [self.execution.draws(self.batches.next()) for _ in range(count)]
        start = ends[self.now.stage - 1] if self.now.stage else 0
        fraction = (self.now.images - start) / max(ends[self.now.stage] - start, 1)
        now = replace(self.now, stage_fraction=fraction)
        diagnose = now.step % DIAGNOSE_EVERY == 0
        terms: dict[str, Tensor] = {}
        for update in stage.updates:
            if now.step % update.every == 0:
                for parts in drawn[-update.repeat :]:
                    terms.update(self.apply(update, stage, parts, now, diagnose=diagnose))
        images = count * self.batches.batch_size
        self.now = replace(now, images=now.images + images, step=now.step + 1)
        for name, average in self.averages.items():
            follow(average, self.gan.players[name], self.now, images)
        return Step(self.now, terms)

    def apply(self, update: Update, stage: Stage, draws: list[Draw], now: Now, *, diagnose: bool) -> dict[str, Tensor]:
        """One optimiser step on one batch, whole or in parts. Only the moving player carries gradients."""
        mover = update.player
        optimiser = self.optimisers[mover]
        self._let_only(mover)
        turn, terms = self._differentiate(update, stage, draws, now)
        self._remember_first_bad(_total(terms).detach(), now.step)
        self._set_rate(mover, optimiser, now)
        optimiser.step()
        seen = _diagnose(mover, terms, turn, self._parameters[mover]) if diagnose else {}
        optimiser.zero_grad(set_to_none=True)
        if update.then:
            with torch.no_grad():
                for act in update.then:
                    act(turn)  # pyright: ignore[reportArgumentType]
        self.updates[mover] += 1
        return seen

    def _differentiate(
        self, update: Update, stage: Stage, draws: list[Draw], now: Now
    ) -> tuple[Turn | WholeTurn, dict[str, Tensor]]:
        """The mover's gradients of a batch; its turn and terms."""

        def differentiate(part: int, random: torch.Generator) -> tuple[Turn, dict[str, Tensor]]:
            context = Context(self._nets, draws[part], update.player, now, random, update.differentiates)
            turn = stage.turn(context)
            with self.execution.autocast():
                terms = {name: loss(turn) for name, loss in update.losses.items()}
                total = _total(terms, update.every)
            total.backward()
            return turn, terms

        if self.parts is None:
            return differentiate(0, self.random)
        turns, terms = self.parts.differentiate(self._parameters[update.player], differentiate)
        return WholeTurn(turns, self.parts, self.random), terms

    def enter(self, stage: int) -> None:
        """Begin a stage: optimisers start afresh."""
        if self.execution.compiled:
            torch.compiler.reset()  # graphs of earlier stages and trainings count towards dynamo's limit
        movers = {update.player for update in self.gan.schedule[stage].updates}
        self.optimisers = {name: self.gan.players[name].optimiser(self._parameters[name]) for name in sorted(movers)}
        self.rates = {name: [g["lr"] for g in o.param_groups] for name, o in self.optimisers.items()}
        self.now = replace(self.now, stage=stage, stage_fraction=0.0)

    def _let_only(self, mover: str) -> None:
        for name, parameters in self._parameters.items():
            moves = name == mover
            if parameters and parameters[0].requires_grad != moves:
                for parameter in parameters:
                    parameter.requires_grad_(moves)

    def _remember_first_bad(self, total: Tensor, step: int) -> None:
        new = (self.first_bad_step < 0) & ~total.isfinite()
        self.first_bad_step.masked_fill_(new, step)

    def _set_rate(self, name: str, optimiser: torch.optim.Optimizer, now: Now) -> None:
        rate = self.gan.players[name].rate
        if rate is not None:
            for group, base in zip(optimiser.param_groups, self.rates[name], strict=True):
                group["lr"] = base * rate(now.fraction)


def _total(terms: Mapping[str, Tensor], factor: float = 1) -> Tensor:
    """The terms' sum times a factor, without a kernel that does nothing."""
    values = [term.float() for term in terms.values()]
    total = values[0] if len(values) == 1 else torch.stack(values).sum()
    return total if factor == 1 else total * factor


def _trainable(net: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def _diagnose(
    mover: str, terms: Mapping[str, Tensor], turn: Turn | WholeTurn, parameters: list[nn.Parameter]
) -> dict[str, Tensor]:
    """Losses, the gradient's norm, and what the turn says about itself. Nothing is computed again."""
    seen = {f"{mover}/{name}": term.detach().float() for name, term in terms.items()}
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    seen[f"{mover}/gradient_norm"] = torch.nn.utils.get_total_norm(gradients)
    return seen | {f"{mover}/{name}": value.detach() for name, value in turn.diagnostics().items()}
