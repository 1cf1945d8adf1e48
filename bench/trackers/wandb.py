"""Weights & Biases. Without a key or WANDB_MODE it writes below the tracking folder only: `wandb sync FOLDER` uploads it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.records.record import Record
from bench.trackers.tracker import TrackedRun

PROJECT = "gan-bench"


class WandB:
    """One run for each run, over real images drawn. WANDB_PROJECT, WANDB_ENTITY and the like mean what they usually mean."""

    def __init__(self, folder: Path):
        try:
            import wandb
        except ImportError as error:
            raise UserError("tracker 'wandb' needs wandb. Install it: pip install 'gan-bench[wandb]'.") from error
        self._wandb = wandb
        self._folder = folder
        self._run: Any = None

    def start(self, run: TrackedRun) -> None:
        """Grouped by member, so that seeds lie together."""
        online = "WANDB_API_KEY" in os.environ or "WANDB_MODE" in os.environ
        self._run = self._wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            id=run.id,
            name=run.name,
            group=run.member,
            tags=[run.suite],
            config=dict(run.config),
            dir=str(self._folder),
            resume="allow",
            reinit="create_new",
            mode=None if online else "offline",
            settings=self._wandb.Settings(console="off", silent=True),
        )
        self._run.define_metric("images")
        self._run.define_metric("*", step_metric="images")

    def log(self, images: int, values: Mapping[str, float]) -> None:
        """Numbers over images."""
        self._run.log({"images": images, **values})

    def picture(self, images: int, name: str, path: Path) -> None:
        """The file itself."""
        self._run.log({"images": images, name: self._wandb.Image(str(path))})

    def finish(self, record: Record | None) -> None:
        """The status in the summary. An interrupted run stays open to be resumed."""
        if record is not None:
            self._run.summary["status"] = record.status
        self._run.finish(exit_code=0 if record is None or record.status in ("ok", "diverged") else 1)
