"""Floating-point operations of training, counted where PyTorch performs them.

A multiply-add counts as two. Convolutions and matrix products are counted (formulas of `torch.utils.flop_counter`); pointwise
work, normalisation, optimisers and averages are not. A gradient that is not needed is not computed and not counted, which is what
a frozen critic saves; a pass that two updates share counts once. The numbers depend on shapes alone, so they are the same on
every machine.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cache, partial
from math import lcm
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.errors import UserError
from bench.gan import GAN, ImageSpec
from bench.training.loop import Training
from bench.training.schedule import draws
from bench.training.trial import BATCH_SIZE, MadeUpBatches

ENDLESS = 1 << 50  # images: no count reaches the end of a stage
END = Fraction(1023, 1024)  # of a stage: close to its end, with iterations left
STEP = Fraction(1, 128)  # of a stage: how exactly an instant is found at which its cost changes


class Counter(TorchDispatchMode):
    """Adds up PyTorch's own formulas. (Its `FlopCounterMode` also follows modules, which breaks on gradients of inputs.)"""

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        value = func(*args, **kwargs)
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=value)
        return value


def per_image(build: Callable[[ImageSpec], GAN], spec: ImageSpec, batch_size: int) -> Fraction:
    """FLOPs of training per real image drawn, at a batch size: the mean over the stages, each by its share of the budget.

    Every stage is trained for as many iterations as bring each of its lazy updates round once, in single precision on the CPU,
    at its beginning and at its end; where the two differ, the instants of change are found between them. That is done with two
    small batches, from which the count at `batch_size` follows where it is a constant and a multiple of the batch; a third batch
    shows whether it is. Where it is not, the iterations are made with `batch_size` itself.
    The global random state is left as it was. Raises UserError where nothing is of a kind that is counted.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        shares = [Fraction(stage.share) for stage in build(spec).schedule]
        each = [_stage_per_image(build, spec, stage, batch_size) for stage in range(len(shares))]
    mean = weighted(shares, each)
    if not mean:
        raise UserError("FLOPs: this member trains without a convolution or matrix product that PyTorch counts.")
    return mean


def weighted(shares: Iterable[Fraction], each: Iterable[Fraction]) -> Fraction:
    """The mean of what the stages cost, by their shares."""
    pairs = list(zip(shares, each, strict=True))
    return sum((share * cost for share, cost in pairs), Fraction()) / sum(share for share, _ in pairs)


def _stage_per_image(build: Callable[[ImageSpec], GAN], spec: ImageSpec, stage: int, batch_size: int) -> Fraction:
    """The mean over the stage: what it does may begin or end at some share of the budget."""

    @cache
    def counted(size: int, fraction: Fraction) -> Fraction:
        return of_stage(build(spec), spec, stage, size, fraction)

    def at(fraction: Fraction) -> Fraction:
        return _at_batch(partial(counted, fraction=fraction), least, batch_size)

    least = max(BATCH_SIZE, -(-build(spec).least_batch // BATCH_SIZE) * BATCH_SIZE)
    size = min(least, batch_size)
    if counted(size, Fraction(0)) == counted(size, END):
        return at(Fraction(0))
    return _mean(at, Fraction(0), END) / END


def _at_batch(counted: Callable[[int], Fraction], least: int, batch_size: int) -> Fraction:
    """Per image at a batch size: from three small batches where they lie on a line, else from the batch itself."""
    if batch_size <= 3 * least:
        return counted(batch_size)
    one, two, three = (times * counted(times * least) for times in (1, 2, 3))  # per batch, up to a factor
    if three - two != two - one:
        return counted(batch_size)
    times = Fraction(batch_size, least)
    return (one + (two - one) * (times - 1)) / times


def _mean(of: Callable[[Fraction], Fraction], start: Fraction, end: Fraction) -> Fraction:
    """The integral of a step function, its steps found by halving."""
    first, last = of(start), of(end)
    if first == last or end - start <= STEP:
        return (first + last) / 2 * (end - start)
    middle = (start + end) / 2
    return _mean(of, start, middle) + _mean(of, middle, end)


def of_stage(gan: GAN, spec: ImageSpec, stage: int, batch_size: int, fraction: Fraction = Fraction(0)) -> Fraction:
    """FLOPs per real image drawn at an instant of a stage, lazy updates by their share. Trains the GAN for that."""
    updates = gan.schedule[stage].updates
    iterations = lcm(*(update.every for update in updates))
    training = Training(gan, MadeUpBatches(spec, 0, batch_size), images=ENDLESS, seed=0)
    training.jump(stage, float(fraction))
    steps = training.steps()
    with Counter() as counter:
        for _ in range(iterations):
            next(steps)
    return Fraction(counter.flops, iterations * draws(gan.schedule[stage]) * batch_size)
