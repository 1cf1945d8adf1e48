"""What a record says of its run's setting: suite, protocol, member, machine, and the command that makes it again."""

import shlex
from collections.abc import Iterable
from typing import Any, Literal

from bench import members, metric_facts
from bench.gan import Task
from bench.metrics.measure import Measurement
from bench.records.record import Member, Score, now_in_utc
from bench.runs.experiment import Experiment, Job
from bench.suites.suite import names
from bench.training.environment import describe


def about(experiment: Experiment, job: Job, task: Task) -> dict[str, Any]:
    """The fields of a record that its experiment and its job know; the run itself adds how it went."""
    suite, member, rules = experiment.suite, job.member, experiment.rules
    return {
        "suite": suite.name,
        "suite_version": suite.version,
        "track": suite.track,
        "protocol_digest": rules.digest,
        "protocol": rules.protocol,
        "ranking": suite.ranking,
        "member": Member(
            name=member.name,
            entry_point=member.entry_point,
            distribution=job.source.distribution or member.distribution,
            source_digest=job.source_digest,
            task=task,
            role=job.role,
            author=job.author,
            commit=job.source.commit,
            dirty=job.source.dirty,
            libraries=dict(job.source.libraries),
            parameters=members.arguments(member) if job.trains else {},
        ),
        "seed": job.seed,
        "compute": experiment.budget(job).compute if job.trains else None,
        "tuning": job.tuning,
        "job": job.digest,
        "absent": rules.absent,
        "environment": describe(experiment.execution),
        "command": command(experiment, job),
        "finished": now_in_utc(),
    }


def command(experiment: Experiment, job: Job) -> str:
    """What to type to make the job again. A suite that does not come with the bench is kept beside its records."""
    suite = experiment.suite.name
    where = suite if suite in names() else f"results/{suite}/suite.toml"
    author = f" --author {shlex.quote(job.author)}" if job.author else ""
    return (
        f"bench run --suite {shlex.quote(where)} --member {shlex.quote(job.member.argument)} --seed {job.seed}{author}"
    )


def untrained() -> dict[str, Any]:
    """The fields of a record whose job trained nothing."""
    return {"images_seen": 0, "steps": 0, "updates": {}, "parameters": {}, "peak_memory_bytes": None, "curve": ()}


def rounded(seconds: dict[str, float]) -> dict[str, float]:
    """Phases to the millisecond."""
    return {name: round(value, 3) for name, value in seconds.items()}


def plugin_metrics(scores: Iterable[Score]) -> dict[str, metric_facts.MetricFacts]:
    """The facts of the metrics that do not come with the bench, by name."""
    names = {metric_facts.MetricId.parse(score.metric).name for score in scores}
    return {name: metric_facts.find(name) for name in sorted(names - metric_facts.BUILT_IN.keys())}


def better(metric: str) -> Literal["lower", "higher"]:
    """Which way a metric id is better."""
    return metric_facts.find(metric_facts.MetricId.parse(metric).name).better


def sign(metric: str) -> Literal[1, -1]:
    """What to multiply values of a metric id by so that lower is better."""
    return 1 if better(metric) == "lower" else -1


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
