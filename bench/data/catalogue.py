"""What is known about each data set before it is prepared: the table behind `bench data list`."""

from dataclasses import dataclass

from bench.data.imports import imported
from bench.data.names import parse
from bench.data.rows import HELD_OUT, TRAIN
from bench.data.store import store
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
    shown: bool = False  # whether its images may stand in a report: never faces, nor what is somebody's own


_KNOWN = (
    Description(
        "digits", "scikit-learn's handwritten digits (UCI optdigits, test part), 8 x 8 enlarged to 16 x 16",
        16, 1, 10, 1433, 364, "by content hash, about 80 : 20", "", "CC BY 4.0",
        "Alpaydin and Kaynak 1998, https://doi.org/10.24432/C50P49", shown=True,
    ),
    Description(
        "mnist", "MNIST handwritten digits, 28 x 28 padded to 32 x 32",
        32, 1, 10, 60_000, 10_000, "official train / test", "MNIST/raw/",
        "usually quoted as CC BY-SA 3.0", "LeCun, Cortes and Burges 1998", True, shown=True,
    ),
    Description(
        "fashion-mnist", "Fashion-MNIST articles, 28 x 28 padded to 32 x 32",
        32, 1, 10, 60_000, 10_000, "official train / test", "FashionMNIST/raw/", "MIT",
        "Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747", True, shown=True,
    ),
    Description(
        "cifar10", "CIFAR-10 tiny images", 32, 3, 10, 50_000, 10_000, "official train / test",
        "cifar-10-batches-py/", "none stated; cite the report", "Krizhevsky 2009", True, shown=True,
    ),
    Description(
        "cifar100", "CIFAR-100 tiny images, fine labels", 32, 3, 100, 50_000, 10_000, "official train / test",
        "cifar-100-python/", "none stated; cite the report", "Krizhevsky 2009", True, shown=True,
    ),
    Description(
        "stacked-digits", "three random digits of `digits` as the channels of one image: 1000 modes",
        16, 3, 1000, 25_600, 5_200, "from the splits of digits", "", "CC BY 4.0", "as stacked-mnist, a fifth of its size",
        shown=True,
    ),
    Description(
        "stacked-mnist", "three random MNIST digits as the channels of one image: 1000 modes",
        32, 3, 1000, 128_000, 26_000, "from the splits of MNIST", "MNIST/raw/", "usually quoted as CC BY-SA 3.0",
        "Srivastava et al. 2017 (VEEGAN), Lin et al. 2018 (PacGAN)", True, shown=True,
    ),
    Description(
        "celeba", "CelebA faces, aligned; the central 148 x 148 resized; celeba:Smiling for classes",
        64, 3, 0, 162_770, 19_962, "official train / test (valid is left for tuning)", "celeba/",
        "non-commercial research only", "Liu, Luo, Wang and Tang 2015, arXiv:1411.7766", True,
    ),
    Description(
        "stl10", "STL-10, 96 x 96 resized; the unlabelled images (stl10:labelled: 5,000 of ten classes)",
        64, 3, 0, 100_000, 8_000, "official unlabelled (or train) / test", "stl10_binary/", "none stated; cite the paper",
        "Coates, Lee and Ng 2011", True, shown=True,
    ),
    Description(
        "facades", "CMP Facades as pix2pix ships them: label map to photograph",
        None, 3, 0, 400, 106, "official train / test (val is left for tuning)", "facades/", "CMP Facade Database terms",
        "Tylecek and Sara 2013; Isola et al. 2017, arXiv:1611.07004", shown=True,
    ),
    Description(
        "folder:PATH", "any folder of images, nested or not; subfolders are classes",
        None, None, None, None, None, "train/ and test/ subfolders, else 10 % by content hash", "PATH", "yours", "yours",
    ),
    Description(
        "pairs:PATH", "A|B pictures side by side, or folders A and B; ?source=right (B) or left (A)",
        None, None, 0, None, None, "train/ and test/ subfolders, else 10 % by content hash", "PATH", "yours", "yours",
    ),
    Description(
        "unpaired:PATH_A,PATH_B", "two folders of images, A to be translated to B; or one with trainA/, trainB/, ...",
        None, None, 0, None, None, "train/ and test/ subfolders, else 10 % by content hash", "PATH", "yours", "yours",
    ),
)  # fmt: skip
KNOWN = {description.name.partition(":")[0]: description for description in _KNOWN}


def names() -> list[str]:
    """Every data set that can be asked for, e.g. "mnist", "folder:PATH"; those that were imported come last."""
    return [description.name for description in _KNOWN] + imported.names()


def describe(name: str) -> Description:
    """What is known about a data set; an argument ("folder:photos") makes no difference. Raises UserError."""
    family = parse(name).family
    if family in KNOWN:
        return KNOWN[family]
    if name in imported.names():
        return describe_imported(name)
    raise unknown("data set", name, names())


def describe_imported(name: str) -> Description:
    """From the manifest of its prepared form."""
    manifest = store.read_manifest(imported.folder(name))
    assert manifest is not None
    channels, resolution, _ = manifest["shapes"]["images"]
    counts = manifest["counts"]
    return Description(
        name, "imported", resolution, channels, len(manifest["classes"]), counts[f"{TRAIN}/images"],
        counts[f"{HELD_OUT}/images"], "as imported", "", "yours", "yours",
    )  # fmt: skip
