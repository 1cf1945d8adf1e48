"""Score images made anywhere against a data set, other images, or reference statistics. No training.

Both sides go one way: a source is read by `bench.data.read_images` at its own size, and by the same rule for both.
Sizes change only where a resolution is asked for, and then on both sides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from bench import data
from bench.data.image_set import ImageSet
from bench.data.names import parse as parse_name
from bench.data.standard.table import SETS
from bench.errors import UserError
from bench.features import networks
from bench.features.sample import Extractor, Sample
from bench.features.statistics import Statistics
from bench.metrics.defaults import default_ids
from bench.metrics.inputs import EvaluationInputs
from bench.metrics.measure import Measurement, Side, measure
from bench.metrics.preconditions import applicable
from bench.metrics.reference_statistics import holds_statistics, read_statistics

LOSSY = "read from JPEG files: their losses are scored too"
Say = Callable[[str], None]
Source = str | Path | ImageSet
Read = Callable[[Source], ImageSet | Statistics]


@dataclass(frozen=True)
class Reference:
    """The real side: what the fakes are compared with."""

    name: str  # of the data set; "" for anything else
    train: Side
    held_out: Side | None  # None: the images have no such split
    classes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...] | None:
        """(C, H, W) of its images; None for statistics."""
        return tuple(self.train.images.shape[1:]) if isinstance(self.train, Sample) else None


def score(
    real: Source,
    fake: Source,
    metrics: Sequence[str] | None = None,
    *,
    resolution: int | None = None,
    data_root: Path | None = None,
    device: str | torch.device = "cpu",
    skip_broken: bool = False,
    say: Say = lambda note: None,
) -> list[Measurement]:
    """Measure the images at ``fake`` against ``real``.

    Args:
        real: A data set ("cifar10"), or images as for ``fake``. A folder with train/ and test/ has two splits, any other
            images are used whole and have no held-out split. Or an .npz of reference statistics (mu, sigma).
        fake: A folder, .npz, .npy, .zip, .tar or parquet of images, all of one size; or statistics, which serve FID only.
            Either side may be an `ImageSet` in memory too, which keeps its size.
        metrics: Ids as in ``fid@digits-cnn:held-out``. None: the defaults that can be measured on what there is.
        resolution: The central square of every image is resized to so many pixels, on both sides. None: nothing is resized,
            but a data set that comes in several sizes, or has another size than the fakes, is prepared at theirs.
        data_root: A torchvision-style root that is looked at before anything is downloaded.
        device: Where features are computed.
        skip_broken: Leave out broken files of a folder, on both sides.
        say: Told what was understood of the files, left out or changed, a line each.

    Raises:
        UserError: Anything that the user can fix; nothing is scored then.
    """
    load = partial(networks.load, device=str(device))
    reference, subject, made_lossy = both_sides(
        real, fake, resolution=resolution, data_root=data_root, skip_broken=skip_broken, say=say
    )
    inputs = EvaluationInputs(reference.train, reference.held_out, subject)
    ids = list(metrics) if metrics else _defaults(reference, inputs, load)
    found = measure(ids, inputs.train, inputs.held_out, inputs.fake, load)
    lossy = (LOSSY,) if made_lossy else ()
    return [replace(item, flags=(*item.flags, *lossy)) for item in found]


def both_sides(
    real: Source,
    fake: Source,
    *,
    resolution: int | None = None,
    data_root: Path | None = None,
    skip_broken: bool = False,
    say: Say = lambda note: None,
) -> tuple[Reference, Side, bool]:
    """The two sides of a comparison, read and fitted to each other as `score` says; and whether the fakes were JPEG files.

    Raises UserError.
    """
    read = partial(_read, resolution=resolution, skip_broken=skip_broken)
    made = read(fake)
    reference = _reference(real, made, resolution, data_root, read, say)
    if isinstance(made, Statistics):
        return reference, made, False
    return reference, _sample(_fitted(made, reference, real, say), _shown(fake)), made.lossy


def _read(source: Source, resolution: int | None, skip_broken: bool) -> ImageSet | Statistics:
    """Statistics where the file holds them, images otherwise."""
    if isinstance(source, ImageSet):
        if resolution is not None:
            raise UserError(
                f"{source.name}: images in memory keep their size. Resize them, and leave out the resolution."
            )
        return source
    path = data.source_path(source) or Path(source)
    return (
        read_statistics(path)
        if holds_statistics(path)
        else data.read_images(source, resolution=resolution, skip_broken=skip_broken)
    )


def _shown(source: Source) -> str:
    return source.name if isinstance(source, ImageSet) else str(source)


def _reference(
    real: Source, made: ImageSet | Statistics, resolution: int | None, data_root: Path | None, read: Read, say: Say
) -> Reference:
    if not isinstance(real, ImageSet) and data.source_path(real) is None:
        return _data_set(str(real), made, resolution, data_root, say)
    found = read(real)
    if isinstance(found, Statistics):
        return Reference("", found, found)
    for note in found.notes:
        say(f"real: {note}")
    train, held_out = (_sample(found.part(part), _shown(real), keep=True) for part in (False, True))
    return Reference("", train, None if found.held_out is None else held_out, found.classes)


def _data_set(
    name: str, made: ImageSet | Statistics, resolution: int | None, data_root: Path | None, say: Say
) -> Reference:
    """A data set by name, at the size of the fakes where none is asked for."""
    side = resolution
    if side is None and isinstance(made, ImageSet):
        width, height = made.size
        if width != height:
            raise UserError(
                f"{made.name}: images are {width} x {height} pixels, those of {name} are square. Give --resolution: the "
                f"central square of every image is then resized on both sides."
            )
        padding = _padding(name, made)
        side = width if padding is None else padding[1]
    native = data.describe(name).resolution
    dataset = data.load(name, resolution=side, data_root=data_root)
    if native is not None and native != dataset.resolution:
        say(f"real: {name} is resized from {native} to {dataset.resolution} pixels")
    train, held_out = (
        Sample.of(split.images, split.labels, name=f"{kind} of {name}", keep=True)
        for split, kind in ((dataset.train, "training split"), (dataset.held_out, "held-out split"))
    )
    return Reference(dataset.name, train, held_out, dataset.classes)


def _padding(name: str, made: ImageSet) -> tuple[int, int] | None:
    """From what to what size the data set's own images are padded, where the fakes have the first."""
    declared = SETS.get(parse_name(name).family)
    padded = None if declared is None else declared.padded
    return padded if padded is not None and made.size == (padded[0], padded[0]) else None


