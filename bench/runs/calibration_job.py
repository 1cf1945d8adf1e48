"""A job that needs no training: images that are made, not generated, scored by the same protocol."""

from collections.abc import Iterator

import numpy as np
import torch

from bench.features.sample import Sample
from bench.metrics.measure import Pairs, measure
from bench.records import record as records
from bench.records.grid import COLUMNS
from bench.records.record import Artifact, Record, Score, now_in_utc
from bench.runs.calibration import calibration, labels, targets
from bench.runs.experiment import Experiment, Job
from bench.runs.gallery.image_files import write_grid
from bench.runs.outcome import about, plugin_metrics, rounded, score_of, untrained
from bench.runs.state import Stopwatch

GRID_SEED = 0
OF_THE_DATA = ("real", "copycat")  # made of the data set's own images, which are kept only where that is allowed


def run(experiment: Experiment, job: Job, attempt: int) -> Iterator[Record]:
    """Make the images of every sample seed, score them, and give the record."""
    started, seconds = now_in_utc(), {"train": 0.0}
    with Stopwatch(experiment.execution.device, seconds, "evaluate"):
        scores = [
            score for seed in experiment.suite.evaluation.sample_seeds for score in _scores(experiment, job, seed)
        ]
        hidden = job.member.name in OF_THE_DATA and not experiment.shows_data
        artifacts = () if hidden else (_grid(experiment, job, attempt),)
    yield Record(
        **about(experiment, job, "unconditional"),
        attempt=attempt,
        status="ok",
        **untrained(),
        seconds=rounded(seconds),
        scores=tuple(scores),
        plugin_metrics=plugin_metrics(scores),
        artifacts=artifacts,
        started=started,
    )


def _scores(experiment: Experiment, job: Job, seed: int) -> list[Score]:
    evaluation = experiment.suite.evaluation
    images = calibration(job.member.name)(experiment.dataset, evaluation.samples, seed)
    classes = labels(job.member.name, experiment.dataset, evaluation.samples, seed)
    fake = Sample.of(images, classes, name=f"images of {job.member.name}")
    real = experiment.real
    wanted = targets(job.member.name, experiment.dataset, images)
    pairs = Pairs(fake, Sample.of(wanted, name=f"targets of {job.member.name}"))
    found = measure(experiment.rules.metrics, real.train, real.held_out, fake, experiment.rules.extractor, pairs=pairs)
    return [score_of(item, "last", seed) for item in found]


def _grid(experiment: Experiment, job: Job, attempt: int) -> Artifact:
    images = calibration(job.member.name)(experiment.dataset, COLUMNS * COLUMNS, GRID_SEED)
    name = f"{records.file_stem(job.seed, job.digest, attempt)}-grid-0.png"
    sha256 = write_grid(torch.from_numpy(np.ascontiguousarray(images)), experiment.files.folder(job) / name, COLUMNS)
    return Artifact(kind="grid", path=name, sha256=sha256, images=0)
