"""A search: trials are jobs of the suite, judged on held-out images alone, run by any number of workers on one folder.

A trial trains one configuration with one seed that the suite does not use. Its suite is the searched one with the selection
metric as its only metric: what the final rows report is not even measured before they are.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from pathlib import Path

from bench import members, parameters
from bench.errors import UserError
from bench.files import digest, write_atomically
from bench.members import Listing
from bench.records.record import Record
from bench.runs.experiment import Experiment, Job
from bench.runs.jobs import JobFiles
from bench.runs.outcome import sign
from bench.runs.own_data import FILE, render
from bench.runs.run import Event, Skipped, execute, latest
from bench.search.journal import Journal, Sampler, Trial
from bench.search.space import Space
from bench.suites.suite import Budget, Suite

POINTS = 4  # of a trial's curve; the last is where its budget ends
FIRST_SEED = 1_000  # of trials, or the next that the suite does not use
WAIT = 1.0  # seconds between two looks at what other workers run
RECORDS = "trials"  # below a search's folder: the results folder of its jobs
NOTE = "Made by `bench tune`: the suite of its trials."


@dataclass(frozen=True)
class Plan:
    """What is asked of a search."""

    member: Listing  # with the parameters that are not searched
    space: Space
    trials: int
    sampler: Sampler = "tpe"
    seed: int = 0

    def name(self, given: dict[str, str]) -> str:
        """The member with a configuration."""
        base, fixed = parameters.split(self.member.argument)
        return parameters.joined(base, fixed | given)


def trial_suite(suite: Suite, member: str, share: float = 1.0) -> Suite:
    """The suite that trials run: the held-out selection metric alone, a share of the budget, a seed that is in no final row.

    Raises UserError for a share that is not in (0, 1], or that leaves less than one batch.
    """
    if not 0 < share <= 1:
        raise UserError(f"--share {share}: a number above 0, at most 1, was expected.")
    base = members.find(member).base
    evaluation = suite.evaluation
    recipes = {name: recipe for name, recipe in suite.recipes.items() if name in (base, member)}
    return suite.model_copy(
        update={
            "name": f"{suite.name[:73]}-trials",
            "members": (member,),
            "calibration": (),
            "seeds": (next(seed for seed in range(FIRST_SEED, FIRST_SEED + 2**20) if seed not in suite.seeds),),
            "ranking": evaluation.selection,
            "training": _part(suite.training, share),
            "recipes": {
                name: recipe.model_copy(update={"images": _images(recipe.images, recipe.batch_size, share)})
                for name, recipe in recipes.items()
            },
            "evaluation": evaluation.model_copy(
                update={
                    "metrics": (evaluation.selection,),
                    "optional_metrics": (),
                    "samples": evaluation.curve_samples,
                    "sample_seeds": (0,),
                    "every": None,
                    "points": POINTS,
                }
            ),
        }
    )


def _part(budget: Budget, share: float) -> Budget:
    if budget.flops is not None:
        return budget.model_copy(update={"flops": budget.flops * share})
    assert budget.images is not None  # exactly one of the two, says the suite
    return budget.model_copy(update={"images": _images(budget.images, budget.batch_size, share)})


def _images(images: int, batch_size: int, share: float) -> int:
    part = round(images * share)
    if part < batch_size:
        raise UserError(
            f"--share {share:g}: of {images:,} images that is less than a batch of {batch_size}. Give more."
        )
    return part


@dataclass(frozen=True)
class Search:
    """A plan on this machine. Its folder is named by all that decides what it finds but the number of trials."""

    plan: Plan
    experiment: Experiment  # of the trial suite
    folder: Path

    @classmethod
    def of(cls, plan: Plan, experiment: Experiment, folder: Path) -> "Search":
        """The search below `folder`, where earlier searches of the same member on the same suite are."""
        (job,) = experiment.jobs([plan.member.argument])
        what = [
            plan.member.name,
            job.source_digest,
            experiment.rules.digest,
            plan.space.words(),
            plan.sampler,
            plan.seed,
        ]
        own = folder / digest(what)[:10]
        files = JobFiles.of(experiment.suite.name, own / RECORDS)
        return cls(plan, replace(experiment, files=files), own)

    @property
    def id(self) -> str:
        """Of the folder."""
        return self.folder.name

    @cached_property
    def journal(self) -> Journal:
        """What was proposed and how it went."""
        return Journal(self.folder, self.plan.space, self.plan.sampler, self.plan.seed)

    def job(self, trial: Trial) -> Job:
        """The job that a trial is. Raises UserError for a configuration that no name can hold."""
        (job,) = self.experiment.jobs([self.plan.name(trial.given)])
        return job

    def run(self, wait: float = WAIT) -> Iterator[Event]:
        """Run trials until as many as planned have ended, here or in other workers, and tell what happens.

        A trial that a killed worker left is gone on with from its checkpoint; one that runs elsewhere is waited for.
        """
        if (size := self.plan.space.size) is not None and self.plan.trials > size:
            raise UserError(f"--trials {self.plan.trials}: the space has {size} configurations. Give at most {size}.")
        _ = self.journal
        suite = self.experiment.suite
        write_atomically(self.folder / RECORDS / suite.name / FILE, render(suite, NOTE).encode())
        while True:
            waiting = [trial for trial in self.journal.trials() if trial.value is None]
            ended = yield from self._first_free(waiting)
            if ended:
                continue
            if trial := self.journal.propose(self.plan.trials):
                yield from self._first_free([trial])
            elif waiting:
                time.sleep(wait)
            else:
                return

    def _first_free(self, trials: Sequence[Trial]) -> Generator[Event, None, bool]:
        """Run the first that no other process runs, and tell the journal how it ended; whether there was one."""
        for trial in trials:
            job = self.job(trial)
            for event in execute(self.experiment, [job]):
                if not (isinstance(event, Skipped) and event.state == "running"):
                    yield event
            if record := latest(self.experiment, job):
                self.journal.tell(trial, self._loss(record))
                return True
        return False

    def value(self, record: Record) -> float | None:
        """The selection metric at the end of the budget; None where the run did not get there."""
        metric = self.experiment.suite.evaluation.selection
        return record.curve[-1].scores.get(metric) if record.status == "ok" and record.curve else None

    def _loss(self, record: Record) -> float:
        """The same, lower is better; infinite for none."""
        value = self.value(record)
        return inf if value is None else sign(self.experiment.suite.evaluation.selection) * value


def finished_together(experiment: Experiment, jobs: Sequence[Job], wait: float = WAIT) -> Iterator[Event]:
    """Run what is missing until every job has a record, here or in other workers."""
    open_ = list(jobs)
    while open_:
        running: list[Job] = []
        for event in execute(experiment, open_):
            if isinstance(event, Skipped) and event.state == "running":
                running.append(event.job)
            else:
                yield event
        open_ = running
        if running:
            time.sleep(wait)
