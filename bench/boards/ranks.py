"""Ranks that say what is known: the interval of ranks that the evidence allows. Pure functions of scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.boards.statistics import ALPHA, holm, mean, welch_p_matrix

RANK_RULE = (
    "A row's rank is the interval of ranks that the evidence allows: at best 1 + the members proven better, at worst "
    "the number of ranked members minus those proven worse. Rows are ordered by mean."
)
PROOF_RULE = (
    "Proven: Welch's test on the metric's additive scale, Holm-corrected over all pairs of ranked members at 5 %."
)


@dataclass(frozen=True)
class Ranks:
    """The ranks that a row can have; `best` equals `worst` where its place is settled."""

    best: int
    worst: int

    def __str__(self) -> str:
        return str(self.best) if self.best == self.worst else f"{self.best}–{self.worst}"


def rank_intervals(losses: Sequence[Sequence[float]]) -> list[Ranks]:
    """The ranks that each row can have; `losses` are per-seed values on the additive scale, lower is better.

    Every pair is compared by Welch's test, Holm-corrected over all pairs at 5 %. Proofs need not be transitive: a can be
    proven better than b and b than c while nothing is known of a and c. Only what was proven of a row itself moves it.
    """
    first, second = np.triu_indices(len(losses), 1)
    adjusted = holm([float(p) for p in welch_p_matrix(losses)[first, second]])
    centres = [mean(values) for values in losses]
    better, worse = [0] * len(losses), [0] * len(losses)  # members proven better, and worse, than each row
    for i, j, p in zip(first.tolist(), second.tolist(), adjusted, strict=True):
        if p <= ALPHA and centres[i] != centres[j]:
            ahead, behind = (i, j) if centres[i] < centres[j] else (j, i)
            better[behind] += 1
            worse[ahead] += 1
    return [Ranks(1 + over, len(losses) - under) for over, under in zip(better, worse, strict=True)]
