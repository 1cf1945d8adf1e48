"""What a suite will cost before it starts: timed rounds of training, sampling, features and metrics, scaled to its rules."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Literal

import torch

from bench.errors import UserError
from bench.features.sample import Sample
from bench.gan import GAN
from bench.metric_facts import MetricId, find
from bench.metrics.inputs import spaces_of
from bench.metrics.measure import Pairs, measure
from bench.runs.clock import running
from bench.runs.evaluation import evaluated_at_the_end
from bench.runs.experiment import Experiment, Job
from bench.runs.layout import in_working_layout
from bench.runs.pace import Pace, Seconds, pace
from bench.runs.run import FAILURES, status
from bench.runs.starting import build
from bench.training.sampling import CHUNK, targets

MEASURED = 3 * CHUNK  # images that features and metrics are timed on

State = Literal["done", "to do", "failed"]


@dataclass(frozen=True)
class CostEstimate:
    """A job, how it stands, and how long it would take from its start."""

    job: Job
    state: State
    train: Seconds | None = None  # of a job that is to do or failed
    evaluate: Seconds | None = None  # sampling, features and metrics: of the curve and at the end

    @property
    def seconds(self) -> Seconds | None:
        """Of the whole job; None where there is nothing to do."""
        return self.train + self.evaluate if self.train is not None and self.evaluate is not None else None


@dataclass(frozen=True)
class Metrics:
    """The metrics of a suite timed on real images in the generated ones' place; once for all its members."""

    experiment: Experiment
    _grown: dict[tuple[str, bool], "Growing"] = field(default_factory=dict)
    _extracted: dict[str, Seconds] = field(default_factory=dict)

    def measuring(self, ids: Sequence[str], count: int, gan: GAN | None) -> Seconds:
        """One sample of `count` images: its features through every network, and every metric."""
        names = dict.fromkeys(MetricId.parse(metric).extractor for metric in ids)
        features = sum((self.extraction(name) for name in names if name is not None), Seconds())
        fake = _first(self.experiment.real.train, MEASURED)
        wanted = None if gan is None else targets(gan, self.experiment.dataset, len(fake))
        pairs = None if wanted is None else Pairs(fake, Sample.of(wanted, name="targets"))
        for metric in ids:
            if (metric, pairs is not None) not in self._grown:
                self._grown[metric, pairs is not None] = _metric(self.experiment, fake, pairs, metric)
        grown = (self._grown[metric, pairs is not None] for metric in ids)
        return sum((found.at(count / len(fake)) for found in grown), features * count)

    def extraction(self, name: str) -> Seconds:
        """Features of one image."""
        if name not in self._extracted:
            self._extracted[name] = _extraction(self.experiment, _first(self.experiment.real.train, MEASURED), name)
        return self._extracted[name]


def plan(experiment: Experiment, jobs: Sequence[Job], *, again: bool = False) -> list[CostEstimate]:
    """Every job with its state; one estimate per member that has something to do. `again` times what is kept, too."""
    known: dict[str, tuple[Seconds, Seconds]] = {}
    metrics, plans = Metrics(experiment), []
    for job in jobs:
        ended = status(experiment, job)
        state: State = "to do" if ended is None else "failed" if ended in FAILURES else "done"
        if state == "done":
            plans.append(CostEstimate(job, state))
            continue
        if job.member.name not in known:
            known[job.member.name] = estimate(experiment, job, metrics, again=again)
        plans.append(CostEstimate(job, state, *known[job.member.name]))
    return plans


def estimate(
    experiment: Experiment, job: Job, metrics: Metrics | None = None, *, again: bool = False
) -> tuple[Seconds, Seconds]:
    """Seconds of training and of evaluation for one job on this machine."""
    metrics = metrics or Metrics(experiment)
    evaluation = experiment.suite.evaluation
    if not job.trains:
        measured = metrics.measuring(experiment.rules.metrics, evaluation.samples, None)
        return Seconds(), measured * len(evaluation.sample_seeds)
    experiment = in_working_layout(experiment, job)
    with torch.random.fork_rng():
        gan = build(experiment, job)
    found = pace(experiment, job, again=again)
    whole, budget = sum(stage.share for stage in gan.schedule), experiment.budget(job).images
    stages = zip(gan.schedule, found.training, strict=True)
    training = sum((seconds * (budget * stage.share / whole) for stage, seconds in stages), Seconds())
    return training, _evaluation(experiment, job, gan, found, metrics)


