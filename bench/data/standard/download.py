"""Downloads, each into a root that is thrown away unless all went well. Nothing is kept that has not its published sha256.

The sums are of the published files: those of MNIST, Fashion-MNIST, STL-10 and CelebA as TensorFlow Datasets lists them
(url_checksums/), those of CIFAR as Keras and torchvision's own data sets do. https comes first; plain http serves only as a
second source, and its bytes are checked all the same.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.data.imports.archives import untar
from bench.data.limits import open_regular

MNIST = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")
MNIST_FILES = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
FASHION = (
    "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
)
FASHION_FILES = {
    "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}
TORONTO = ("https://www.cs.toronto.edu/~kriz",)
CIFAR10 = ("cifar-10-python.tar.gz", "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce")
CIFAR100 = ("cifar-100-python.tar.gz", "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7")
STANFORD = ("https://cs.stanford.edu/~acoates/stl10", "http://ai.stanford.edu/~acoates/stl10")
STL10 = ("stl10_binary.tar.gz", "f31fd99273a1acb8609c8db427cebb1de3f71de77758cdc0e22956e1289b9866")
CELEBA_FILES = {
    "img_align_celeba.zip": "46fb89443c578308acf364d7d379fe1b9efb793042c0af734b6112e4fd3a8c74",
    "list_attr_celeba.txt": "f0e5da289d5ccf75ffe8811132694922b60f2af59256ed362afa03fefba324d0",
    "list_eval_partition.txt": "fc955bcb3ef8fbdf7d5640d9a8693a8431b5f2ee291a5c1449a1549e7e073fe7",
}


def mnist(root: Path) -> None:
    """MNIST into `root`/MNIST/raw."""
    for name, digest in MNIST_FILES.items():
        fetch(MNIST, root / "MNIST" / "raw" / name, digest)


def fashion_mnist(root: Path) -> None:
    """Fashion-MNIST into `root`/FashionMNIST/raw."""
    for name, digest in FASHION_FILES.items():
        fetch(FASHION, root / "FashionMNIST" / "raw" / name, digest)


def cifar10(root: Path) -> None:
    """CIFAR-10 into `root`/cifar-10-batches-py."""
    fetch_archive(TORONTO, root, *CIFAR10)


def cifar100(root: Path) -> None:
    """CIFAR-100 into `root`/cifar-100-python."""
    fetch_archive(TORONTO, root, *CIFAR100)


def stl10(root: Path) -> None:
    """STL-10 into `root`/stl10_binary."""
    fetch_archive(STANFORD, root, *STL10)


def celeba(root: Path) -> None:
    """CelebA (aligned, cropped) into `root`/celeba. Google Drive; torchvision needs the package gdown for it."""
    from torchvision.datasets import CelebA

    CelebA(str(root), split="all", download=True)
    for name, digest in CELEBA_FILES.items():
        require(root / "celeba" / name, digest)


def fetch(addresses: Sequence[str], target: Path, digest: str) -> None:
    """The file `target.name` from the first address that gives it. Raises OSError or RuntimeError where none does."""
    from torch.hub import download_url_to_file

    target.parent.mkdir(parents=True, exist_ok=True)
    problems = []
    for address in addresses:
        try:
            download_url_to_file(f"{address}/{target.name}", str(target), progress=sys.stderr.isatty())
            require(target, digest)
            return
        except (OSError, RuntimeError, ValueError) as error:
            problems.append(f"{address}: {error}")
            target.unlink(missing_ok=True)
    raise RuntimeError(f"{target.name}: " + "; ".join(problems))


def fetch_archive(addresses: Sequence[str], root: Path, name: str, digest: str) -> None:
    """An archive, unpacked into `root`."""
    target = root / name
    fetch(addresses, target, digest)
    with open_regular(target) as file:
        untar(target, file, root)
    target.unlink()


def require(path: Path, digest: str) -> None:
    """Raise RuntimeError unless a file has this sha256."""
    whole = hashlib.sha256()
    with open_regular(path) as file:
        while block := file.read(1 << 20):
            whole.update(block)
    if whole.hexdigest() != digest:
        raise RuntimeError(
            f"{path.name} has sha256 {whole.hexdigest()[:12]}, published is {digest[:12]}: damaged or altered"
        )
