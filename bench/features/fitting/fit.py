"""The training loop of the shipped extractors: a recipe and a labelled set in, a network out.

Optimiser and schedule are those of Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (arXiv:2404.00498), in plain PyTorch:
whitened input, identity initialisation, Nesterov SGD with a triangular rate, smoothed labels, alternating flip, Lookahead.

One thing is added for the sake of the metrics. The features of a plain classifier collapse to one point per class, so a generator that
knows ten pictures looks perfect. A linear decoder therefore has to rebuild the image from the features while the classes are learnt
(supervised autoencoder, Le et al., NeurIPS 2018); it is thrown away afterwards.
"""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.features.fitting.recipes import Recipe
from bench.features.networks.architectures import ConvNet


@dataclass(frozen=True)
class Labelled:
    """Images (N, C, R, R) uint8 and their classes (N,) int64."""

    images: Tensor
    labels: Tensor

    def in_canonical_order(self) -> "Labelled":
        """Sorted by the sha256 of pixels and label: the same training whatever the order of the files was."""
        digests = [
            hashlib.sha256(image.tobytes() + bytes([label])).digest()
            for image, label in zip(self.images.numpy(), self.labels.tolist(), strict=True)
        ]
        order = torch.tensor(sorted(range(len(digests)), key=digests.__getitem__))
        return Labelled(self.images[order], self.labels[order])


class Student(nn.Module):
    """The network and what trains it: a linear decoder from the features to the pixels."""

    def __init__(self, recipe: Recipe):
        super().__init__()
        spec = recipe.network
        self.net = ConvNet(spec)
        self.decoder = nn.Linear(spec.widths[-1], spec.channels * spec.resolution**2)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, C, R, R) in [0, 1] => logits (N, K) float32, squared error of the rebuilt normalised image (scalar)."""
        features, logits = self.net(images)
        target = ((images - self.net.mean) / self.net.std).flatten(1)
        return logits.float(), F.mse_loss(self.decoder(features).float(), target)


def fit(recipe: Recipe, train_set: Labelled, held_out: Labelled, checkpoint: Path) -> ConvNet:
    """Train by `recipe`; `checkpoint` is written after every epoch and continued from when it exists."""
    generator = torch.Generator().manual_seed(recipe.seed)
    train_set = train_set.in_canonical_order()
    student = _initial(recipe, train_set)
    average = {name: value.clone() for name, value in _floats(student)}
    optimiser = _optimiser(student, recipe)
    first = _restore(checkpoint, student, average, optimiser, generator)
    per_epoch = len(train_set.images) // recipe.batch_size
    for epoch in range(first, recipe.epochs):
        started, total = time.perf_counter(), 0.0
        student.train()
        for step, batch in enumerate(_batches(recipe, train_set, epoch, generator), start=epoch * per_epoch):
            total += _step(student, optimiser, recipe, batch, progress=step / (per_epoch * recipe.epochs))
            _look_ahead(student, average, recipe, step + 1, per_epoch * recipe.epochs)
        _save(checkpoint, student, average, optimiser, generator, epoch + 1)
        seconds = time.perf_counter() - started
        print(f"epoch {epoch + 1}/{recipe.epochs}  loss {total / per_epoch:.4f}  "
              f"held-out accuracy {accuracy(student.net, held_out):.4f}  {seconds:.0f} s", flush=True)  # fmt: skip
    return student.net.eval()


def _initial(recipe: Recipe, train_set: Labelled) -> Student:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)  # the initialisers of torch.nn know only the global generator
        student = Student(recipe)
    student.net.fit_whitening(train_set.images[:5000].float() / 255)
    return student.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _optimiser(student: Student, recipe: Recipe) -> torch.optim.Optimizer:
    biases = [p for name, p in student.named_parameters() if p.requires_grad and name.endswith("bias")]
    weights = [p for name, p in student.named_parameters() if p.requires_grad and not name.endswith("bias")]
    groups = [
        {"params": group, "lr": rate, "peak": rate, "weight_decay": recipe.weight_decay / rate}
        for group, rate in ((weights, recipe.learning_rate), (biases, recipe.learning_rate * recipe.bias_factor))
    ]
    return torch.optim.SGD(groups, momentum=recipe.momentum, nesterov=True)


def _batches(recipe: Recipe, data: Labelled, epoch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(data.images), generator=generator)
    for indices in order.split(recipe.batch_size):
        if len(indices) == recipe.batch_size:  # the remainder is another one in every epoch
            images = recipe.augment(data.images[indices].float() / 255, indices, epoch, generator)
            yield images.contiguous(memory_format=torch.channels_last), data.labels[indices]


def _step(
    student: Student, optimiser: torch.optim.Optimizer, recipe: Recipe, batch: tuple[Tensor, Tensor], progress: float
) -> float:
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * triangle(progress, recipe.warm_up)
    images, labels = batch
    with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bf16"):
        logits, rebuilt = student(images)
    loss = F.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing) + recipe.rebuild * rebuilt
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
    return loss.item()


def triangle(progress: float, peak: float, start: float = 0.2, end: float = 0.07) -> float:
    """The learning rate at `progress` in [0, 1), relative to its peak: from `start` up to 1 at `peak`, down to `end`."""
    if progress < peak:
        return start + (1 - start) * progress / peak
    return 1 + (end - 1) * (progress - peak) / (1 - peak)


@torch.no_grad()
def _look_ahead(student: Student, average: dict[str, Tensor], recipe: Recipe, step: int, steps: int) -> None:
    """Lookahead (arXiv:1907.08610) with a growing memory; the last step leaves the average itself in `student`."""
    last = step == steps
    if step % recipe.average_every and not last:
        return
    keep = 1.0 if last else 0.95**recipe.average_every * (step / steps) ** 3
    for name, value in _floats(student):
        average[name].lerp_(value, 1 - keep)
        value.copy_(average[name])


def _floats(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [(name, value) for name, value in module.state_dict().items() if value.is_floating_point()]


@torch.no_grad()
def logits_of(net: ConvNet, images: Tensor) -> Tensor:
    """(N, C, R, R) uint8 => (N, K) float32, in evaluation mode; one plain forward pass, no averaging over views."""
    net.eval()
    parts = [(part.float() / 255).contiguous(memory_format=torch.channels_last) for part in images.split(500)]
    return torch.cat([net(part)[1] for part in parts])


def accuracy(net: ConvNet, data: Labelled) -> float:
    """Fraction of `data` whose largest logit is that of its class."""
    return (logits_of(net, data.images).argmax(1) == data.labels).float().mean().item()


def _save(
    path: Path, student: Student, average: dict[str, Tensor], optimiser: torch.optim.Optimizer,
    generator: torch.Generator, epoch: int,
) -> None:  # fmt: skip
    state = {"student": student.state_dict(), "average": average, "optimiser": optimiser.state_dict(),
             "generator": generator.get_state(), "epoch": epoch}  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def _restore(
    path: Path,
    student: Student,
    average: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    generator: torch.Generator,
) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    student.load_state_dict(state["student"])
    optimiser.load_state_dict(state["optimiser"])
    generator.set_state(state["generator"])
    for name, value in state["average"].items():
        average[name].copy_(value)
    return state["epoch"]
