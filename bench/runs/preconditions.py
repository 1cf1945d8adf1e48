"""What can be known to fail is refused before anything is trained or kept."""

import time
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from bench.errors import UserError
from bench.features.sample import Sample
from bench.gan import GAN
from bench.members import Listing
from bench.metrics.measure import Pairs, require
from bench.runs.evaluation import CURVE_SEED
from bench.runs.experiment import Experiment, Job
from bench.runs.lifeline import lifeline
from bench.runs.paths import latent_paths
from bench.runs.starting import start_training
from bench.training.loop import Training
from bench.training.sampling import generate, request, sources, targets
from bench.training.schedule import draws

TRIED = 2  # images generated


def check(experiment: Experiment, jobs: Sequence[Job]) -> dict[Listing, float]:
    """Try each member once: its data, its budget, its samples, the metrics, and one iteration of its training.

    Returns the seconds of training that its first iteration lets expect at most: a first one is slower than those after it.
    Raises UserError for what cannot work. A mistake that only training meets is left to the job, whose record will say it.
    """
    expected: dict[Listing, float] = {}
    for job in {job.member: job for job in jobs if job.trains}.values():
        with torch.random.fork_rng():
            lifeline.trying(job.member.name)
            try:
                expected[job.member] = _try(experiment, job)
            except UserError as error:
                said = str(error)
                named = said if said.startswith("member ") else f"member {job.member.name!r}: {said}"
                raise UserError(named) from None
    lifeline.idle()
    return expected


def _try(experiment: Experiment, job: Job) -> float:
    eager = replace(experiment, execution=replace(experiment.execution, compiled=False, cuda_graphs=False))
    training = start_training(eager, job)
    _check_data(experiment, training.gan)
    _check_sources(experiment, training.gan)
    _check_batch(experiment, training)
    _check_budget(training)
    _check_metrics(experiment, training.gan, _drawn(eager, training)[:1])
    start = time.perf_counter()
    _check_first_iteration(training)
    return (time.perf_counter() - start) * training.budget / max(training.now.images, 1)


def _check_data(experiment: Experiment, gan: GAN) -> None:
    """The data has what the member's task learns from."""
    train, name = experiment.dataset.train, experiment.dataset.name
    if gan.task == "paired" and not (train.source is not None and train.paired):
        what = "pictures of two domains that are not paired" if train.source is not None else "no pictures to translate"
        raise UserError(
            f"learns from pairs, and {name} has {what}. Use a member for unpaired pictures, or `pairs:` data."
        )
    if gan.task == "unpaired" and train.source is None:
        raise UserError(f"translates pictures, and {name} has none to translate. Use `unpaired:` or `pairs:` data.")
    if gan.task == "conditional" and train.labels is None:
        raise UserError(f"learns from classes, and {name} has no labels. Use a labelled data set or another member.")


def _check_sources(experiment: Experiment, gan: GAN) -> None:
    """Held-out pictures are given in turn: each counts as often as the others, or fewer samples than pictures are asked for."""
    pictures = sources(gan, experiment.dataset)
    if pictures is None:
        return
    evaluation, count = experiment.suite.evaluation, len(pictures)
    for name, samples in (("samples", evaluation.samples), ("curve_samples", evaluation.curve_samples)):
        if samples > count and samples % count:
            raise UserError(
                f"is given the {count} held-out pictures in turn, so that {name} = {samples} would count {samples % count} of "
                f"them once more than the others. Set {name} to {count} or to a multiple of it."
            )


def _check_batch(experiment: Experiment, training: Training) -> None:
    """A part of a batch is never smaller than the member needs it, nor a batch larger than the set can fill once."""
    parts = experiment.execution.parts
    size = training.batches.batch_size // parts
    least = training.gan.least_batch
    if size < least:
        where = f"a batch of {training.batches.batch_size}" + (f" in {parts} parts" if parts > 1 else "")
        raise UserError(f"needs at least {least} images at a time, and {where} gives it {size}. Raise the batch size.")


def _check_budget(training: Training) -> None:
    """Every stage can pay for one iteration."""
    stages = training.gan.schedule
    whole, drawn, share = sum(stage.share for stage in stages), 0, 0.0
    for index, stage in enumerate(stages):
        share += stage.share
        cost, left = draws(stage) * training.batches.batch_size, round(training.budget * share / whole) - drawn
        if cost > left:
            where = f"stage {index + 1} of {len(stages)} gets {left:,} of them and " if len(stages) > 1 else "it "
            raise UserError(
                f"the budget of {training.budget:,} images does not pay for one iteration: {where}needs {cost:,} "
                f"({draws(stage)} batches of {training.batches.batch_size}). Give a larger budget or smaller batches."
            )
        drawn += left // cost * cost


def _drawn(experiment: Experiment, training: Training) -> Tensor:
    """A few images of the untrained networks."""
    asked = request(training.gan, experiment.dataset, TRIED, 0)
    try:
        images = generate(training.gan, training.sampling_nets(), asked, experiment.spec, experiment.execution)
    except (UserError, MemoryError, torch.OutOfMemoryError):
        raise
    except (Exception, SystemExit) as error:
        raise UserError(f"its generate failed: {type(error).__name__}: {error}") from error
    training.resume_training_mode()
    return images


def _check_metrics(experiment: Experiment, gan: GAN, image: Tensor) -> None:
    """Every metric has its inputs, and enough of them: the reported ones, and those of the curve."""
    evaluation, rules, real = experiment.suite.evaluation, experiment.rules, experiment.real
    paired = targets(gan, experiment.dataset, 1) is not None
    reported = [(rules.metrics, evaluation.samples, seed) for seed in evaluation.sample_seeds]
    for ids, count, seed in (*reported, (rules.curve_metrics, evaluation.curve_samples, CURVE_SEED)):
        labels = request(gan, experiment.dataset, count, seed).labels
        fake = Sample(image.expand(count, -1, -1, -1), labels, name=f"a sample of {count}")
        pairs = Pairs(fake, fake) if paired else None
        paths = latent_paths(gan, {}, experiment.spec, experiment.execution.device, count)
        require(ids, real.train, real.held_out, fake, rules.extractor, pairs=pairs, paths=paths)


def _check_first_iteration(training: Training) -> None:
    """Losses and turns may refuse data or a batch; whatever else they raise is the job's to record."""
    try:
        next(training.steps())
    except UserError:
        raise
    except ValueError as error:
        if "Expected more than 1 value per channel" in str(error):  # torch's batch norm in training
            raise UserError(
                f"its batch norm needs at least 2 images at a time, and a batch has {training.batches.batch_size}. "
                "Raise the batch size."
            ) from None
    except (Exception, SystemExit):
        return
