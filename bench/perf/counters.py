"""What carries no noise: parameters, and floating-point operations counted where PyTorch performs them.

A multiply-add counts as two. Convolutions and matrix products are counted (formulas of `torch.utils.flop_counter`), pointwise work is
not; a gradient that is not needed is not computed and not counted, which is what a frozen critic saves.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from bench.errors import UserError
from bench.perf.case import WorkloadSpec
from bench.perf.subjects import Generation, TrainingSubject, build

BATCH = 4  # that training is counted at: small, and a multiple of what packs and groups of a batch need


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


@dataclass(frozen=True)
class Counts:
    """The counters of a member at a size."""

    parameters: dict[str, int]  # player -> trainable parameters
    flops_sample: int  # of generating one image
    flops_training_image: (
        float  # per real image drawn, over all updates of an iteration; mean over stages by their share
    )


def count(case: WorkloadSpec) -> Counts:
    """Count a member in eager mode on the CPU. Raises UserError when nothing in it is of a kind that is counted."""
    plain = replace(case, mode="eager", device="cpu")
    gan = build(plain)
    parameters = {
        name: sum(weight.numel() for weight in player.net.parameters() if weight.requires_grad)
        for name, player in gan.players.items()
    }
    shares = [Fraction(stage.share) for stage in gan.schedule]
    each = [_training(replace(plain, what="training", batch=BATCH, stage=stage)) for stage in range(len(shares))]
    mean = sum((share * found for share, found in zip(shares, each, strict=True)), Fraction()) / sum(shares)
    found = Counts(parameters, _sample(replace(plain, what="generation", batch=1)), float(mean))
    if not found.flops_sample:
        raise UserError("FLOPs: this member generates without a convolution or matrix product that PyTorch counts.")
    return found


def _sample(case: WorkloadSpec) -> int:
    """One image in eval mode, as `bench sample` makes it."""
    subject = Generation(case)
    with Counter() as counter:
        subject()
    return counter.flops


def _training(case: WorkloadSpec) -> Fraction:
    """Per real image, over as many iterations as bring every lazy update round once."""
    with torch.random.fork_rng(devices=[]):
        subject = TrainingSubject(case)
        updates = subject.training.gan.schedule[0].updates
        iterations = lcm(*(update.every for update in updates))
        with Counter() as counter:
            for _ in range(iterations):
                subject()
    return Fraction(counter.flops, iterations * subject.images_per_call)
