"""Training a member, step by step or at once, and images of a trained one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from bench.api.images import Images, Range, image_set
from bench.errors import UserError
from bench.records.grid import COLUMNS
from bench.records.record import Record
from bench.runs import trained_model
from bench.runs.experiment import Experiment, Job, prefer, prepare
from bench.runs.progress import Progress
from bench.runs.run import FAILURES, Finished, execute, latest
from bench.runs.run import check as check_before
from bench.suites import suite as suites
from bench.training.execution import Execution, device_of
from bench.training.sampling import labelled, tile


@dataclass
class Training:
    """One job of a suite: iterate over it to train, or call `finish`. It can be left and begun again at any point."""

    experiment: Experiment = field(repr=False)
    job: Job
    checkpoint_seconds: float = 60.0

    @property
    def record(self) -> Record | None:
        """The record, once there is one."""
        return latest(self.experiment, self.job)

    def __iter__(self) -> Iterator[Progress]:
        """Train, and yield how far it is; at once at its end where there is a record already.

        Raises UserError for what the caller can fix before any training, and when another process is training this job.
        A training that fails ends the iteration: its record says why.
        """
        if self.record is not None:
            return
        check_before(self.experiment, [self.job])
        for event in execute(self.experiment, [self.job], checkpoint_seconds=self.checkpoint_seconds):
            if isinstance(event, Progress):
                yield event
            elif not isinstance(event, Finished) and event.state == "running":
                raise UserError(f"{self.job.member.name}, seed {self.job.seed}: {event.reason}.")

    def finish(self, bar: bool = True) -> Record:
        """Train to the end with a progress bar, on a terminal and in a notebook; returns the record.

        Raises UserError when the run failed; a run that diverged is a result and is returned.
        """
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Bar(*columns, disable=not bar) as shown:
            task = shown.add_task(f"{self.job.member.name}, seed {self.job.seed}", total=1.0)
            for step in self:
                shown.update(task, completed=step.share)
            shown.update(task, completed=1.0)
        found = self.record
        assert found is not None
        if found.status in FAILURES:
            reason = f"{found.failure.type}: {found.failure.message}" if found.failure else found.status
            raise UserError(
                f"{self.job.member.name}, seed {self.job.seed} failed: {reason}. Its record: {found.file_name}."
            )
        return found


def train(
    member: str,
    suite: str | Path,
    *,
    seed: int = 0,
    results: str | Path = "results",
    device: str = "auto",
    data_root: Path | None = None,
    checkpoint_seconds: float = 60.0,
) -> Training:
    """Prepare one run; it trains while it is iterated over, or at once by ``.finish()``.

    Args:
        member: A registered name, with parameters if wanted ("dcgan(lr=1e-4)"), or "module:function".
        suite: A shipped suite, or a .toml file of one's own.
        seed: Of the training.
        results: Where the record goes, as that of `bench run` does: a run that has its record is not run again.
        device: cpu, cuda, cuda:1, mps, or auto.
        data_root: A torchvision-style root that is looked at before anything is downloaded.
        checkpoint_seconds: Between checkpoints, from which an interrupted run goes on.

    Raises:
        UserError: An unknown suite or member, no data, or a folder that cannot be written.
    """
    asked, execution = prefer(suites.load(str(suite), Path(results)), Execution(device_of(device)))
    experiment = prepare(asked, Path(results), execution, data_root)
    (job,) = experiment.jobs([member], [seed])
    return Training(experiment, job, checkpoint_seconds)


def sample(
    trained: Record | str | Path,
    n: int = 64,
    *,
    seed: int = 0,
    labels: Sequence[int] | None = None,
    truncation: float = 1.0,
    checkpoint: trained_model.Which = "last",
    device: str = "auto",
) -> np.ndarray:
    """Images of a trained member, (n, C, H, W) uint8. The same seed gives the same images.

    Args:
        trained: A record, its file, or a checkpoint (.pt).
        n: How many.
        seed: Of the latents.
        labels: (n,) classes, for members that are conditional. None: the classes in turn.
        truncation: Below 1: less variety, for members that have it; in [0, 1].
        checkpoint: Of a record: "last", where the budget ended, or "best".
        device: Where they are made.

    Raises:
        UserError: There is no checkpoint, the member's code has changed, or it has nothing to start from.
    """
    if n < 1:
        raise UserError(f"n {n}: give 1 or more images.")
    execution = Execution(device_of(device))
    model = trained_model.load(Path(trained) if isinstance(trained, str) else trained, checkpoint, execution.device)
    asked = model.request(n, seed, truncation)
    if labels is not None:
        asked = labelled(asked, _classes(labels, n, model.spec.classes), truncation)
    return model.sample(asked, execution).numpy()


def grid(images: Images, columns: int = COLUMNS, *, scale: int = 1, value_range: Range | None = None) -> Image.Image:
    """Images as one picture, which notebooks show; `scale` makes every pixel that many pixels wide."""
    if scale < 1 or columns < 1:
        raise UserError(f"scale {scale}, columns {columns}: give 1 or more.")
    pixels = torch.from_numpy(image_set(images, "images", value_range).images)
    found = tile(pixels, min(columns, len(pixels))).permute(1, 2, 0).numpy()
    picture = Image.fromarray(found[..., 0] if found.shape[-1] == 1 else found)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def _classes(labels: Any, n: int, classes: int) -> torch.Tensor:
    found = torch.as_tensor(labels)
    if found.shape != (n,) or found.is_floating_point() or not ((found >= 0) & (found < classes)).all():
        raise UserError(f"labels: {n} whole numbers from 0 to {classes - 1} were expected, one per image.")
    return found.long()
