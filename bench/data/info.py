"""`bench data info`: what a prepared set holds."""

from dataclasses import dataclass
from pathlib import Path

from bench.data.catalogue import Description, describe
from bench.data.dataset import DataSet
from bench.data.loading import located, request
from bench.data.standard.declaration import DataRoot
from bench.data.store import store


@dataclass(frozen=True)
class Info:
    """A prepared set, counted."""

    name: str
    description: Description
    digest: str
    preprocessing: str
    shape: tuple[int, int, int]  # (C, H, W)
    source_channels: int  # 0: no pictures to translate
    train: int  # images
    held_out: int
    train_source: int  # unpaired sets: pictures to translate
    held_out_source: int
    classes: dict[str, int]  # name -> images, both splits together
    duplicates: int  # images that are exact copies of another one
    in_both_splits: int  # held-out images that are also in the training split
    layout: tuple[str, ...]  # how the files were understood
    skipped: tuple[str, ...]  # files left out, with the reason
    notes: tuple[str, ...]
    folder: Path
    bytes: int


def info(name: str, *, resolution: int | None = None, data_root: DataRoot = None, skip_broken: bool = False) -> Info:
    """Count a set, preparing it if need be. Raises what `load` raises."""
    wanted = request(name, resolution, located(data_root), skip_broken)
    data = store.load(wanted)
    folder = store.folder() / wanted.key
    manifest = store.read_manifest(folder)
    assert manifest is not None
    return Info(
        name=name,
        description=describe(name),
        digest=data.digest,
        preprocessing=data.preprocessing,
        shape=(data.channels, data.resolution, data.resolution),
        source_channels=data.source_channels,
        train=len(data.train),
        held_out=len(data.held_out),
        train_source=source_count(data, "train"),
        held_out_source=source_count(data, "held_out"),
        classes=dict(zip(manifest["classes"], manifest["class_counts"], strict=True)),
        duplicates=manifest["duplicates"],
        in_both_splits=manifest.get("in_both_splits", 0),
        layout=data.layout,
        skipped=tuple(manifest["skipped"]),
        notes=data.notes,
        folder=folder,
        bytes=sum(manifest["files"].values()),
    )


def source_count(data: DataSet, split: str) -> int:
    """How many pictures there are to translate."""
    source = data.train.source if split == "train" else data.held_out.source
    return 0 if source is None else len(source)
