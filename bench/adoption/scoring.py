"""A sampler scored by a suite's rules without a training, and the files that go beside its record."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from bench.features.sample import Sample
from bench.gan import GAN
from bench.records import record as records
from bench.records.grid import COLUMNS
from bench.records.parts import Artifact, Score
from bench.records.record import Record, now_in_utc
from bench.runs.evaluation import Activity, Evaluator
from bench.runs.experiment import Experiment, Job
from bench.runs.gallery import image_files
from bench.runs.gallery.exhibit import ArtifactFile, picture
from bench.runs.outcome import about, plugin_metrics, rounded, untrained
from bench.runs.state import Stopwatch

Result = TypeVar("Result")


def finished(work: Generator[Activity, None, Result]) -> Result:
    """The result of long work, whose progress nobody watches."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


@dataclass(frozen=True)
class Scored:
    """What a suite says of a sampler."""

    samples: Mapping[int, Sample]  # sample seed -> sample
    scores: tuple[Score, ...]
    seconds: float
    started: str


def scored(evaluator: Evaluator, given: Mapping[int, Sample] | None = None) -> Scored:
    """Every metric of the suite for a sample of each of its sample seeds, or for those given."""
    started, seconds = now_in_utc(), {"evaluate": 0.0}
    seeds = evaluator.experiment.suite.evaluation.sample_seeds
    with Stopwatch(evaluator.experiment.execution.device, seconds, "evaluate"), torch.random.fork_rng():
        found = given or {seed: finished(evaluator.sample({}, seed)) for seed in seeds}
        scores = [score for seed, fake in found.items() for score in finished(evaluator.scores({}, fake, "last", seed))]
    return Scored(found, tuple(scores), seconds["evaluate"], started)


def record(experiment: Experiment, job: Job, gan: GAN, scored: Scored, **origin: Any) -> Record:
    """The record of a sampler that was not trained here, with its files written; `origin` are fields that say where it is from."""
    fields = about(experiment, job, gan.task) | origin
    return Record(
        **fields,
        status="ok",
        **untrained(),
        seconds=rounded({"train": 0.0, "evaluate": scored.seconds}),
        scores=scored.scores,
        plugin_metrics=plugin_metrics(scored.scores),
        artifacts=files(experiment, job, gan, scored.samples),
        started=scored.started,
    )


def files(experiment: Experiment, job: Job, gan: GAN, found: Mapping[int, Sample]) -> tuple[Artifact, ...]:
    """A grid and every exhibit, written where the record goes."""
    evaluator = Evaluator(experiment, gan, job.member.name)
    first = next(iter(found.values()))
    grid = evaluator.grid({}) if gan.latents else picture("grid", torch.as_tensor(first.images[: COLUMNS**2]), COLUMNS)
    return tuple(_written(experiment, job, [grid, *evaluator.exhibits({}, first)]))


def _written(experiment: Experiment, job: Job, made: Iterable[ArtifactFile]) -> Iterable[Artifact]:
    for one in made:
        if one.status != "kept":
            yield Artifact(kind=one.kind, images=0, status=one.status, reason=one.reason)
            continue
        name = f"{records.file_stem(job.seed, job.digest)}-{one.kind}-0{one.suffix}"
        sha256 = image_files.write(experiment.files.folder(job) / name, one.content)
        yield Artifact(kind=one.kind, path=name, sha256=sha256, images=0, note=one.note)
