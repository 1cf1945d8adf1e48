"""Images in, features and logits out: the one class that every extractor is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.errors import UserError
from bench.features.networks.cards import Card

LUMA = (299.0, 587.0, 114.0)  # ITU-R BT.601, in thousandths: a grey RGB image gives exactly its grey values
LARGEST = 1024  # pixels of a side
Network = Callable[[Tensor], tuple[Tensor, Tensor | None]]


class Preparation(Protocol):
    """From images to what the network takes. `str()` of it is the canonical line of the protocol."""

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 1 or 3, H, W) uint8, or float in [0, 255] => (N, C, R, R)."""
        ...


@dataclass(frozen=True)
class Resize:
    """Channels as the network wants them, then an antialiased bilinear resize, then pixels in [0, 1]."""

    channels: int  # 1 or 3
    resolution: int  # pixels
    pad_28: bool = False  # MNIST's 28 x 28 gets a black border of 2, as bench.data gives it, instead of being enlarged

    def __call__(self, images: Tensor) -> Tensor:
        """(N, 1 or 3, H, W) in [0, 255] => (N, channels, resolution, resolution) float32 in [0, 1]."""
        x = images.float()
        if images.shape[1] > self.channels:
            x = (x * x.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True) / 1000
        if self.pad_28 and x.shape[2:] == (28, 28):
            x = F.pad(x, (2, 2, 2, 2))
        size = (self.resolution, self.resolution)
        if x.shape[2:] != size:
            x = F.interpolate(x, size, mode="bilinear", antialias=True, align_corners=False)
        return x.expand(-1, self.channels, -1, -1) / 255

    def __str__(self) -> str:
        colour = "RGB (grey repeated)" if self.channels == 3 else "grey (BT.601 luma)"
        pad = "28x28 zero-padded to 32x32; " if self.pad_28 else ""
        side = self.resolution
        return f"{colour}; {pad}resize {side}x{side} bilinear antialias half-pixel; float32 in [0, 1]"


SMALLEST = 8  # pixels: of any image that is scored


@dataclass(frozen=True)
class Extractor:
    """A feature network with everything that can move a score: weights' digest and preprocessing.

    Images are processed in pieces of fixed size (the last one is filled up), so that neither the number of images nor
    the caller's batch size selects another numerical kernel.
    """

    card: Card
    prepare: Preparation
    network: Network  # in evaluation mode, on `device`
    device: torch.device
    piece: int = 128  # images per forward pass; a power of two keeps vector lanes and threads aligned

    @property
    def name(self) -> str:
        """The name that metrics carry, as in ``fid@digits-cnn``."""
        return self.card.name

    @property
    def digest(self) -> str:
        """Sha256 of the weight file, hexadecimal."""
        return self.card.digest

    @property
    def preprocessing(self) -> str:
        """One canonical line."""
        return str(self.prepare)

    @property
    def smallest(self) -> int:
        """Pixels that the shorter side of an image must have."""
        return getattr(self.prepare, "smallest", SMALLEST)

    @property
    def width(self) -> int:
        """Length of a feature vector."""
        return self.card.width

    @property
    def classes(self) -> int | None:
        """Length of a logit vector; None when the network has no classifier."""
        return self.card.classes

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features and logits of `images`.

        Args:
            images: (N, C, H, W) uint8, C 1 or 3, H and W from 8 to 1024, on any device.

        Returns:
            Features (N, width) float32 and logits (N, classes) float32 or None, on the extractor's device.

        Raises:
            UserError: The images have another type or shape, or there is none.
        """
        _check(images)
        return self._in_pieces(images)

    def of_float(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features and logits of images (N, C, H, W) float in [-1, 1] that were not quantised, for path lengths.

        Raises:
            UserError: The network reads 8-bit images only.
        """
        return self._in_pieces((images.float() + 1) * 127.5)

    @torch.no_grad()
    def _in_pieces(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        pairs = [self._forward(part) for part in images.split(self.piece)]
        features = torch.cat([features for features, _ in pairs])
        logits = [logits for _, logits in pairs if logits is not None]
        return features, torch.cat(logits) if logits else None

    def _forward(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        count = len(images)
        filled = torch.cat([images, images[-1:].expand(self.piece - count, -1, -1, -1)])
        features, logits = self.network(self.prepare(filled.to(self.device)))
        return features[:count].float(), None if logits is None else logits[:count].float()


def _check(images: Tensor) -> None:
    expected = "expected uint8 images of shape (N, 1 or 3, H, W), N at least 1, H and W from 8 to 1024"
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise UserError(f"extractor: got {images.dtype} of shape {tuple(images.shape)}; {expected}.")
    count, channels, height, width = images.shape
    if count < 1 or channels not in (1, 3) or not (8 <= height <= LARGEST and 8 <= width <= LARGEST):
        raise UserError(f"extractor: got shape {tuple(images.shape)}; {expected}.")
