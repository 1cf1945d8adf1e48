"""A suite to its missing cells, a cell to its record. The same command resumes: what has a record is not run again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from torch import Tensor

from bench import members
from bench.errors import UserError
from bench.features.sample import Sample
from bench.gan import GAN
from bench.metrics.measure import Pairs, require
from bench.records import record as records
from bench.records.record import Record, Status
from bench.runs import calibration_job
from bench.runs.experiment import Cell, Setting
from bench.runs.job import CellRun, Progress
from bench.training.loop import Execution
from bench.training.sampling import generate, request, targets

CHECKPOINT_SECONDS = 60.0
FAILURES: tuple[Status, ...] = ("failed", "out-of-memory")


@dataclass(frozen=True)
class Finished:
    """A cell has its record."""

    cell: Cell
    record: Record
    path: Path


@dataclass(frozen=True)
class Skipped:
    """A cell is not run, and why: it has a record, or another process is running it."""

    cell: Cell
    reason: str


Event = Progress | Finished | Skipped


def status(setting: Setting, cell: Cell) -> Status | None:
    """How the cell's latest attempt ended, or None when it has not been run. Raises UserError for an unsound record."""
    attempts = setting.attempts(cell)
    return records.read(attempts[-1]).status if attempts else None


def todo(setting: Setting, cells: Sequence[Cell], *, retry_failed: bool = False) -> list[Cell]:
    """The cells that have no record yet; with `retry_failed` also those that failed. A diverged run is a result."""
    again = FAILURES if retry_failed else ()
    return [cell for cell in cells if (found := status(setting, cell)) is None or found in again]


def run(
    setting: Setting,
    cells: Sequence[Cell],
    *,
    retry_failed: bool = False,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Iterator[Event]:
    """Run what is missing, one cell after the other, and tell what happens.

    Several processes may do this at once on the same folder: each cell is claimed by one of them. Every member is tried
    before the first is trained, so that a mistake in one is said at once. Raises UserError for what the user can mend.
    """
    waiting = todo(setting, cells, retry_failed=retry_failed)
    for cell in cells:
        if cell not in waiting:
            yield Skipped(cell, "has a record")
    for cell in {cell.member.entry_point: cell for cell in waiting if cell.trains}.values():
        _dry_run(setting, cell)
    for cell in waiting:
        yield from _claim_and_run(setting, cell, retry_failed, checkpoint_seconds)


def _claim_and_run(setting: Setting, cell: Cell, retry_failed: bool, checkpoint_seconds: float) -> Iterator[Event]:
    """The lock belongs to the process: it is free again when the process ends, however it ends."""
    lock = setting.folder(cell) / f".{records.file_stem(cell.seed, cell.job)}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            if not todo(setting, [cell], retry_failed=retry_failed):
                yield Skipped(cell, "has a record")
                return
            yield from _run(setting, cell, checkpoint_seconds)
    except Timeout:
        yield Skipped(cell, "another process is running it")
    except OSError as error:
        raise UserError(
            f"{lock}: cannot be locked: {error.strerror}. Give a results folder you may write to."
        ) from None


def _run(setting: Setting, cell: Cell, checkpoint_seconds: float) -> Iterator[Event]:
    attempt = len(setting.attempts(cell)) + 1
    events = (
        CellRun(setting, cell, attempt, checkpoint_seconds).run()
        if cell.trains
        else calibration_job.run(setting, cell, attempt)
    )
    for event in events:
        if isinstance(event, Record):
            path = records.write(event, setting.results)
            (setting.cache(cell) / "training.pt").unlink(missing_ok=True)
            yield Finished(cell, event, path)
        else:
            yield event


def _dry_run(setting: Setting, cell: Cell) -> None:
    """Build a member and generate two images, so that what cannot work is said before anything is trained."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        gan = members.builder(cell.member)(setting.spec)
        nets = {name: player.net.eval() for name, player in gan.players.items()}
        asked = request(gan, setting.dataset, 2, 0)
        try:
            images = generate(gan, nets, asked, setting.spec, Execution())
            _check_metrics(setting, gan, images[:1])
        except UserError as error:
            raise UserError(f"member {cell.member.name!r}: {error}") from None


def _check_metrics(setting: Setting, gan: GAN, image: Tensor) -> None:
    """Refuse a metric that this member or data set has not the inputs for, before anything is trained."""
    count = setting.suite.evaluation.samples
    labels = None if setting.dataset.train.labels is None else torch.zeros(count, dtype=torch.int64)
    fake = Sample(image.expand(count, -1, -1, -1), labels, name="sample")
    paired = targets(gan, setting.dataset, 1) is not None
    require(setting.metrics, setting.train, setting.held_out, fake, pairs=Pairs(fake, fake) if paired else None)
