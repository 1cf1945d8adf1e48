"""Where the files of each standard set lie below a torchvision-style root, and how they are downloaded."""

from pathlib import Path

from bench.data.rows import HELD_OUT, TRAIN
from bench.data.standard import download
from bench.data.standard.locate import DataRoot, Layout, files, find

IDX = {
    TRAIN: ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    HELD_OUT: ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
CIFAR10 = {TRAIN: tuple(f"data_batch_{i}" for i in range(1, 6)), HELD_OUT: ("test_batch",)}
CIFAR100 = {TRAIN: ("train",), HELD_OUT: ("test",)}
STL10 = {TRAIN: ("unlabeled_X.bin",), HELD_OUT: ("test_X.bin",)}
STL10_LABELLED = {TRAIN: ("train_X.bin", "train_y.bin"), HELD_OUT: ("test_X.bin", "test_y.bin")}

# CelebA: any of these names will do for its images, its splits, its attributes.
FACES = ("img_align_celeba", "img_align_celeba.zip")
PARTITION = ("list_eval_partition.txt", "list_eval_partition.csv")
ATTRIBUTES = ("list_attr_celeba.txt", "list_attr_celeba.csv")


def _all(splits: dict[str, tuple[str, ...]], *more: str) -> tuple[str, ...]:
    return (*(name for part in splits.values() for name in part), *more)


def _celeba(folder: Path) -> list[str]:
    return [names[0] for names in (FACES, PARTITION) if not any((folder / name).exists() for name in names)]


def _facades(folder: Path) -> list[str]:
    return [f"{name}/" for name in ("train", "test") if not (folder / name).is_dir()]


LAYOUTS = {
    "mnist": Layout("MNIST/raw", files(_all(IDX)), download.mnist),
    "fashion-mnist": Layout("FashionMNIST/raw", files(_all(IDX)), download.fashion_mnist),
    "cifar10": Layout("cifar-10-batches-py", files(_all(CIFAR10)), download.cifar10),
    "cifar100": Layout("cifar-100-python", files(_all(CIFAR100, "meta")), download.cifar100),
    "stl10": Layout("stl10_binary", files(_all(STL10)), download.stl10),
    "stl10:labelled": Layout("stl10_binary", files(_all(STL10_LABELLED)), download.stl10),
    "celeba": Layout("celeba", _celeba, download.celeba),
    "facades": Layout("facades", _facades, None),
}


def locate(name: str, given: DataRoot) -> Path:
    """The folder that holds the files of a standard set, downloaded if need be. Raises UserError."""
    return find(name, LAYOUTS[name], given)


def search(name: str, place: Path) -> Path | None:
    """The folder at or below `place` that holds the files of a standard set; None if there is none."""
    layout = LAYOUTS.get(name)
    if layout is None or not place.is_dir():
        return None
    for depth in range(4):
        folders = sorted(path for path in place.glob("/".join(["*"] * depth)) if path.is_dir()) if depth else [place]
        for folder in folders:
            if not layout.missing(folder):
                return folder
    return None
