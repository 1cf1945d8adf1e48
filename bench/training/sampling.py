"""Images from a trained member: whole samples, grids and interpolations. Nothing here depends on a batch size.

Everything that is asked for (latents, classes, sources) is drawn up front on the CPU from one seed, so that the same seed
means the same request on every machine and for every member with the same latents.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from bench.data import DataSet
from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Nets, Prompt
from bench.records.grid import COLUMNS, GAP
from bench.training.loop import Execution

CHUNK = 100  # images per pass; fixed, because noise inside a generator is seeded per chunk
GREY = 128  # the line between two images of a grid


@dataclass(frozen=True)
class SampleRequest:
    """What a whole sample is asked for, on the CPU."""

    count: int
    seed: int
    latents: Float[Tensor, "N Z"] | None = None
    labels: Int[Tensor, "N"] | None = None
    source: UInt8[Tensor, "N S H W"] | None = None
    truncation: float = 1.0


def request(gan: GAN, dataset: DataSet | None, count: int, seed: int) -> SampleRequest:
    """`count` images: latents of the member's prior, classes as frequent as in training, held-out sources in turn.

    The sources of a member that reconstructs are the held-out images themselves.
    """
    random = torch.Generator().manual_seed(seed)
    latents = gan.latents(count, random) if gan.latents else None
    labels = source = None
    if dataset is not None and dataset.train.labels is not None:
        rows = np.random.default_rng(seed).integers(len(dataset.train.labels), size=count)
        labels = torch.from_numpy(np.asarray(dataset.train.labels)[rows].astype(np.int64))
    pictures = None if dataset is None else sources(gan, dataset)
    if pictures is not None:
        source = torch.from_numpy(np.asarray(pictures[np.arange(count) % len(pictures)]))
    return SampleRequest(count, seed, latents, labels, source)


def sources(gan: GAN, dataset: DataSet) -> np.ndarray | None:
    """The held-out pictures that the member is given to translate or to rebuild, (M, C, H, W) uint8; None: it needs none."""
    return dataset.held_out.images if gan.task == "reconstruction" else dataset.held_out.source


def targets(gan: GAN, dataset: DataSet, count: int) -> np.ndarray | None:
    """What the images of a request should be, (count, C, H, W) uint8: for members that rebuild or translate paired sources."""
    held_out = dataset.held_out
    translates = gan.task in ("paired", "unpaired") and held_out.source is not None and held_out.paired
    if gan.task != "reconstruction" and not translates:
        return None
    return np.asarray(held_out.images[np.arange(count) % len(held_out)])


def labelled(asked: SampleRequest, labels: Int[Tensor, "N"], truncation: float = 1.0) -> SampleRequest:
    """The same request with these classes."""
    return replace(asked, labels=labels, truncation=truncation)


def grid_request(gan: GAN, dataset: DataSet, seed: int = 0, rows: int = COLUMNS) -> SampleRequest:
    """Eight columns of uncurated images; for a conditional member one trained class per row, at most ten."""
    known = dataset.train.labels if gan.task == "conditional" else None
    if known is None:
        return request(gan, dataset, COLUMNS * rows, seed)
    classes = torch.from_numpy(np.unique(known)[:10].astype(np.int64))
    asked = request(gan, dataset, COLUMNS * len(classes), seed)
    return labelled(asked, classes.repeat_interleave(COLUMNS))


def interpolation_request(
    gan: GAN, dataset: DataSet | None, seed: int = 0, rows: int = 6, steps: int = 10
) -> SampleRequest:
    """Rows of `steps` images between two latents each. Raises UserError for a member without latents."""
    if gan.latents is None:
        raise UserError("this member has no latents to interpolate between. Use --grid.")
    ends = request(gan, dataset, 2 * rows, seed)
    assert ends.latents is not None
    weights = torch.linspace(0, 1, steps)
    latents = torch.cat([slerp(pair[0], pair[1], weights) for pair in ends.latents.unflatten(0, (rows, 2))])
    labels = None if ends.labels is None else ends.labels[:rows].repeat_interleave(steps)
    return SampleRequest(rows * steps, seed, latents, labels)


def generate(
    gan: GAN, nets: Nets, asked: SampleRequest, spec: ImageSpec, execution: Execution
) -> UInt8[Tensor, "N C H W"]:
    """The images, on the CPU.

    Raises UserError when the member's `generate` breaks its contract: shape, float type, finite values in [-1, 1].
    """
    return torch.cat([quantise(images).cpu() for images in raw(gan, nets, asked, spec, execution)])


def raw(gan: GAN, nets: Nets, asked: SampleRequest, spec: ImageSpec, execution: Execution) -> Iterator[Tensor]:
    """The images chunk by chunk as the member gives them, float in [-1, 1] on the device."""
    for start in range(0, asked.count, CHUNK):
        prompt = _prompt(asked, start, min(CHUNK, asked.count - start), execution.device)
        with torch.no_grad(), execution.autocast():  # not a decorator: around a generator function it may not hold
            images = gan.generate(nets, prompt)
        yield verified(images, prompt.count, spec).float()


def verified(images: Tensor, count: int, spec: ImageSpec) -> Float[Tensor, "N C H W"]:
    """The images if they are as the contract says, else a UserError that says what is wrong."""
    wanted = (count, spec.channels, spec.resolution, spec.resolution)
    if tuple(images.shape) != wanted:
        raise UserError(
            f"generate returned shape {tuple(images.shape)}, expected {wanted}: (N, C, H, W). Fix the member."
        )
    if not images.is_floating_point():
        raise UserError(f"generate returned {images.dtype}, expected floating point in [-1, 1]. Fix the member.")
    if not bool(images.isfinite().all()):
        raise UserError("generate returned NaN or infinite values, expected finite ones in [-1, 1]. Fix the member.")
    low, high = float(images.min()), float(images.max())
    if low < -1.01 or high > 1.01:
        raise UserError(
            f"generate returned values from {low:.3g} to {high:.3g}, expected [-1, 1]. "
            "End in tanh, or clamp in the member's generate."
        )
    return images


def tile(images: UInt8[Tensor, "N C H W"], columns: int = COLUMNS) -> UInt8[Tensor, "C height width"]:
    """One picture of many, with a thin grey line between neighbours."""
    rows = -(-len(images) // columns)
    framed = torch.nn.functional.pad(images, (0, GAP, 0, GAP), value=GREY)
    missing = rows * columns - len(images)
    full = torch.cat([framed, framed.new_full((missing, *framed.shape[1:]), GREY)])
    picture = full.unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4).flatten(3, 4).flatten(1, 2)
    return picture[:, :-GAP, :-GAP]


def _prompt(asked: SampleRequest, start: int, count: int, device: torch.device) -> Prompt:
    part = slice(start, start + count)
    source = None if asked.source is None else dequantise(asked.source[part].to(device))
    return Prompt(
        count,
        torch.Generator(device).manual_seed(asked.seed * 1_000_003 + start),
        None if asked.latents is None else asked.latents[part].to(device),
        None if asked.labels is None else asked.labels[part].to(device),
        source,
        asked.truncation,
    )


def slerp(
    start: Float[Tensor, "Z"], end: Float[Tensor, "Z"], weights: Float[Tensor, "steps"]
) -> Float[Tensor, "steps Z"]:
    """Spherical interpolation (Shoemake 1985; White 2016, arXiv:1609.04468), which keeps the norm of Gaussian latents."""
    cosine = torch.dot(start, end) / (start.norm() * end.norm())
    angle = torch.acos(cosine.clamp(-1 + 1e-6, 1 - 1e-6))
    w = weights[:, None]
    return (torch.sin((1 - w) * angle) * start + torch.sin(w * angle) * end) / torch.sin(angle)


def prompt(gan: GAN, spec: ImageSpec, count: int, seed: int = 0, labels: Sequence[int] | None = None) -> Prompt:
    """A request for `count` images of classes in turn, from sources that differ."""
    random = torch.Generator().manual_seed(seed)
    latents = gan.latents(count, random) if gan.latents else None
    classes = torch.arange(count) % spec.classes if spec.classes else None
    if labels is not None:
        classes = torch.tensor(labels)
    size = (spec.resolution, spec.resolution)
    channels = spec.channels if gan.task == "reconstruction" else spec.source_channels
    source = torch.rand(count, channels, *size, generator=random) * 2 - 1 if channels else None
    return Prompt(count, random, latents, classes, source)


def quantise(images: Float[Tensor, "*shape"]) -> UInt8[Tensor, "*shape"]:
    """Images in [-1, 1] => uint8: clamp, map -1 to 0 and 1 to 255, round half to even. The one place where this is done."""
    if not torch.isfinite(images).all():
        raise UserError("images to be quantised hold NaN or infinity; numbers in [-1, 1] were expected.")
    return images.float().clamp(-1, 1).add(1).mul(127.5).round().to(torch.uint8)


def dequantise(images: UInt8[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """uint8 images => float32 in [-1, 1]; ``quantise`` undoes it exactly."""
    return images.float().div(127.5).sub(1)
