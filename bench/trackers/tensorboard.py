"""TensorBoard event files, a folder for each run: `tensorboard --logdir tracking/tensorboard`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from bench.errors import UserError
from bench.records.record import Record
from bench.trackers.tracker import TrackedRun

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter


class TensorBoard:
    """Numbers as scalars, pictures as images, both over real images drawn; the configuration as a table in text."""

    def __init__(self, folder: Path):
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError as error:
            raise UserError(
                "tracker 'tensorboard' needs tensorboard. Install it: pip install 'gan-bench[tensorboard]'."
            ) from error
        self._writer_of = SummaryWriter
        self._folder = folder
        self._run: TrackedRun | None = None
        self._open: SummaryWriter | None = None

    def start(self, run: TrackedRun) -> None:
        """Its folder is SUITE/MEMBER/SEED-JOB."""
        self._run, self._open = run, None

    def log(self, images: int, values: Mapping[str, float]) -> None:
        """What an interrupted run has written beyond these images is taken back: it is trained again."""
        writer = self._writer(images)
        for name, value in values.items():
            writer.add_scalar(name, value, images)

    def picture(self, images: int, name: str, path: Path) -> None:
        """As it is on disk."""
        with Image.open(path, formats=("PNG",)) as picture:
            self._writer(images).add_image(name, np.asarray(picture.convert("RGB")), images, dataformats="HWC")

    def finish(self, record: Record | None) -> None:
        """How it ended, in text."""
        writer = self._writer(record.images_seen if record else 0)
        if record is not None:
            writer.add_text("status", record.status, record.images_seen)
        writer.close()
        self._open = None

    def _writer(self, images: int) -> "SummaryWriter":
        """The run's writer, opened when it is known how far the run has come."""
        if self._open is None:
            run = self._run
            assert run is not None
            folder = self._folder / run.suite / run.member / run.id.removeprefix(f"{run.suite}-")
            self._open = self._writer_of(str(folder), purge_step=images)
            rows = "\n".join(f"| {name} | {value} |" for name, value in run.config.items())
            self._open.add_text("configuration", f"| setting | value |\n| --- | --- |\n{rows}", 0)
        return self._open
