"""Numerical solvers of ordinary differential equations dx/dt = f(x, t), with the times of all steps given beforehand."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor

Field = Callable[[Tensor, Tensor], Tensor]  # x (N, ...), times (N,) -> dx/dt, of the shape of x


def euler(field: Field, start: Tensor, times: Sequence[float]) -> Tensor:
    """Euler's steps from the first time to the last, one pass each: the error falls with the step's size."""
    state = start
    for now, then in pairwise(times):
        state = state + (then - now) * field(state, everywhere(state, now))
    return state


def heun(field: Field, start: Tensor, times: Sequence[float], *, singular_end: bool = False) -> Tensor:
    """Heun's steps, two passes each: the error falls with the square of the step's size.

    Where the field has no value at the last time (`singular_end`), the last step is Euler's, of one pass.
    """
    state = start
    for index, (now, then) in enumerate(pairwise(times), start=2):
        slope = field(state, everywhere(state, now))
        there = state + (then - now) * slope
        if not (singular_end and index == len(times)):
            there = state + (then - now) * (slope + field(there, everywhere(there, then))) / 2
        state = there
    return state


def everywhere(states: Tensor, time: float) -> Tensor:
    """The same time for every state, (N,)."""
    return torch.full((states.shape[0],), time, device=states.device)
