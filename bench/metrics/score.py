"""Score images made anywhere: a folder or an .npz against a data set or against reference statistics. No training."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from bench import data
from bench.errors import UserError
from bench.features import networks
from bench.features.sample import Extractor, Sample
from bench.features.statistics import Statistics
from bench.metrics.measure import Measurement, measure
from bench.metrics.reference_statistics import holds_statistics, read_statistics

ALWAYS = ("fid", "fid:held-out", "kid-full", "precision", "recall", "density", "coverage", "vendi", "nearest-train")
CLASSIFIED = ("inception-score", "modes", "mode-kl")
EXTRACTORS = {"cifar10": "cifar10-cnn", "digits": "digits-cnn", "mnist": "mnist-cnn"}  # those made for the set


def score(
    real: str,
    fake: str | Path,
    metrics: Sequence[str] | None = None,
    *,
    resolution: int | None = None,
    data_root: Path | None = None,
    device: str | torch.device = "cpu",
) -> list[Measurement]:
    """Measure the images at ``fake`` against ``real``.

    Args:
        real: A data set ("cifar10", "folder:PATH") or an .npz of reference statistics (mu, sigma), which serves FID only.
        fake: A folder of images, or an .npz with arr_0 uint8 (N, H, W, C) as the ADM evaluator reads it.
        metrics: Ids as in ``fid@digits-cnn:held-out``. None: those that apply, on the extractor made for the data set
            or, for any other, on the one trained on natural images.
        resolution: Pixels of the real images; None: those of the fakes.
        data_root: A torchvision-style root that is looked at before anything is downloaded.
        device: Where features are computed.

    Raises:
        UserError: Anything that the user can mend; nothing is scored then.
    """
    found = Sample.of(_padded(data.read_images(fake).images), name=str(fake))
    train, held_out, name = _real(real, resolution or _side(found), data_root)
    if isinstance(train, Sample) and train.images.shape[1:] != found.images.shape[1:]:
        raise UserError(
            f"{fake} has images of shape {tuple(found.images.shape[1:])}, {real} of {tuple(train.images.shape[1:])} "
            f"(channels, height, width). Equal shapes were expected: resizing would change the scores. Give --resolution, "
            f"or make the images at the size and in the colours of the data set."
        )

    def load(extractor: str) -> Extractor:
        return networks.load(extractor, str(device))

    ids = list(metrics) if metrics else _defaults(name, train)
    flags = ("read from JPEG files: their losses are scored too",) if _holds_jpeg(Path(fake)) else ()
    return [replace(item, flags=item.flags + flags) for item in measure(ids, train, held_out, found, load)]


def _real(real: str, resolution: int, data_root: Path | None) -> tuple[Sample | Statistics, Sample | Statistics, str]:
    """Training side, held-out side, and the name of the data set ("" for reference statistics)."""
    if Path(real).suffix == ".npz" and Path(real).is_file():
        if not holds_statistics(Path(real)):
            raise UserError(
                f"{real}: holds no mu and sigma. As the real side give a data set, folder:PATH, or an .npz of statistics."
            )
        found = read_statistics(Path(real))
        return found, found, ""
    dataset = data.load(real, resolution=resolution, data_root=data_root)
    splits = ((dataset.train, "training split"), (dataset.held_out, "held-out split"))
    train, held_out = (
        Sample.of(split.images, split.labels, name=f"{name} of {real}", keep=True) for split, name in splits
    )
    return train, held_out, dataset.name


def _padded(images: np.ndarray) -> np.ndarray:
    """MNIST at its 28 x 28 gets the black border that bench.data gives it."""
    return np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2))) if images.shape[1:] == (1, 28, 28) else images


def _side(sample: Sample) -> int:
    height, width = sample.images.shape[2:]
    if height != width:
        raise UserError(f"{sample.name}: images are {width} x {height} pixels; square images were expected.")
    return height


def _holds_jpeg(path: Path) -> bool:
    return path.is_dir() and any(file.suffix.lower() in (".jpg", ".jpeg") for file in path.rglob("*"))


def _defaults(name: str, train: Sample | Statistics) -> list[str]:
    """The ids that apply where none were given."""
    if isinstance(train, Statistics):
        raise UserError(
            "reference statistics do not say which network they are of. Name it: --metric fid@inception-v3 (those of "
            "pytorch-fid, TTUR and ADM are of Inception-v3)."
        )
    extractor = EXTRACTORS.get(name, "efficientnet-lite0")
    wanted = [*ALWAYS, *(CLASSIFIED if name in EXTRACTORS else ())]
    return [_with_extractor(metric, extractor) for metric in wanted]


def _with_extractor(metric: str, extractor: str) -> str:
    name, colon, split = metric.partition(":")
    return f"{name}@{extractor}{colon}{split}"
