"""What a suite will cost before it starts: timed rounds of training, sampling, features and metrics, scaled to its rules."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2
from statistics import fmean
from typing import Literal

import torch

from bench.errors import UserError
from bench.features.sample import Sample
from bench.gan import GAN
from bench.metric_facts import MetricId
from bench.metrics.measure import Pairs, measure
from bench.runs.evaluation import evaluated_at_the_end
from bench.runs.experiment import Experiment, Job
from bench.runs.layout import in_working_layout
from bench.runs.run import FAILURES, status
from bench.runs.starting import build, training_of
from bench.training.environment import synchronise
from bench.training.loop import Training, draws
from bench.training.sampling import CHUNK, generate, request, targets

WARM_UP = 2  # iterations of every stage that are not timed
ROUND = 4  # iterations of a timed round
ROUNDS = 4  # of every stage: sixteen iterations hold every lazy update of the zoo once
SAMPLED = 3  # passes of the generator, whose images the metrics are timed on

State = Literal["done", "to do", "failed"]


@dataclass(frozen=True)
class Seconds:
    """A time with the spread of the rounds that it was made from."""

    mean: float = 0.0
    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.mean + other.mean, self.low + other.low, self.high + other.high)

    def __mul__(self, factor: float) -> "Seconds":
        return Seconds(self.mean * factor, self.low * factor, self.high * factor)

    @classmethod
    def of(cls, rounds: Sequence[float]) -> "Seconds":
        """The mean of rounds, between the quickest and the slowest of them."""
        return cls(fmean(rounds), min(rounds), max(rounds))


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


def plan(experiment: Experiment, jobs: Sequence[Job]) -> list[CostEstimate]:
    """Every job with its state; one estimate per member that has something to do."""
    known: dict[str, tuple[Seconds, Seconds]] = {}
    plans: list[CostEstimate] = []
    for job in jobs:
        ended = status(experiment, job)
        state: State = "to do" if ended is None else "failed" if ended in FAILURES else "done"
        if state == "done":
            plans.append(CostEstimate(job, state))
            continue
        if job.member.name not in known:
            known[job.member.name] = estimate(experiment, job)
        plans.append(CostEstimate(job, state, *known[job.member.name]))
    return plans


def estimate(experiment: Experiment, job: Job) -> tuple[Seconds, Seconds]:
    """Seconds of training and of evaluation for one job on this machine."""
    if not job.trains:
        evaluation = experiment.suite.evaluation
        fake = _first(experiment.real.train, SAMPLED * CHUNK)
        timed = {metric: _metric(experiment, fake, None, metric) for metric in experiment.rules.metrics}
        return Seconds(), _measuring(experiment, fake, timed, evaluation.samples) * len(evaluation.sample_seeds)
    experiment = in_working_layout(experiment, job)
    with torch.random.fork_rng():
        gan = build(experiment, job)
        equal = replace(gan, schedule=[replace(stage, share=1.0) for stage in gan.schedule])
        longest = max(draws(stage) for stage in gan.schedule) * experiment.budget(job).batch_size
        iterations = WARM_UP + ROUND * ROUNDS
        training = training_of(experiment, job, equal, longest * iterations * len(gan.schedule))
        return _training(experiment, job, gan, training), _evaluation(experiment, job, training)


def real_features(experiment: Experiment) -> Seconds:
    """Features of the two real splits through every network: computed once on a machine, then kept."""
    names = {
        MetricId.parse(metric).extractor for metric in (*experiment.rules.metrics, *experiment.rules.curve_metrics)
    }
    few = _first(experiment.real.train, SAMPLED * CHUNK)
    count = len(experiment.real.train) + len(experiment.real.held_out)
    return sum((_extraction(experiment, few, name) * count for name in names if name is not None), Seconds())


def _training(experiment: Experiment, job: Job, gan: GAN, training: Training) -> Seconds:
    """Every stage timed by itself, and counted by its share of the budget."""
    rounds: list[list[float]] = [[] for _ in gan.schedule]
    seen, start, images = [0] * len(gan.schedule), 0.0, 0
    device = experiment.execution.device
    for step in training.steps():
        stage = step.now.stage
        seen[stage] += 1
        if (seen[stage] - WARM_UP) % ROUND == 0 and seen[stage] >= WARM_UP and len(rounds[stage]) < ROUNDS:
            synchronise(device)
            now = time.perf_counter()
            if seen[stage] > WARM_UP:
                rounds[stage].append((now - start) / (step.now.images - images))
            start, images = now, step.now.images
    whole, budget = sum(stage.share for stage in gan.schedule), experiment.budget(job).images
    timed = zip(gan.schedule, rounds, strict=True)
    return sum((Seconds.of(found) * (budget * stage.share / whole) for stage, found in timed), Seconds())


def _evaluation(experiment: Experiment, job: Job, training: Training) -> Seconds:
    """Sampling by the image; the metrics of a point of the curve and of a reported sample, each as often as they come."""
    rules, evaluation = experiment.rules, experiment.suite.evaluation
    fake, per_image = _sampled(experiment, training)
    wanted = targets(training.gan, experiment.dataset, len(fake))
    pairs = None if wanted is None else Pairs(fake, Sample.of(wanted, name="targets"))
    points = evaluation.curve_points(experiment.budget(job).images)
    reported = evaluated_at_the_end(experiment.suite)
    sampled = per_image * (points * evaluation.curve_samples + reported)
    timed = {metric: _metric(experiment, fake, pairs, metric) for metric in {*rules.metrics, *rules.curve_metrics}}
    curve = _measuring(experiment, fake, {m: timed[m] for m in rules.curve_metrics}, evaluation.curve_samples)
    final = _measuring(experiment, fake, {m: timed[m] for m in rules.metrics}, evaluation.samples)
    return sampled + curve * points + final * (reported / evaluation.samples)


def _sampled(experiment: Experiment, training: Training) -> tuple[Sample, Seconds]:
    """A sample of untrained networks, and the seconds that one image took."""
    gan, nets = training.gan, training.sampling_nets()
    images, labels, rounds = [], [], []
    for seed in range(SAMPLED):
        asked = request(gan, experiment.dataset, CHUNK, seed)
        start = time.perf_counter()
        images.append(generate(gan, nets, asked, experiment.spec, experiment.execution))
        rounds.append((time.perf_counter() - start) / CHUNK)
        labels.append(asked.labels)
    known = [part for part in labels if part is not None]
    return Sample.of(torch.cat(images), torch.cat(known) if known else None, name="sample"), Seconds.of(rounds[1:])


def _measuring(experiment: Experiment, fake: Sample, timed: Mapping[str, "Growing"], count: int) -> Seconds:
    """One sample of `count` images: its features through every network, and every metric."""
    names = dict.fromkeys(MetricId.parse(metric).extractor for metric in timed)
    extracted = sum((_extraction(experiment, fake, name) for name in names if name is not None), Seconds())
    return sum((grown.at(count / len(fake)) for grown in timed.values()), extracted * count)


def _extraction(experiment: Experiment, sample: Sample, name: str) -> Seconds:
    """Of one image."""
    extractor, rounds = experiment.rules.extractor(name), []
    for start in range(0, len(sample), CHUNK):
        images = sample.batch(start, start + CHUNK)
        began = time.perf_counter()
        extractor(images)
        rounds.append((time.perf_counter() - began) / len(images))
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
        start = time.perf_counter()
        measure([metric], train, held_out, part, experiment.rules.extractor, pairs=some)
        return time.perf_counter() - start
    except UserError:  # a metric that needs more images than are tried here
        return 0.0


def _first(sample: Sample, count: int) -> Sample:
    labels = None if sample.labels is None else sample.labels[:count]
    return Sample.of(sample.images[:count], labels, name=sample.name)
