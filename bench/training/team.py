"""The processes that train one job together: one leads, the others do what it says. A process alone is a team of one."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor

from bench.errors import UserError

PATIENCE = timedelta(days=7)  # a follower waits while the leader evaluates; that a process died is noticed at once

Word = Literal["step", "state", "load", "end"]
WORDS: tuple[Word, ...] = ("step", "state", "load", "end")


class TeamError(Exception):
    """Another process of the team is gone."""


@dataclass(frozen=True)
class Team:
    """Which of how many processes this one is."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process decides, evaluates and writes."""
        return self.rank == 0

    def gather(self, mine: Tensor) -> list[Tensor]:
        """Every process's tensor, of one shape and type, in the order of the ranks; the same bits everywhere."""
        if self.size == 1:
            return [mine]
        every = [torch.empty_like(mine) for _ in range(self.size)]
        with _together():
            dist.all_gather(every, mine)
        return every

    def collect(self, mine: Any) -> list[Any]:
        """Every process's value, in the order of the ranks. Values travel as pickles, between processes of one command."""
        if self.size == 1:
            return [mine]
        every: list[Any] = [None] * self.size
        with _together():
            dist.all_gather_object(every, mine)
        return every

    def tell(self, word: Word) -> None:
        """The leader's next instruction, to all others."""
        if self.size > 1:
            with _together():
                dist.broadcast(torch.tensor(WORDS.index(word)), src=0)

    def hear(self) -> Word:
        """The leader's next instruction, once it is given."""
        said = torch.zeros((), dtype=torch.int64)
        with _together():
            dist.broadcast(said, src=0)
        return WORDS[int(said)]

    def share(self, value: Any = None) -> Any:
        """The leader's value, everywhere."""
        if self.size == 1:
            return value
        held = [value]
        with _together():
            dist.broadcast_object_list(held, src=0)
        return held[0]


@contextmanager
def _together() -> Iterator[None]:
    """Around what all processes do at once. The backends say in many ways that one of them is gone."""
    try:
        yield
    except RuntimeError as error:
        raise TeamError("a process of the team ended without a word") from error


def device_here(name: str) -> str:
    """A process of a team on CUDA has the device of its place on its machine."""
    place = os.environ.get("LOCAL_RANK")
    wants_cuda = name == "cuda" or (name == "auto" and torch.cuda.is_available())
    return f"cuda:{place}" if place and wants_cuda else name


def sum_of(parts: Sequence[Tensor]) -> Tensor:
    """The sum as a balanced tree, ((a + b) + (c + d)): which processes hold which neighbours never changes its rounding.

    Their number must be a power of two.
    """
    rows = list(parts)
    while len(rows) > 1:
        rows = [left + right for left, right in zip(rows[::2], rows[1::2], strict=True)]
    return rows[0]


def join(rank: int, size: int, device: torch.device) -> Team:
    """Become one of `size` processes, at the address that the environment names (MASTER_ADDR, MASTER_PORT).

    Tensors on a CUDA device travel by NCCL, all others by gloo. Raises UserError where the others are not reached.
    """
    if size == 1:
        return Team()
    backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
    try:
        dist.init_process_group(backend, rank=rank, world_size=size, timeout=PATIENCE)
    except (ValueError, RuntimeError, OSError) as error:
        raise UserError(
            f"process {rank} of {size} does not reach the others: {str(error).splitlines()[0]} Start all of them by one "
            "command: bench run --devices N, or torchrun --nproc-per-node=N -m bench run."
        ) from None
    return Team(rank, size)
