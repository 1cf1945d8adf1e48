"""What a suite will cost before it starts: a few timed steps of each member, scaled to the budget."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bench.runs.experiment import Experiment, Job
from bench.runs.layout import in_working_layout
from bench.runs.run import FAILURES, status
from bench.runs.starting import start_training
from bench.training.environment import synchronise
from bench.training.loop import Training
from bench.training.sampling import CHUNK, generate, request

WARM_UP = 2
TIMED = 4


@dataclass(frozen=True)
class CostEstimate:
    """A job, how it stands, and how long it would take from its start."""

    job: Job
    state: str  # "done", "to do", "failed"
    seconds: float | None  # for a job that is to do or failed


def plan(experiment: Experiment, jobs: Sequence[Job]) -> list[CostEstimate]:
    """Every job with its state; one estimate per member that has something to do."""
    seconds: dict[str, float] = {}
    plans: list[CostEstimate] = []
    for job in jobs:
        ended = status(experiment, job)
        state = "to do" if ended is None else "failed" if ended in FAILURES else "done"
        if state != "done" and job.member.name not in seconds:
            seconds[job.member.name] = estimate(experiment, job) if job.trains else 0.0
        plans.append(CostEstimate(job, state, seconds.get(job.member.name) if state != "done" else None))
    return plans


def estimate(experiment: Experiment, job: Job) -> float:
    """Seconds of training and generation for one job, from a few timed iterations on this machine."""
    experiment = in_working_layout(experiment, job)
    suite, device, budget = experiment.suite, experiment.execution.device, experiment.budget(job)
    with torch.random.fork_rng():
        training = start_training(experiment, job)
        per_image = _seconds_per_image(training, device)
        asked = request(training.gan, experiment.dataset, CHUNK, 0)
        start = time.perf_counter()
        generate(training.gan, training.sampling_nets(), asked, experiment.spec, experiment.execution)
        per_sample = (time.perf_counter() - start) / CHUNK
    points = budget.images // suite.evaluation.every
    reported = 2 * len(suite.evaluation.sample_seeds) * suite.evaluation.samples
    return per_image * budget.images + per_sample * (points * suite.evaluation.curve_samples + reported)


def _seconds_per_image(training: Training, device: torch.device) -> float:
    """Timed over whole iterations after a warm-up."""
    start, images = 0.0, 0
    for step in training.steps():
        if step.now.step == WARM_UP:
            synchronise(device)
            start, images = time.perf_counter(), step.now.images
        if step.now.step == WARM_UP + TIMED:
            break
    synchronise(device)
    return (time.perf_counter() - start) / max(training.now.images - images, 1)
