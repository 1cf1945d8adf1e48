"""The one place where the training of a job starts: for a run, an estimate of its cost, and measurements of the zoo."""

import torch
from torch import nn

from bench import members
from bench.data.batches import Batches
from bench.gan import GAN
from bench.runs.experiment import Experiment, Job
from bench.training.loop import Training
from bench.training.team import Team


def start_training(experiment: Experiment, job: Job, images: int | None = None, team: Team | None = None) -> Training:
    """A job's training before its first step: everything that is random comes from the job's seed.

    `images` is a budget instead of the suite's. Raises UserError for a member that cannot be built.
    """
    return training_of(experiment, job, build(experiment, job), images or experiment.budget(job).images, team)


def build(experiment: Experiment, job: Job) -> GAN:
    """The job's member with the weights of its seed."""
    torch.manual_seed(job.seed)
    return members.build(job.member, experiment.spec)


def training_of(experiment: Experiment, job: Job, gan: GAN, images: int, team: Team | None = None) -> Training:
    """The training of a GAN on the suite's images in the job's order."""
    batches = Batches(
        experiment.dataset.train,
        experiment.budget(job).batch_size,
        seed=job.seed,
        device=experiment.execution.device,
        flip=experiment.suite.data.flip,
    )
    return Training(gan, batches, images=images, seed=job.seed, execution=experiment.execution, team=team)


def parameters(training: Training) -> dict[str, int]:
    """Trainable parameters of every player."""
    return {name: count(player.net) for name, player in training.gan.players.items()}


def count(net: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)
