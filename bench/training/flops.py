"""Floating-point operations of training, counted where PyTorch performs them.

A multiply-add counts as two. Convolutions and matrix products are counted (formulas of `torch.utils.flop_counter`); pointwise
work, normalisation, optimisers and averages are not. A gradient that is not needed is not computed and not counted, which is what
a frozen critic saves; a pass that two updates share counts once. The numbers depend on shapes alone, so they are the same on
every machine.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.errors import UserError
from bench.gan import GAN, ImageSpec
from bench.training.loop import Training, draws
from bench.training.trial import BATCH_SIZE, MadeUpBatches

ENDLESS = 1 << 40  # images: no count reaches it


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

    Every stage is trained for as many iterations as bring each of its lazy updates round once, in single precision on the CPU.
    That is done with two small batches, from which the count at `batch_size` follows where it is a constant and a multiple of
    the batch; a third batch shows whether it is. Where it is not, the iterations are made with `batch_size` itself.
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
    least = max(BATCH_SIZE, -(-build(spec).least_batch // BATCH_SIZE) * BATCH_SIZE)

    def counted(size: int) -> tuple[Fraction, int]:
        return of_stage(build(spec), spec, stage, size)

    if batch_size <= 3 * least:
        flops, drawn = counted(batch_size)
        return flops / (drawn * batch_size)
    (one, drawn), (two, _), (three, _) = (counted(times * least) for times in (1, 2, 3))
    if three - two != two - one:
        flops, drawn = counted(batch_size)
        return flops / (drawn * batch_size)
    return (one + (two - one) * (Fraction(batch_size, least) - 1)) / (drawn * batch_size)


def of_stage(gan: GAN, spec: ImageSpec, stage: int, batch_size: int) -> tuple[Fraction, int]:
    """FLOPs of an iteration of one stage, lazy updates by their share, and the batches that it draws. Trains the GAN."""
    alone = replace(gan.schedule[stage], share=1.0)
    iterations = lcm(*(update.every for update in alone.updates))
    batches = MadeUpBatches(spec, 0, batch_size)
    training = Training(replace(gan, schedule=[alone]), batches, images=ENDLESS, seed=0)
    steps = training.steps()
    with Counter() as counter:
        for _ in range(iterations):
            next(steps)
    return Fraction(counter.flops, iterations), draws(alone)
