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

__all__ = ["DIAGNOSE_EVERY", "Batches", "Execution", "Step", "Training", "draws"]

DIAGNOSE_EVERY = 16  # iterations between two looks at losses, gradient norms and accuracies
STATE_VERSION = 2  # of `Training.state_dict`; another version is refused


class Batches(Protocol):
    """An endless supply of batches that knows its position."""

    batch_size: int

    def next(self) -> Batch:
        """The next batch, on the device."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The exact position."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to a position."""
        ...


@dataclass(frozen=True)
class Step:
    """One iteration is done."""

    now: Now
    terms: Mapping[str, Tensor]  # "player/term" -> scalar on the device; empty but for every 16th step


class Training:
    """Everything that a run is at one instant: it can be saved whole, restored whole, and continued to the same bits."""

    def __init__(self, gan: GAN, batches: Batches, *, images: int, seed: int, execution: Execution | None = None):
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
        self.now = Now(images=0, budget=images, step=0)
        self.updates = dict.fromkeys(gan.players, 0)
        self.first_bad_step = torch.full((), -1, dtype=torch.int64, device=device)  # read by `diverged_at_step`
        self._nets: Nets = self.execution.runnable(gan)
        self._parameters = {name: _trainable(player.net) for name, player in gan.players.items()}
        self._optimisers: dict[str, torch.optim.Optimizer] = {}
        self._rates: dict[str, list[float]] = {}
        self._enter(0)

    def steps(self) -> Iterator[Step]:
        """Train until the budget is spent, one yield per iteration. No iteration starts that the budget cannot pay.

        Raises UserError when the budget does not pay for a single iteration.
        """
        ends = self._stage_ends()
        while self.now.stage < len(ends):
            stage = self.gan.schedule[self.now.stage]
            cost = draws(stage) * self.batches.batch_size
            while self.now.images + cost <= ends[self.now.stage]:
                yield self._iterate(stage, ends)
            if self.now.stage + 1 == len(ends):
                break
            self._enter(self.now.stage + 1)
        if self.now.step == 0:
            raise UserError(f"the budget of {self.budget} images does not pay for one iteration. Give a larger one.")

    def jump(self, stage: int, fraction: float) -> None:
        """Go to an instant of a stage, a fraction in [0, 1) of its images, without the training before it: to count or to time
        what is done there.
        """
        self._enter(stage)
        ends = [0, *self._stage_ends()]
        start, end = ends[stage], ends[stage + 1]
        self.now = replace(self.now, images=start + int(fraction * (end - start)))

    @property
    def payable(self) -> int:
        """The images that the budget pays for in whole iterations: those drawn when it is spent."""
        drawn = 0
        for end, stage in zip(self._stage_ends(), self.gan.schedule, strict=True):
            cost = draws(stage) * self.batches.batch_size
            drawn += max(end - drawn, 0) // cost * cost
        return drawn

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
        players = self.gan.players.items()
        return {
            "version": STATE_VERSION,
            "threads": torch.get_num_threads(),
            "nets": {name: player.net.state_dict() for name, player in players},
            "averages": {name: net.state_dict() for name, net in self.averages.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self._optimisers.items()},
            "rates": self._rates,
            "memory": {name: module.state_dict() for name, module in self.gan.state.items()},
            "random": self.random.get_state(),
            "torch_random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "batches": self.batches.state_dict(),
            "first_bad_step": self.first_bad_step.cpu(),
            "updates": dict(self.updates),
            "now": {"images": self.now.images, "step": self.now.step, "stage": self.now.stage},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become the run that was saved. It must be of the same member, seed and budget.

        On a processor PyTorch gets the number of threads back that the run had: sums are rounded differently under another.
        Raises ValueError for a state of another version, and whatever PyTorch raises for weights that do not fit.
        """
        if state["version"] != STATE_VERSION:
            raise ValueError(f"it has version {state['version']} of the format, expected {STATE_VERSION}")
        if self.execution.device.type == "cpu":
            torch.set_num_threads(state["threads"])
        self._enter(state["now"]["stage"])
        for name, player in self.gan.players.items():
            player.net.load_state_dict(state["nets"][name])
        for name, net in self.averages.items():
            net.load_state_dict(state["averages"][name])
        for name, optimiser in self._optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        for name, module in self.gan.state.items():
            module.load_state_dict(state["memory"][name])
        self._rates = state["rates"]
        self.random.set_state(state["random"])
        torch.set_rng_state(state["torch_random"])
        if state["cuda_random"]:
            torch.cuda.set_rng_state_all(state["cuda_random"])
        self.batches.load_state_dict(state["batches"])
        self.first_bad_step.copy_(state["first_bad_step"])
        self.updates = dict(state["updates"])
        self.now = replace(self.now, **state["now"])

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
        """One optimiser step on one batch, in one part or several. Only the moving player carries gradients.

        Gradients of parts are averaged, so that they are those of the whole batch but for what a network or a loss computes
        across images: batch norm and the like see one part at a time.
        """
        mover = update.player
        optimiser = self._optimisers[mover]
        self._let_only(mover)
        contexts = (Context(self._nets, draw, mover, now, self.random, update.differentiates) for draw in draws)
        turns = map(stage.turn, contexts)
        for _ in draws[1:]:
            self._differentiate(update, next(turns), now, share=1 / len(draws))
        turn = next(turns)
        terms = self._differentiate(update, turn, now, share=1 / len(draws))
        self._set_rate(mover, optimiser, now)
        optimiser.step()
        seen = _diagnose(mover, terms, turn, self._parameters[mover]) if diagnose else {}
        optimiser.zero_grad(set_to_none=True)
        if update.then:
            with torch.no_grad():
                for act in update.then:
                    act(turn)
        self.updates[mover] += 1
        return seen

    def _differentiate(self, update: Update, turn: Turn, now: Now, share: float) -> dict[str, Tensor]:
        """Add a part's share to the mover's gradients."""
        with self.execution.autocast():
            terms = {name: loss(turn) for name, loss in update.losses.items()}
            total = _total(list(terms.values()), update.every * share)
        total.backward()
        self._remember_first_bad(total.detach(), now.step)
        return terms

    def _enter(self, stage: int) -> None:
        """Begin a stage: optimisers start afresh."""
        if self.execution.compiled:
            torch.compiler.reset()  # graphs of earlier stages and trainings count towards dynamo's limit
        movers = {update.player for update in self.gan.schedule[stage].updates}
        self._optimisers = {name: self.gan.players[name].optimiser(self._parameters[name]) for name in sorted(movers)}
        self._rates = {name: [g["lr"] for g in o.param_groups] for name, o in self._optimisers.items()}
        self.now = replace(self.now, stage=stage, stage_fraction=0.0)

    def _stage_ends(self) -> list[int]:
        shares = [stage.share for stage in self.gan.schedule]
        return [round(self.budget * sum(shares[: index + 1]) / sum(shares)) for index in range(len(shares))]

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
            for group, base in zip(optimiser.param_groups, self._rates[name], strict=True):
                group["lr"] = base * rate(now.fraction)


def _total(terms: list[Tensor], factor: float) -> Tensor:
    """The terms' sum times a factor, without a kernel that does nothing."""
    total = terms[0].float() if len(terms) == 1 else torch.stack([term.float() for term in terms]).sum()
    return total if factor == 1 else total * factor


def draws(stage: Stage) -> int:
    """Batches that one iteration of a stage draws."""
    return max(update.repeat for update in stage.updates)


def _trainable(net: nn.Module) -> list[nn.Parameter]:
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def _diagnose(mover: str, terms: Mapping[str, Tensor], turn: Turn, parameters: list[nn.Parameter]) -> dict[str, Tensor]:
    """Losses, the gradient's norm, and what the turn says about itself. Nothing is computed again."""
    seen = {f"{mover}/{name}": term.detach().float() for name, term in terms.items()}
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    seen[f"{mover}/gradient_norm"] = torch.nn.utils.get_total_norm(gradients)
    return seen | {f"{mover}/{name}": value.detach() for name, value in turn.diagnostics().items()}
