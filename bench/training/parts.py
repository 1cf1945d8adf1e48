"""A batch in parts that are differentiated apart: one after the other, or by several processes at once.

Every part has random numbers of its own, and sums over parts are a fixed tree, so that the numbers do not depend on how many
processes share the parts. Nothing below looks across parts, so batch norm, minibatch statistics and relativistic
pairs see one part each; what a network or a loss remembers is averaged over the parts after each update.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor, nn

from bench.gan import GAN, Batch, Draw, Turn
from bench.training.execution import Execution
from bench.training.team import Team, sum_of

Terms = dict[str, Tensor]
Differentiate = Callable[
    [int, torch.Generator], tuple[Turn, Terms]
]  # a part's index and random numbers -> its gradients


class Parts:
    """The parts of every batch that this process differentiates, and what is theirs.

    Buffers: all parts of an update begin with the same ones. Those of floating point are then averaged over the parts; others,
    counts such as batch norm's, are the same in every part. A module of `GAN.state` with a buffer of whole numbers, such as a
    pool's fill level, holds things that cannot be averaged: every part keeps a memory of its own.
    """

    def __init__(self, gan: GAN, execution: Execution, seed: int, team: Team):
        self.count, self.team, self.device = execution.parts, team, execution.device
        share = self.count // team.size
        self.mine = range(team.rank * share, (team.rank + 1) * share)
        seeds = [_seed_of(seed, part) for part in range(self.count)]
        self.randoms = {part: torch.Generator(self.device).manual_seed(seeds[part]) for part in self.mine}
        self.globals = {part: _global_states_after(seeds[part], self.device) for part in self.mine}
        nets = [player.net for player in gan.players.values()]
        self._shared = _Buffers([*nets, *(module for module in gan.state.values() if _can_be_averaged(module))])
        self._own = _Buffers([module for module in gan.state.values() if not _can_be_averaged(module)])
        self._memories = {part: self._own.copies() for part in self.mine}

    def differentiate(
        self, parameters: Sequence[nn.Parameter], differentiate: Differentiate
    ) -> tuple[list[Turn], Terms]:
        """The mean of all parts' gradients, in `parameters`; the turns of this process, and the mean of each term."""
        start = self._shared.values()
        turns: list[Turn] = []
        terms: Terms = {}
        gradients: list[Tensor] = []
        buffers: list[Tensor] = []
        reached = torch.zeros(len(parameters), dtype=torch.bool)
        for part in self.mine:
            self._shared.put([value.clone() for value in start])
            with self._of(part):
                turn, terms = differentiate(part, self.randoms[part])
            turns.append(turn)
            reached |= torch.tensor([parameter.grad is not None for parameter in parameters])
            gradients.append(_row([*terms.values(), *map(_gradient, parameters)]))
            buffers.append(_row(_floating(self._shared.values())))
            for parameter in parameters:
                parameter.grad = None
        self._own.put(self._memories[self.mine[0]])  # what is saved does not depend on who had the last part
        _spread(self.mean(buffers), _floating(self._shared.values()))
        means = self.mean(gradients)
        values, of_parameters = means[: len(terms)], means[len(terms) :]
        for parameter in _reached(parameters, self.team.gather(reached)):
            parameter.grad = torch.empty_like(parameter)
        _spread(of_parameters, map(_gradient, parameters))
        return turns, dict(zip(terms, values, strict=True))

    def mean(self, rows: Sequence[Tensor]) -> Tensor:
        """The mean over all parts of all processes, of one tensor for each part of this one."""
        return sum_of(self.team.gather(sum_of(rows))) / self.count

    def state_dict(self) -> dict[str, Any]:
        """What belongs to single parts, of all parts. Every process of the team must ask."""
        mine = {
            part: {
                "random": self.randoms[part].get_state(),
                "globals": self.globals[part],
                "memory": [value.cpu() for value in self._memories[part]],
            }
            for part in self.mine
        }
        every: dict[int, Any] = {}
        for found in self.team.collect(mine):
            every |= found
        return {"count": self.count, "states": [every[part] for part in range(self.count)]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue after `state_dict`, with any number of processes. Raises ValueError for another number of parts."""
        if state["count"] != self.count:
            raise ValueError(f"its batches have {state['count']} parts, expected {self.count}")
        for part in self.mine:
            found = state["states"][part]
            self.randoms[part].set_state(found["random"])
            self.globals[part] = found["globals"]
            for kept, value in zip(self._memories[part], found["memory"], strict=True):
                kept.copy_(value)

    @contextmanager
    def _of(self, part: int) -> Iterator[None]:
        """Inside, torch's random numbers and the memories are the part's."""
        self._own.put(self._memories[part])
        before = _global_states(self.device)
        _set_global_states(self.globals[part], self.device)
        yield
        self.globals[part] = _global_states(self.device)
        _set_global_states(before, self.device)
        self._memories[part] = self._own.values()


class _Buffers:
    """The buffers of some modules by their places: spectral norm puts new tensors there, and graphs keep the old ones."""

    def __init__(self, modules: Sequence[nn.Module]):
        inner = [layer for module in modules for layer in module.modules()]
        self._places = [(layer, name) for layer in inner for name, value in layer._buffers.items() if value is not None]

    def values(self) -> list[Tensor]:
        """What is in their places now."""
        return [layer.get_buffer(name) for layer, name in self._places]

    def copies(self) -> list[Tensor]:
        """The same, in tensors of their own."""
        return [value.clone() for value in self.values()]

    def put(self, values: Sequence[Tensor]) -> None:
        """Other tensors in their places."""
        for (layer, name), value in zip(self._places, values, strict=True):
            setattr(layer, name, value)


class WholeTurn:
    """The turns of all parts as one, for what acts after a step: a Turn's attributes, without graphs.

    A tensor of a row for each image, or for each group of images, has the rows of the whole batch, in order; another tensor is the
    parts' mean; whatever else a turn has is that of the first part. `random` is the same for all processes. All
    processes of the team must ask for the same.
    """

    def __init__(self, turns: Sequence[Turn], parts: Parts, random: torch.Generator):
        self._turns, self._parts, self.random = turns, parts, random
        self._images = len(turns[0].batch.images)

    def __getattr__(self, name: str) -> Any:
        return self._whole([getattr(turn, name) for turn in self._turns])

    def diagnostics(self) -> Mapping[str, Tensor]:
        """The parts' means of what their turns tell."""
        found = [turn.diagnostics() for turn in self._turns]
        if not found[0]:
            return {}
        rows = [torch.stack([value.detach().float() for value in one.values()]) for one in found]
        return dict(zip(found[0], self._parts.mean(rows), strict=True))

    def _whole(self, values: Sequence[Any]) -> Any:
        first = values[0]
        if isinstance(first, Batch | Draw):
            names = [field.name for field in fields(first)]
            return type(first)(*(self._whole([getattr(value, name) for value in values]) for name in names))
        if isinstance(first, dict):
            return _WholeMemo(values, self._whole)
        if not isinstance(first, Tensor):
            return first
        if first.dim() and self._images % len(first) == 0:
            return torch.cat(self._parts.team.gather(torch.cat([value.detach() for value in values])))
        return self._parts.mean([value.detach() for value in values])


class _WholeMemo(dict[str, Tensor]):
    """What draws remember, each thing made whole when it is asked for."""

    def __init__(self, memos: Sequence[Mapping[str, Tensor]], whole: Callable[[Sequence[Tensor]], Tensor]):
        super().__init__(memos[0])
        self._memos, self._make = memos, whole

    def __getitem__(self, name: str) -> Tensor:
        return self._make([memo[name] for memo in self._memos])


def _seed_of(seed: int, part: int) -> int:
    """Parts of neighbouring seeds have nothing in common."""
    return int.from_bytes(sha256(f"{seed}/{part}".encode()).digest()[:7], "big")


def _global_states(device: torch.device) -> list[Tensor]:
    """Of torch's own generators, which initial weights and dropout use."""
    return [torch.get_rng_state(), *([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])]


def _set_global_states(states: Sequence[Tensor], device: torch.device) -> None:
    torch.set_rng_state(states[0])
    if device.type == "cuda" and len(states) > 1:
        torch.cuda.set_rng_state(states[1], device)


def _global_states_after(seed: int, device: torch.device) -> list[Tensor]:
    before = _global_states(device)
    torch.manual_seed(seed)
    states = _global_states(device)
    _set_global_states(before, device)
    return states


def _can_be_averaged(module: nn.Module) -> bool:
    return all(buffer.is_floating_point() for buffer in module.buffers())


def _floating(tensors: Iterable[Tensor]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor.is_floating_point()]


def _row(tensors: Iterable[Tensor]) -> Tensor:
    """All numbers in one row."""
    flat = [tensor.detach().float().flatten() for tensor in tensors]
    return torch.cat(flat) if flat else torch.zeros(0)


def _spread(row: Tensor, targets: Iterable[Tensor]) -> None:
    """The numbers of a row back to where they belong."""
    targets = list(targets)
    for target, values in zip(targets, row.split([target.numel() for target in targets]), strict=True):
        target.data.copy_(values.view_as(target))


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _reached(parameters: Sequence[nn.Parameter], by_process: Sequence[Tensor]) -> Iterator[nn.Parameter]:
    """Those that have a gradient in some part: optimisers pass over the others."""
    for parameter, found in zip(parameters, torch.stack(list(by_process)).any(0).tolist(), strict=True):
        if found:
            yield parameter
