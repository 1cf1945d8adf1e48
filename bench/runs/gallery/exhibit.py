"""One file that a trained member leaves beside its record, and all that such files are made from."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from bench.data import DataSet
from bench.features.sample import Extractor, Sample
from bench.gan import GAN
from bench.records.parts import Kept
from bench.runs.gallery.image_files import encode
from bench.training.sampling import SampleRequest


@dataclass(frozen=True)
class ArtifactFile:
    """One file."""

    kind: str
    suffix: str  # ".png", ".webp", ".csv"; "" where there is no file
    content: bytes
    note: str = ""  # what a reader must know of this one, e.g. the classes of its rows
    status: Kept = "kept"
    reason: str = ""  # why there is no file


@dataclass(frozen=True)
class GalleryContext:
    """A trained member with everything that its exhibits are made from."""

    gan: GAN
    dataset: DataSet
    draw: Callable[[SampleRequest], Tensor]  # -> (N, C, H, W) uint8 on the CPU
    fake: Sample  # a scored one
    train: Sample
    held_out: Sample
    metrics: tuple[str, ...]  # ids, the ranking one first
    load: Callable[[str], Extractor]
    shows_data: bool  # whether real images may be kept

    @property
    def refusal(self) -> str:
        """Why real images are not kept."""
        return (
            f"it holds real images of {self.dataset.name}, which are not for republishing. "
            "To keep it: show_data = true in the suite file"
        )


Maker = Callable[[GalleryContext], list[ArtifactFile]]  # empty: the member has nothing of this kind


def absent(kind: str, status: Kept, reason: str) -> ArtifactFile:
    """No file, and why: ``not kept`` what could be made and must not be published, ``not made`` what failed."""
    return ArtifactFile(kind, "", b"", status=status, reason=f"{status}: {reason}")


def picture(kind: str, images: Tensor, columns: int, note: str = "") -> ArtifactFile:
    """Images (N, C, H, W) uint8 as one exhibit."""
    content, suffix = encode(images, columns)
    return ArtifactFile(kind, suffix, content, note)
