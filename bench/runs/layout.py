"""The layout of images that a job's networks work on."""

import sys
from dataclasses import replace
from functools import lru_cache

from bench import members
from bench.gan import ImageSpec
from bench.runs.experiment import Experiment, Job
from bench.training.execution import Execution
from bench.training.layout import layout_fault


def in_working_layout(experiment: Experiment, job: Job) -> Experiment:
    """The experiment as it is, or on contiguous images where the member's networks do not work on channels-last ones.

    Says so in one line on standard error. The record's environment names the layout that was used.
    """
    execution = experiment.execution
    if not (execution.channels_last and job.trains):
        return experiment
    fault = _fault(job.member, experiment.spec, execution)
    if fault is None:
        return experiment
    print(f"{job.member.name}: {fault}; contiguous images are used, as with --no-channels-last", file=sys.stderr)
    return replace(experiment, execution=replace(execution, channels_last=False))


@lru_cache  # once for all seeds
def _fault(member: members.Listing, spec: ImageSpec, execution: Execution) -> str | None:
    return layout_fault(lambda _: members.build(member, spec), spec, execution)
