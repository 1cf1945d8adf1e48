"""What carries no noise: parameters, and floating-point operations counted where PyTorch performs them.

How operations are counted: `bench.training.flops`.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

import torch

from bench.errors import UserError
from bench.perf.case import WorkloadSpec
from bench.perf.subjects import Generation, build, spec_of
from bench.training.flops import Counter, of_stage, weighted

BATCH = 4  # that training is counted at: small, and a multiple of what packs and groups of a batch need


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
    each = [_training(plain, stage) for stage in range(len(shares))]
    mean = weighted(shares, each)
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


def _training(case: WorkloadSpec, stage: int) -> Fraction:
    """Per real image."""
    with torch.random.fork_rng(devices=[]):
        return of_stage(build(case), spec_of(case), stage, BATCH)
