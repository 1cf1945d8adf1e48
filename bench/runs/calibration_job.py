"""A cell that needs no training: images that are made, not generated, scored by the same protocol."""

from collections.abc import Iterator

import numpy as np
import torch

from bench.features.sample import Sample
from bench.metrics.measure import measure
from bench.records import record as records
from bench.records.grid import COLUMNS
from bench.records.record import Artifact, Record, Score, now_in_utc
from bench.runs.calibration import calibration
from bench.runs.experiment import Cell, Setting
from bench.runs.gallery.image_files import write_grid
from bench.runs.outcome import Outcome, compose, score_of
from bench.runs.state import Stopwatch

GRID_SEED = 0
DO_NOT_SHOW = ("real", "copycat")  # pictures of the data set itself stay out of the results


def run(setting: Setting, cell: Cell, attempt: int) -> Iterator[Record]:
    """Make the images of every sample seed, score them, and give the record."""
    started, seconds = now_in_utc(), {"train": 0.0}
    with Stopwatch(setting.execution.device, seconds, "evaluate"):
        scores = [score for seed in setting.suite.evaluation.sample_seeds for score in _scores(setting, cell, seed)]
        artifacts = () if cell.member.name in DO_NOT_SHOW else (_grid(setting, cell, attempt),)
    yield compose(
        setting,
        cell,
        Outcome("ok", "unconditional", attempt, started, seconds, tuple(scores), artifacts),
    )


def _scores(setting: Setting, cell: Cell, seed: int) -> list[Score]:
    evaluation = setting.suite.evaluation
    images = calibration(cell.member.name)(setting.dataset, evaluation.samples, seed)
    fake = Sample.of(images, name=f"images of {cell.member.name}")
    found = measure(setting.metrics, setting.train, setting.held_out, fake, setting.extractor)
    return [score_of(item, "last", seed) for item in found]


def _grid(setting: Setting, cell: Cell, attempt: int) -> Artifact:
    images = calibration(cell.member.name)(setting.dataset, COLUMNS * COLUMNS, GRID_SEED)
    name = f"{records.file_stem(cell.seed, cell.job, attempt)}-grid-0.png"
    sha256 = write_grid(torch.from_numpy(np.ascontiguousarray(images)), setting.folder(cell) / name, COLUMNS)
    return Artifact(kind="grid", path=name, sha256=sha256, images=0)
