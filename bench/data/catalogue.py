"""What is known about each data set before it is prepared: the table behind `bench data list`."""

from dataclasses import dataclass

from bench.data.names import parse
from bench.errors import unknown


@dataclass(frozen=True)
class Description:
    """A data set in words and numbers. None: depends on the files."""

    name: str  # as it is asked for, e.g. "mnist" or "folder:PATH"
    title: str
    resolution: int | None  # in pixels, when none is asked for
    channels: int | None
    classes: int | None
    train: int | None  # images
    held_out: int | None
    splits: str  # where the splits come from
    files: str  # what is looked for below a data root; empty: nothing is needed
    licence: str
    source: str
    download: bool = False  # whether it can be downloaded


_KNOWN = (
    Description(
        "digits", "scikit-learn's handwritten digits (UCI optdigits, test part), 8 x 8 enlarged to 16 x 16",
        16, 1, 10, 1433, 364, "by content hash, about 80 : 20", "", "CC BY 4.0",
        "Alpaydin and Kaynak 1998, https://doi.org/10.24432/C50P49",
    ),
    Description(
        "mnist", "MNIST handwritten digits, 28 x 28 padded to 32 x 32",
        32, 1, 10, 60_000, 10_000, "official train / test", "MNIST/raw/",
        "usually quoted as CC BY-SA 3.0", "LeCun, Cortes and Burges 1998", True,
    ),
    Description(
        "fashion-mnist", "Fashion-MNIST articles, 28 x 28 padded to 32 x 32",
        32, 1, 10, 60_000, 10_000, "official train / test", "FashionMNIST/raw/", "MIT",
        "Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747", True,
    ),
    Description(
        "cifar10", "CIFAR-10 tiny images", 32, 3, 10, 50_000, 10_000, "official train / test",
        "cifar-10-batches-py/", "none stated; cite the report", "Krizhevsky 2009", True,
    ),
    Description(
        "cifar100", "CIFAR-100 tiny images, fine labels", 32, 3, 100, 50_000, 10_000, "official train / test",
        "cifar-100-python/", "none stated; cite the report", "Krizhevsky 2009", True,
    ),
    Description(
        "folder:PATH", "any folder of images, nested or not; subfolders are classes",
        None, None, None, None, None, "train/ and test/ subfolders, else 10 % by content hash", "PATH", "yours", "yours",
    ),
)  # fmt: skip
KNOWN = {description.name.partition(":")[0]: description for description in _KNOWN}


def names() -> list[str]:
    """Every data set that can be asked for, e.g. "mnist", "folder:PATH"."""
    return [description.name for description in _KNOWN]


def describe(name: str) -> Description:
    """What is known about a data set; an argument ("folder:photos") makes no difference. Raises UserError."""
    family = parse(name).family
    if family not in KNOWN:
        raise unknown("data set", name, names())
    return KNOWN[family]