def _fitted(made: ImageSet, reference: Reference, real: Source, say: Say) -> ImageSet:
    """The fakes prepared as the real images are: their border, their channels, their classes. Never their size."""
    for note in made.notes:
        say(f"fake: {note}")
    if reference.shape is None:
        return made
    padding = _padding(reference.name, made) if reference.name else None
    if padding is not None:
        edge = (padding[1] - padding[0]) // 2
        border = ((0, 0), (0, 0), (edge, edge), (edge, edge))
        made = replace(made, images=np.pad(made.images, border))
        say(f"fake: padded from {padding[0]} to {padding[1]} pixels with zeros, as {reference.name} is")
    channels, height, width = reference.shape
    if made.size != (width, height):
        raise UserError(
            f"{made.name} has images of {made.size[0]} x {made.size[1]} pixels, {_shown(real)} of {width} x {height}. Equal sizes "
            f"were expected. Give --resolution: the central square of every image is then resized on both sides, which "
            f"changes the scores; or make the images at the size of the others."
        )
    before = len(made.notes)
    made = _labelled(made.with_channels(channels), reference, say)
    for note in made.notes[before:]:
        say(f"fake: {note}")
    return made


def _labelled(made: ImageSet, reference: Reference, say: Say) -> ImageSet:
    """Labels in the numbers of the real side; left out, and said, where they cannot be matched."""
    try:
        return made.with_classes(reference.classes) if reference.classes else made
    except UserError as error:
        say(f"fake: labels are not used: {error}")
        return replace(made, labels=None, classes=())


def _sample(images: ImageSet, name: str, keep: bool = False) -> Sample:
    return Sample.of(images.images, images.labels, name=name, keep=keep)


def _defaults(reference: Reference, inputs: EvaluationInputs, load: Callable[[str], Extractor]) -> list[str]:
    """The ids that apply where none were given."""
    if isinstance(inputs.train, Statistics) or isinstance(inputs.fake, Statistics):
        raise UserError(
            "statistics do not say which network they are of. Name it: --metric fid@inception-v3 (those of pytorch-fid, "
            "TTUR and ADM are of Inception-v3)."
        )
    ids = applicable(default_ids(reference.name), inputs, load)
    if not ids:
        raise UserError(
            f"none of the default metrics can be measured on {len(inputs.fake)} images. Give more images (two at least), or "
            f"name a metric with --metric."
        )
    return ids
