"""A member's latent spaces as path lengths walk through them."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from bench.data import DataSet
from bench.gan import GAN, ImageSpec, Nets, Prompt
from bench.metrics.inputs import Space
from bench.metrics.path_length import LatentPath
from bench.training.sampling import verified

NOISE_SEED = 0  # of the noise inside a generator: the same for both ends of a step


@dataclass(frozen=True)
class Walk:
    """Networks to render points of a latent space with, in full precision: a step of 1e-4 is lost in bfloat16."""

    gan: GAN
    nets: Nets
    spec: ImageSpec
    device: torch.device
    labels: np.ndarray | None  # (N,): classes are as frequent as here

    def classes(self, count: int, random: torch.Generator) -> Tensor | None:
        """A class for each path, (count,) int64; None for a member without classes."""
        if self.labels is None:
            return None
        rows = torch.randint(len(self.labels), (count,), generator=random).numpy()
        return torch.from_numpy(np.asarray(self.labels[rows]).astype(np.int64))

    def latents(self, count: int, random: torch.Generator) -> Tensor:
        """Points of z, (count, Z)."""
        assert self.gan.latents is not None
        return self.gan.latents(count, random)

    @torch.no_grad()
    def images(self, points: Tensor, classes: Tensor | None) -> Tensor:
        """Images of points in z, (N, C, H, W) float in [-1, 1]."""
        return verified(self.gan.generate(self.nets, self._prompt(points, classes)), len(points), self.spec).float()

    @torch.no_grad()
    def styles(self, count: int, random: torch.Generator) -> Tensor:
        """Points of w, (count, W): what the member makes of points of z and of their classes."""
        assert self.gan.styles is not None
        return self.gan.styles(self.nets, self._prompt(self.latents(count, random), self.classes(count, random)))

    @torch.no_grad()
    def images_of_styles(self, points: Tensor, classes: Tensor | None) -> Tensor:
        """Images of points in w, (N, C, H, W) float in [-1, 1]; their class is in them."""
        prompt = replace(self._prompt(points, classes), latents=None, styles=points)
        return verified(self.gan.generate(self.nets, prompt), len(points), self.spec).float()

    def _prompt(self, latents: Tensor, classes: Tensor | None) -> Prompt:
        noise = torch.Generator(self.device).manual_seed(NOISE_SEED)
        on_device = None if classes is None else classes.to(self.device)
        return Prompt(len(latents), noise, latents.to(self.device), on_device)


def latent_paths(
    gan: GAN, nets: Nets, spec: ImageSpec, device: torch.device, count: int, dataset: DataSet | None = None
) -> dict[Space, LatentPath]:
    """The spaces that `count` paths can be walked in: z of every member that makes images of latents, w where it has one.

    `nets` are in evaluation mode. Classes are drawn as frequently as in the data set's training split, or evenly.
    """
    if gan.latents is None or gan.task not in ("unconditional", "conditional"):
        return {}
    walk = Walk(gan, nets, spec, device, _labels(spec, dataset))
    paths: dict[Space, LatentPath] = {"z": LatentPath(walk.latents, walk.images, "spherical", count, walk.classes)}
    if gan.styles is not None:
        paths["w"] = LatentPath(walk.styles, walk.images_of_styles, "linear", count)
    return paths


def _labels(spec: ImageSpec, dataset: DataSet | None) -> np.ndarray | None:
    if dataset is not None and dataset.train.labels is not None:
        return np.asarray(dataset.train.labels)
    return np.arange(spec.classes) if spec.classes else None
