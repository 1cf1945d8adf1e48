"""How fast a member is on this machine: timed rounds of its training and of its sampling, kept in the cache.

Times are those of `bench.runs.clock`: wall-clock time of a process that is not stopped.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import torch

from bench.files import digest, write_atomically
from bench.gan import GAN
from bench.paths import home
from bench.runs.clock import running
from bench.runs.experiment import Experiment, Job
from bench.runs.starting import build, training_of
from bench.training.environment import describe, synchronise
from bench.training.loop import Training
from bench.training.sampling import CHUNK, generate, request
from bench.training.schedule import draws

VERSION = 1  # of how rounds are timed; those of another are timed again
WARM_UP = 3  # iterations that are not timed, at least
ROUND = 4  # iterations of a timed round, or a multiple of it
ROUNDS = 4  # of every stage, spread over it: sixteen iterations hold every lazy update of the zoo once
LEAST = 0.4  # seconds of warm-up, and of every round
SAMPLED = 3  # passes of the generator, the first not timed
ENDLESS = 1 << 50  # images: no round reaches the end of a stage


@dataclass(frozen=True)
class Seconds:
    """A time with the spread of the rounds that it was made from."""

    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.mean + other.mean, self.low + other.low, self.high + other.high)

    def __mul__(self, factor: float) -> "Seconds":
        return Seconds(self.mean * factor, self.low * factor, self.high * factor)

    @classmethod
    def of(cls, rounds: Sequence[float]) -> "Seconds":
        """The mean of rounds, between the quickest and the slowest of them."""
        return cls(fmean(rounds), min(rounds), max(rounds))


@dataclass(frozen=True)
class Pace:
    """What a member takes on this machine."""

    training: tuple[Seconds, ...]  # of every stage, per real image drawn
    sampling: Seconds  # per generated image


def pace(experiment: Experiment, job: Job, *, again: bool = False) -> Pace:
    """The member's pace under the suite's batch size: as it was timed before on this machine, else timed now.

    Another source, size, batch, layout, precision, number of threads, processor or version of PyTorch is timed by itself.
    `again` times what is kept, too. The global random state is left as it was.
    """
    path = _path(experiment, job)
    known = None if again else _kept(path)
    if known is None:
        with torch.random.fork_rng():
            known = _timed(experiment, job, build(experiment, job))
        write_atomically(path, json.dumps(asdict(known)).encode())
    return known


def _path(experiment: Experiment, job: Job) -> Path:
    environment = describe(experiment.execution)
    machine = (environment.system, environment.cpu, environment.accelerator, environment.threads)
    versions = (environment.packages.get("torch"), VERSION)
    what = (job.member.call, job.source_digest, asdict(experiment.spec), experiment.budget(job).batch_size)
    how = {name: str(value) for name, value in asdict(experiment.execution).items()}
    return home() / "pace" / f"{digest([what, how, machine, versions])[:32]}.json"


def _kept(path: Path) -> Pace | None:
    """What an earlier process timed; None where there is nothing, or nothing that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Pace(tuple(Seconds(**stage) for stage in found["training"]), Seconds(**found["sampling"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _timed(experiment: Experiment, job: Job, gan: GAN) -> Pace:
    training = training_of(experiment, job, gan, ENDLESS)
    stages = tuple(Seconds.of(_stage(training, stage)) for stage in range(len(gan.schedule)))
    return Pace(stages, Seconds.of(_sampling(experiment, training)))


def _stage(training: Training, stage: int) -> list[float]:
    """Seconds per real image of rounds at evenly spaced instants of a stage."""
    device, per_iteration = training.execution.device, draws(training.gan.schedule[stage]) * training.batches.batch_size
    training.jump(stage, 0.0)
    _iterate(training, WARM_UP, device)
    found: list[float] = []
    for index in range(ROUNDS):
        step = training.now.step
        training.jump(stage, (index + 0.5) / ROUNDS)
        found.append(_iterate(training, ROUND, device) / (training.now.step - step) / per_iteration)
    return found


def _iterate(training: Training, iterations: int, device: torch.device) -> float:
    """Seconds of so many iterations, and of as many again until there is something to time."""
    steps = training.steps()
    synchronise(device)
    start = running()
    while True:
        for _ in range(iterations):
            next(steps)
        synchronise(device)
        if (passed := running() - start) > LEAST:
            return passed


def _sampling(experiment: Experiment, training: Training) -> list[float]:
    """Seconds per image of the networks as they are."""
    gan, nets = training.gan, training.sampling_nets()
    rounds: list[float] = []
    for seed in range(SAMPLED):
        asked = request(gan, experiment.dataset, CHUNK, seed)
        start = running()
        generate(gan, nets, asked, experiment.spec, experiment.execution)
        rounds.append((running() - start) / CHUNK)
    return rounds[1:]
