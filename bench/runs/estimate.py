"""What a suite will cost before it starts: a few timed steps of each member, scaled to the budget."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from bench import members
from bench.data.batches import Batches
from bench.runs.experiment import Cell, Setting
from bench.runs.run import FAILURES, status
from bench.training.environment import synchronise
from bench.training.loop import Training
from bench.training.sampling import CHUNK, generate, request

WARM_UP = 2
TIMED = 4


@dataclass(frozen=True)
class Plan:
    """A cell, how it stands, and how long it would take from its start."""

    cell: Cell
    state: str  # "done", "to do", "failed"
    seconds: float | None  # for a cell that is to do or failed


def plan(setting: Setting, cells: Sequence[Cell]) -> list[Plan]:
    """Every cell with its state; one estimate per member that has something to do."""
    seconds: dict[str, float] = {}
    plans: list[Plan] = []
    for cell in cells:
        ended = status(setting, cell)
        state = "to do" if ended is None else "failed" if ended in FAILURES else "done"
        if state != "done" and cell.member.name not in seconds:
            seconds[cell.member.name] = estimate(setting, cell) if cell.trains else 0.0
        plans.append(Plan(cell, state, seconds.get(cell.member.name) if state != "done" else None))
    return plans


def estimate(setting: Setting, cell: Cell) -> float:
    """Seconds of training and generation for one cell, from a few timed iterations on this machine."""
    suite, device, budget = setting.suite, setting.execution.device, setting.training(cell)
    with torch.random.fork_rng():
        torch.manual_seed(cell.seed)
        gan = members.builder(cell.member)(setting.spec)
        batches = Batches(setting.dataset.train, budget.batch_size, seed=0, device=device)
        training = Training(gan, batches, images=budget.images, seed=0, execution=setting.execution)
        per_image = _seconds_per_image(training, device)
        asked = request(gan, setting.dataset, CHUNK, 0)
        start = time.perf_counter()
        generate(gan, training.sampling_nets(), asked, setting.spec, setting.execution)
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
