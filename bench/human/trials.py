"""Which questions a study asks, in which order and on which side: all from its seed."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from bench.errors import UserError
from bench.human.study import NOISE, REAL, Mode, Trial


def planned(mode: Mode, counts: Mapping[str, int], trials: int, catch: float, seed: int) -> tuple[Trial, ...]:
    """The trials of a study.

    Every picture is shown once. In mode "real" half of the trials show real pictures, the others those of the members in
    equal shares; in mode "pair" each pair of members meets equally often, each of the two as often left as right.
    `catch` more for every trial, at least one unless it is 0, show noise: anyone who looks gets them right.

    Args:
        mode: Real or generated; or which of two.
        counts: Pictures that there are of each member, and of "real".
        trials: Without catch trials, at least; rounded up to equal shares.
        catch: A share, 0 to 1.
        seed: Of the order, the sides and the pictures.

    Raises:
        UserError: Too few members or pictures.
    """
    random = np.random.default_rng(seed)
    members = [name for name in counts if name != REAL]
    found = _real(members, trials) if mode == "real" else _pairs(members, trials, random)
    catches = 0 if catch == 0 else max(1, round(catch * len(found)))
    beside = REAL if REAL in counts else members[0]
    found += [_catch(mode, beside, left=index % 2 == 0) for index in range(catches)]
    order = random.permutation(len(found))
    return _with_pictures([found[index] for index in order], counts, random)


def _real(members: Sequence[str], trials: int) -> list[Trial]:
    each = -(-trials // (2 * len(members)))
    fakes = [Trial(shown=(name,), images=(), right_answer="generated") for name in members for _ in range(each)]
    return fakes + [Trial(shown=(REAL,), images=(), right_answer="real") for _ in fakes]


def _pairs(members: Sequence[str], trials: int, random: np.random.Generator) -> list[Trial]:
    pairs = list(combinations(members, 2))
    if not pairs:
        raise UserError("a comparison needs two members at least. Give another, or give --ask real.")
    each = -(-trials // len(pairs))
    found: list[Trial] = []
    for first, second in pairs:
        swapped = np.arange(each) % 2 == random.integers(2)  # half of them, whichever half
        found += [Trial(shown=(second, first) if swap else (first, second), images=()) for swap in swapped]
    return found


def _catch(mode: Mode, beside: str, left: bool) -> Trial:
    if mode == "real":
        return Trial(shown=(NOISE,), images=(), right_answer="generated", catch=True)
    shown = (beside, NOISE) if left else (NOISE, beside)
    return Trial(shown=shown, images=(), right_answer="left" if left else "right", catch=True)


def _with_pictures(
    trials: Sequence[Trial], counts: Mapping[str, int], random: np.random.Generator
) -> tuple[Trial, ...]:
    """Every trial with pictures of its own."""
    needed = [name for trial in trials for name in trial.shown]
    for name, count in counts.items():
        if (wanted := needed.count(name)) > count:
            raise UserError(
                f"{name}: the study shows {wanted} pictures of it, and there are {count}. Give more, or --trials fewer."
            )
    orders = {name: iter(random.permutation(count).tolist()) for name, count in counts.items()}
    noise = iter(range(len(needed)))
    return tuple(
        trial.model_copy(update={"images": tuple(next(orders.get(name, noise)) for name in trial.shown)})
        for trial in trials
    )
