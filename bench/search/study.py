"""What a search found and what it cost: a file beside its journal, and the part of a record that says so."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from bench.errors import UserError
from bench.files import digest, write_atomically
from bench.formats import number
from bench.records import record as records
from bench.records.fields import Count, Finite, Line, Name, Seconds
from bench.records.parts import Tuning
from bench.runs.outcome import better, sign
from bench.runs.run import latest
from bench.search.best_of import expected_best
from bench.search.journal import Sampler, Trial
from bench.search.search import RECORDS, Search
from bench.suites.frozen import Frozen

FILE = "study.json"


class StudyTrial(Frozen):
    """One trial."""

    number: Count
    member: Name
    status: str  # of its record
    value: Finite | None  # of the metric at the end of its budget; None: it did not get there
    images: Count
    record: str  # below the search's folder


class Study(Frozen):
    """A search from its plan to its result."""

    id: Name
    suite: Name
    member: Name
    space: dict[Name, Line]
    sampler: Sampler
    seed: Count  # of the sampler
    training_seed: Count  # of every trial
    metric: Name  # on held-out images
    better: Literal["lower", "higher"]
    trials: tuple[StudyTrial, ...]
    images: Count  # real images drawn by all trials of this search
    seconds: Seconds
    earlier_images: Count  # by other searches of the same member in the same folder
    best: Name  # the member to run
    best_value: Finite
    best_so_far: tuple[Finite, ...]  # after each trial that got to its end
    expected_best: tuple[Finite, ...] = Field(default=())  # of n random trials, n = 1 to N/2; of random search alone

    def tuning(self) -> Tuning:
        """What the final records say of the search."""
        return Tuning(
            study=digest(self.model_dump(mode="json")),
            sampler=self.sampler,
            seed=self.seed,
            space=self.space,
            metric=self.metric,
            trials=len(self.trials),
            failed=sum(trial.value is None for trial in self.trials),
            images=self.images + self.earlier_images,
            seconds=self.seconds,
        )

    def text(self) -> str:
        """The study in a few lines."""
        failed = sum(trial.value is None for trial in self.trials)
        lines = [
            f"best of {len(self.trials)} trials: {self.best}, {self.metric} {number(self.best_value)}",
            f"tuned images: {self.images + self.earlier_images:,}"
            + (f", {self.earlier_images:,} of them in earlier searches" if self.earlier_images else "")
            + (f"; {failed} trials did not get to their end" if failed else ""),
        ]
        if self.expected_best:
            curve = ", ".join(f"{n}: {number(value)}" for n, value in enumerate(self.expected_best, 1))
            lines.append(f"expected best of n random trials: {curve}")
        return "\n".join(lines)


def conclude(search: Search) -> Study:
    """The study of a search whose trials have ended, written beside its journal.

    Raises UserError when no trial got to its end.
    """
    trials = [_trial(search, trial) for trial in search.journal.trials()]
    metric = search.experiment.suite.evaluation.selection
    way = sign(metric)
    losses = [way * trial.value for trial in trials if trial.value is not None]
    if not losses:
        where = search.folder / RECORDS
        raise UserError(
            f"none of {len(trials)} trials got to its end. See the records in {where}, or give another space."
        )
    best = next(trial for trial in trials if trial.value is not None and way * trial.value == min(losses))
    images, seconds = _spent(search.folder)
    others = [path for path in search.folder.parent.iterdir() if path.is_dir() and path != search.folder]
    plan = search.plan
    study = Study(
        id=search.id,
        suite=search.experiment.suite.name,
        member=plan.member.name,
        space=plan.space.words(),
        sampler=plan.sampler,
        seed=plan.seed,
        training_seed=search.experiment.suite.seeds[0],
        metric=metric,
        better=better(metric),
        trials=tuple(trials),
        images=images,
        seconds=seconds,
        earlier_images=sum(_spent(path)[0] for path in others),
        best=best.member,
        best_value=way * min(losses),
        best_so_far=tuple(way * min(losses[: n + 1]) for n in range(len(losses))),
        expected_best=_expected(losses, len(trials) - len(losses), way) if plan.sampler == "random" else (),
    )
    write_atomically(search.folder / FILE, (study.model_dump_json(indent=1) + "\n").encode())
    return study


def _trial(search: Search, trial: Trial) -> StudyTrial:
    job = search.job(trial)
    record = latest(search.experiment, job)
    assert record is not None  # the journal is told after the record is written
    return StudyTrial(
        number=trial.number,
        member=search.plan.name(trial.given),
        status=record.status,
        value=search.value(record),
        images=record.images_seen,
        record=f"{RECORDS}/{record.file_name}",
    )


def _expected(losses: list[float], failures: int, way: int) -> tuple[float, ...]:
    """A trial that failed counts as the worst that did not."""
    return tuple(way * value for value in expected_best([*losses, *[max(losses)] * failures]))


def _spent(folder: Path) -> tuple[int, float]:
    """Images and seconds of every record of a search, also of attempts that failed."""
    images, seconds = 0, 0.0
    for record in records.read_below(folder / RECORDS):
        images += record.images_seen
        seconds += record.seconds.get("train", 0.0) + record.seconds.get("evaluate", 0.0)
    return images, round(seconds, 3)
