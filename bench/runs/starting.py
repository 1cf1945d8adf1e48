"""The one place where the training of a job starts: for a run, an estimate of its cost, and measurements of the zoo."""

import torch
from torch import nn

from bench import members
from bench.data.batches import Batches
from bench.runs.experiment import Experiment, Job
from bench.training.loop import Training


def start_training(experiment: Experiment, job: Job, images: int | None = None) -> Training:
    """A job's training before its first step: everything that is random comes from the job's seed.

    `images` is a budget instead of the suite's. Raises UserError for a member that cannot be built.
    """
    budget = experiment.budget(job)
    torch.manual_seed(job.seed)
    gan = members.builder(job.member)(experiment.spec)
    batches = Batches(
        experiment.dataset.train,
        budget.batch_size,
        seed=job.seed,
        device=experiment.execution.device,
        flip=experiment.suite.data.flip,
    )
    return Training(gan, batches, images=images or budget.images, seed=job.seed, execution=experiment.execution)


def parameters(training: Training) -> dict[str, int]:
    """Trainable parameters of every player."""
    return {name: count(player.net) for name, player in training.gan.players.items()}


def count(net: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in net.parameters() if parameter.requires_grad)
