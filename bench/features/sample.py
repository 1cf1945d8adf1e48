"""A sample: images with their features, computed once per extractor and shared by every metric."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bench.errors import UserError
from bench.features import cache
from bench.features.features import Features
from bench.features.statistics import Statistics, statistics

BATCH = 1000  # images handed to an extractor at a time; it fixes the size of its own passes (bench.features.networks)


class Extractor(Protocol):
    """A feature network, see bench.features.networks."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def preprocessing(self) -> str: ...
    @property
    def classes(self) -> int | None:
        """Length of a logit vector; None when the network has no classifier."""
        ...

    def __call__(self, images: Tensor, /) -> tuple[Tensor, Tensor | None]:
        """Images (N, C, H, W) uint8 => features (N, D) float32 and logits (N, K) or None."""
        ...


def smallest(extractor: Extractor) -> int:
    """Pixels that the shorter side of an image must have; 1 for a network that does not say."""
    return getattr(extractor, "smallest", 1)


@dataclass(frozen=True, eq=False)
class Sample:
    """N images of one kind. ``keep`` keeps features on disk too, for real splits that many runs share."""

    images: Tensor | np.ndarray  # (N, C, H, W) uint8; an array may be a memory map
    labels: Tensor | None = None  # (N,) int64
    digest: str = ""  # sha256 of the content, see ``of``
    name: str = "sample"  # for messages, e.g. "train split of digits"
    keep: bool = False
    _features: dict[str, Features] = field(default_factory=dict, repr=False)
    _statistics: dict[str, Statistics] = field(default_factory=dict, repr=False)

    @classmethod
    def of(
        cls, images: Tensor | np.ndarray, labels: Tensor | np.ndarray | None = None, *, name: str, keep: bool = False
    ) -> "Sample":
        """Check images and labels and take their digest; raises UserError for anything but uint8 (N, C, H, W)."""
        labels = None if labels is None else torch.as_tensor(labels).to(torch.int64)
        if images.ndim != 4 or images.dtype not in (torch.uint8, np.uint8) or images.shape[1] not in (1, 3):
            raise UserError(
                f"{name}: images must be uint8 of shape (N, 1 or 3, H, W), got {images.dtype} {tuple(images.shape)}."
            )
        if labels is not None and labels.shape != (len(images),):
            raise UserError(f"{name}: {len(images)} images need as many labels, got shape {tuple(labels.shape)}.")
        return cls(images, labels, digest(images, labels), name, keep)

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, start: int, stop: int) -> Tensor:
        """Images ``start`` to ``stop`` as a tensor of its own."""
        part = self.images[start:stop]
        return part if isinstance(part, Tensor) else torch.from_numpy(np.array(part))

    @cached_property
    def channels(self) -> "Sample":
        """Every channel as an image of its own, (N C, 1, H, W), in the order of the images."""
        images = self.images.reshape(-1, 1, *self.images.shape[2:])
        return Sample(images, None, f"{self.digest} by channel", f"channels of {self.name}", self.keep)

    def features(self, extractor: Extractor) -> Features:
        """The features of all images, computed once; raises UserError when one is not a finite number."""
        key = _key(extractor)
        if key not in self._features:
            tensors = self._cached("features", extractor, lambda: self._extract(extractor))
            self._features[key] = Features(tensors["features"], tensors.get("logits"), self.labels)
        return self._features[key]

    def statistics(self, extractor: Extractor) -> Statistics:
        """Mean and covariance of the features; from the disk without a look at the features where they are kept."""
        key = _key(extractor)
        if key not in self._statistics:
            tensors = self._cached("statistics", extractor, lambda: _pack(statistics(self.features(extractor))))
            self._statistics[key] = _unpack(tensors, len(self))
        return self._statistics[key]

    def _cached(self, kind: str, extractor: Extractor, compute: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
        if not self.keep:
            return compute()
        key = dict(
            kind=kind, sample=self.digest, count=str(len(self)), extractor=extractor.name, weights=extractor.digest,
            preprocessing=extractor.preprocessing, torch=torch.__version__,
        )  # fmt: skip
        return cache.get(key, compute)

    @torch.inference_mode()
    def _extract(self, extractor: Extractor) -> dict[str, Tensor]:
        features, logits = [], []
        for start in range(0, len(self), BATCH):
            found, scores = self._run(extractor, self.batch(start, start + BATCH))
            features.append(found.cpu())
            logits.append(None if scores is None else scores.cpu())
        tensors = {"features": torch.cat(features).clone()}
        if logits[0] is not None:
            tensors["logits"] = torch.cat([part for part in logits if part is not None]).clone()
        for kind, values in tensors.items():
            self._refuse_non_finite(values, kind, extractor)
        return tensors

    def _run(self, extractor: Extractor, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """One batch through an extractor, which may be anybody's: what it raises and gives is checked."""
        try:
            found, scores = extractor(images)
            right = found.ndim == 2 and len(found) == len(images) and found.is_floating_point()
            right = right and (scores is None or (scores.ndim == 2 and len(scores) == len(images)))
        except (UserError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            raise UserError(
                f"{self.name}: extractor {extractor.name!r} failed on images of shape {tuple(images.shape)}: "
                f"{type(error).__name__}: {error}. Report this to its author, or use another."
            ) from error
        if not right:
            raise UserError(
                f"{self.name}: extractor {extractor.name!r} gave features of shape {tuple(found.shape)} for {len(images)} "
                f"images. Features (N, D) and logits (N, K) or None were expected; report this to its author."
            )
        return found, scores

    def _refuse_non_finite(self, values: Tensor, kind: str, extractor: Extractor) -> None:
        bad = (~torch.isfinite(values).all(1)).nonzero()
        if len(bad):
            raise UserError(
                f"{self.name}: extractor {extractor.name!r} gives NaN or infinity for {len(bad)} of {len(self)} images, "
                f"the first is image {int(bad[0])}. Finite {kind} were expected; check the images and the weights."
            )


def digest(images: Tensor | np.ndarray, labels: Tensor | None = None) -> str:
    """sha256 over shape, pixels and labels: equal content, equal digest, however it was packed."""
    state = hashlib.sha256(f"uint8 {tuple(images.shape)} labels {labels is not None}".encode())
    for start in range(0, len(images), 4096):
        state.update(np.ascontiguousarray(images[start : start + 4096]).data)
    if labels is not None:
        state.update(np.ascontiguousarray(labels.cpu().numpy().astype("<i8")).data)
    return state.hexdigest()


def _key(extractor: Extractor) -> str:
    """What decides the features: two extractors of equal weights may still differ in what they read from them."""
    return f"{extractor.name} {extractor.digest} {extractor.preprocessing}"


def _pack(found: Statistics) -> dict[str, Tensor]:
    parts = dict(mean=found.mean, covariance=found.covariance, factor=found.factor)
    return {name: part for name, part in parts.items() if part is not None}


def _unpack(tensors: dict[str, Tensor], count: int) -> Statistics:
    return Statistics(tensors["mean"], count, tensors.get("covariance"), tensors.get("factor"))