def real_features(experiment: Experiment) -> Seconds:
    """Features of the two real splits through every network: computed once on a machine, then kept."""
    names = {
        MetricId.parse(metric).extractor for metric in (*experiment.rules.metrics, *experiment.rules.curve_metrics)
    }
    metrics, count = Metrics(experiment), len(experiment.real.train) + len(experiment.real.held_out)
    return sum((metrics.extraction(name) * count for name in names if name is not None), Seconds())


def _evaluation(experiment: Experiment, job: Job, gan: GAN, found: Pace, metrics: Metrics) -> Seconds:
    """Sampling by the image; the metrics of a point of the curve and of a reported sample, each as often as they come."""
    rules, evaluation = experiment.rules, experiment.suite.evaluation
    points = evaluation.curve_points(experiment.budget(job).images)
    reported = evaluated_at_the_end(experiment.suite)
    sampled = found.sampling * (points * evaluation.curve_samples + reported)
    curve = metrics.measuring(rules.curve_metrics, evaluation.curve_samples, gan)
    final = metrics.measuring(rules.metrics, evaluation.samples, gan)
    walked = _walking(rules.curve_metrics, found, metrics) * (points * evaluation.curve_samples)
    walked += _walking(rules.metrics, found, metrics) * reported
    return sampled + curve * points + final * (reported / evaluation.samples) + walked


def _walking(ids: Sequence[str], found: Pace, metrics: Metrics) -> Seconds:
    """Path lengths, by the path: two images at its ends, and their features."""
    parsed = [metric for metric in map(MetricId.parse, ids) if spaces_of(find(metric.name))]
    extracted = (metrics.extraction(metric.extractor) if metric.extractor else Seconds() for metric in parsed)
    return sum(((found.sampling + features) * 2 for features in extracted), Seconds())


def _extraction(experiment: Experiment, sample: Sample, name: str) -> Seconds:
    """Of one image."""
    extractor, rounds = experiment.rules.extractor(name), []
    for start in range(0, len(sample), CHUNK):
        images = sample.batch(start, start + CHUNK)
        began = running()
        extractor(images)
        rounds.append((running() - began) / len(images))
    return Seconds.of(rounds[1:] or rounds)


@dataclass(frozen=True)
class Growing:
    """The time of a metric on a small sample, and how it grows with the number of images: from linearly to squarely."""

    whole: float
    half: float

    def at(self, times: float) -> Seconds:
        """On a sample so many times larger, or smaller: the growth of the two measurements, between none and the square."""
        power = min(max(log2(max(self.whole, 1e-6) / max(self.half, 1e-6)), 1.0), 2.0)
        least, most = min(times**2, 1.0), max(times**2, times)
        return Seconds(self.whole * times**power, self.whole * least, self.whole * most)


def _metric(experiment: Experiment, fake: Sample, pairs: Pairs | None, metric: str) -> Growing:
    """Timed on all of the sample and on half of it, with as many real images, the features being there."""
    return Growing(*(_timed(experiment, fake, pairs, metric, size) for size in (len(fake), len(fake) // 2)))


def _timed(experiment: Experiment, fake: Sample, pairs: Pairs | None, metric: str, count: int) -> float:
    real = experiment.real
    train, held_out, part = (_first(sample, count) for sample in (real.train, real.held_out, fake))
    some = None if pairs is None else Pairs(part, _first(pairs.target, count))
    try:
        extractor = MetricId.parse(metric).extractor
        for sample in (train, held_out, part) if extractor else ():
            sample.features(experiment.rules.extractor(extractor or ""))
        start = running()
        measure([metric], train, held_out, part, experiment.rules.extractor, pairs=some)
        return running() - start
    except UserError:  # a metric that needs more images than are tried here
        return 0.0


def _first(sample: Sample, count: int) -> Sample:
    labels = None if sample.labels is None else sample.labels[:count]
    return Sample.of(sample.images[:count], labels, name=sample.name)
