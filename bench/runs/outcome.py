"""How a job ended, and the record that is made of it."""

from dataclasses import dataclass
from typing import Literal

from bench import metric_facts
from bench.gan import Task
from bench.metrics.measure import Measurement
from bench.records.record import Artifact, Failure, Member, Point, Record, Score, Status, now_in_utc
from bench.runs.experiment import Experiment, Job
from bench.suites.suite import names
from bench.training.environment import describe


@dataclass(frozen=True)
class RunResult:
    """What only the job itself knows."""

    status: Status
    task: Task
    attempt: int
    started: str
    seconds: dict[str, float]
    scores: tuple[Score, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    failure: Failure | None = None
    diverged_at_step: int | None = None
    images_seen: int = 0
    steps: int = 0
    updates: dict[str, int] | None = None
    parameters: dict[str, int] | None = None
    peak_memory_bytes: int | None = None
    curve: tuple[Point, ...] = ()
    best_images: int | None = None


def compose(experiment: Experiment, job: Job, outcome: RunResult) -> Record:
    """The record: what the job knows, under the protocol and on the machine where it ran."""
    suite, member = experiment.suite, job.member
    return Record(
        suite=suite.name,
        suite_version=suite.version,
        track=suite.track,
        protocol_digest=experiment.protocol_digest,
        protocol=experiment.protocol,
        ranking=suite.ranking,
        member=Member(
            name=member.name,
            entry_point=member.entry_point,
            distribution=member.distribution,
            source_digest=job.source_digest,
            task=outcome.task,
            role=job.role,
        ),
        seed=job.seed,
        job=job.digest,
        attempt=outcome.attempt,
        status=outcome.status,
        diverged_at_step=outcome.diverged_at_step,
        failure=outcome.failure,
        images_seen=outcome.images_seen,
        steps=outcome.steps,
        updates=outcome.updates or {},
        parameters=outcome.parameters or {},
        seconds={name: round(value, 3) for name, value in outcome.seconds.items()},
        peak_memory_bytes=outcome.peak_memory_bytes,
        curve=outcome.curve,
        best_images=outcome.best_images,
        scores=outcome.scores,
        plugin_metrics=_plugin_metrics(outcome.scores),
        absent=experiment.absent,
        artifacts=outcome.artifacts,
        environment=describe(experiment.execution),
        command=command(experiment, job),
        started=outcome.started,
        finished=now_in_utc(),
    )


def command(experiment: Experiment, job: Job) -> str:
    """What to type to make the job again. A suite that does not come with the bench is kept beside its records."""
    suite = experiment.suite.name
    where = suite if suite in names() else f"results/{suite}/suite.toml"
    member = job.member.name if job.member.distribution else job.member.entry_point
    return f"bench run --suite {where} --member {member} --seed {job.seed}"


def _plugin_metrics(scores: tuple[Score, ...]) -> dict[str, metric_facts.MetricFacts]:
    """The facts of the metrics that do not come with the bench, by name."""
    names = {metric_facts.MetricId.parse(score.metric).name for score in scores}
    return {name: metric_facts.find(name) for name in sorted(names - metric_facts.BUILT_IN.keys())}


def better(metric: str) -> Literal["lower", "higher"]:
    """Which way a metric id is better."""
    return metric_facts.find(metric_facts.MetricId.parse(metric).name).better


def score_of(item: Measurement, checkpoint: Literal["last", "best"], seed: int) -> Score:
    """A measurement as the record keeps it."""
    return Score(
        metric=item.metric,
        version=item.version,
        better=better(item.metric),
        value=item.value,
        checkpoint=checkpoint,
        samples_real=item.samples_real,
        samples_fake=item.samples_fake,
        sample_seed=seed,
        flags=item.flags,
        error=item.error,
        baseline=item.baseline,
    )
