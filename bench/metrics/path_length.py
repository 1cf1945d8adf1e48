"""Perceptual path length: how much the image changes per step in latent space.

Karras et al. 2019 (arXiv:1812.04948), section 4.1: E[d(G(t), G(t + e)) / e^2] with e = 1e-4, spherical interpolation in z
and linear in w, t uniform on the whole path ("full") or at its ends ("end"); the lowest and highest 1 % are discarded.

Images stay floating point all the way. Quantised to uint8 first, as a common library does by default, the same generator
scores a hundred times higher at e = 1e-4, which measures the quantisation.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from bench.metrics.contract import Estimate
from bench.metrics.perceptual import embedding_distance

EPSILON, DISCARD, BATCH, SEED = 1e-4, 0.01, 50, 2020


class FloatNetwork(Protocol):
    """What of an extractor is used here."""

    @property
    def name(self) -> str: ...

    def of_float(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features of images in [-1, 1] that were not quantised."""
        ...


@dataclass(frozen=True)
class LatentPath:
    """A generator as seen from one of its latent spaces."""

    draw: Callable[[int, torch.Generator], Tensor]  # n latents (n, Z)
    # Latents (n, Z) and classes (n,) or None => images (n, C, H, W) float in [-1, 1]. Noise is the same at every call.
    render: Callable[[Tensor, Tensor | None], Tensor]
    interpolation: Literal["spherical", "linear"] = "spherical"
    count: int = 10_000  # paths
    classes: Callable[[int, torch.Generator], Tensor | None] = lambda count, random: None  # of n paths, (n,) int64


def ppl_z_full(path_z: LatentPath, extractor: FloatNetwork) -> Estimate:
    """Path length in z with t uniform in [0, 1]; the error is the standard error of the trimmed mean."""
    return path_length(path_z, _embedded(extractor), full=True)


def ppl_z_end(path_z: LatentPath, extractor: FloatNetwork) -> Estimate:
    """Path length in z at t = 0."""
    return path_length(path_z, _embedded(extractor), full=False)


def ppl_w_full(path_w: LatentPath, extractor: FloatNetwork) -> Estimate:
    """Path length in w with t uniform in [0, 1]."""
    return path_length(path_w, _embedded(extractor), full=True)


def ppl_w_end(path_w: LatentPath, extractor: FloatNetwork) -> Estimate:
    """Path length in w at t = 0."""
    return path_length(path_w, _embedded(extractor), full=False)


@torch.no_grad()
def path_length(
    path: LatentPath,
    distance: Callable[[Tensor, Tensor], Tensor],
    *,
    full: bool,
    epsilon: float = EPSILON,
    discard: float = DISCARD,
) -> Estimate:
    """The mean of ``distance`` (two batches of images => (n,)) over ``epsilon``^2, without the ``discard`` extremes."""
    random = torch.Generator().manual_seed(SEED)
    parts = []
    for start in range(0, path.count, BATCH):
        count = min(BATCH, path.count - start)
        a, b = path.draw(count, random), path.draw(count, random)
        t = torch.rand(count, 1, generator=random, dtype=a.dtype) if full else torch.zeros(count, 1, dtype=a.dtype)
        t = t.to(a.device)
        classes = path.classes(count, random)
        first, second = (path.render(between(a, b, where, path), classes) for where in (t, t + epsilon))
        parts.append(distance(first, second).double().cpu() / epsilon**2)
    values = _trimmed(torch.cat(parts), discard)
    return Estimate(float(values.mean()), error=float(values.std()) / len(values) ** 0.5)


def between(a: Tensor, b: Tensor, t: Tensor, path: LatentPath) -> Tensor:
    """The point at ``t`` (n, 1) from ``a`` to ``b`` (n, Z)."""
    return torch.lerp(a, b, t) if path.interpolation == "linear" else slerp(a, b, t)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Along the great circle between the directions of ``a`` and ``b`` (Shoemake 1985), the length going linearly.

    A generator that normalises its latent, as StyleGAN does, does not see the length; the others get one they know.
    """
    length_a, length_b = a.norm(dim=1, keepdim=True), b.norm(dim=1, keepdim=True)
    a, b = a / length_a, b / length_b
    cosine = (a * b).sum(1, keepdim=True)
    across = torch.nn.functional.normalize(b - cosine * a, dim=1)
    angle = t * cosine.clamp(-1, 1).acos()
    return (a * angle.cos() + across * angle.sin()) * torch.lerp(length_a, length_b, t)


def _embedded(extractor: FloatNetwork) -> Callable[[Tensor, Tensor], Tensor]:
    def distance(a: Tensor, b: Tensor) -> Tensor:
        return embedding_distance(extractor.name, extractor.of_float(a)[0], extractor.of_float(b)[0])

    return distance


def _trimmed(values: Tensor, discard: float) -> Tensor:
    """Without those below the lower and above the upper quantile."""
    low, high = torch.quantile(values, values.new_tensor([discard, 1 - discard]))
    return values[(values >= low) & (values <= high)]
