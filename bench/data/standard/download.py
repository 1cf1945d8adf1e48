"""Downloads through torchvision, which knows the addresses and checks the md5 sums of the files."""

from pathlib import Path


def mnist(root: Path) -> None:
    """MNIST into `root`/MNIST/raw."""
    from torchvision.datasets import MNIST

    MNIST(str(root), download=True)


def fashion_mnist(root: Path) -> None:
    """Fashion-MNIST into `root`/FashionMNIST/raw."""
    from torchvision.datasets import FashionMNIST

    FashionMNIST(str(root), download=True)


def cifar10(root: Path) -> None:
    """CIFAR-10 into `root`/cifar-10-batches-py."""
    from torchvision.datasets import CIFAR10

    CIFAR10(str(root), download=True)


def cifar100(root: Path) -> None:
    """CIFAR-100 into `root`/cifar-100-python."""
    from torchvision.datasets import CIFAR100

    CIFAR100(str(root), download=True)


def stl10(root: Path) -> None:
    """STL-10 into `root`/stl10_binary."""
    from torchvision.datasets import STL10

    STL10(str(root), split="unlabeled", download=True)


def celeba(root: Path) -> None:
    """CelebA (aligned, cropped) into `root`/celeba. Google Drive; torchvision needs the package gdown for it."""
    from torchvision.datasets import CelebA

    CelebA(str(root), split="all", download=True)
