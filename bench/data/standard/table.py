"""Every standard set, in the order in which they are listed. A new set is one declaration and one name here."""

from bench.data.standard.celeba import CELEBA
from bench.data.standard.cifar import CIFAR10, CIFAR100
from bench.data.standard.declaration import StandardSet
from bench.data.standard.digits import DIGITS
from bench.data.standard.facades import FACADES
from bench.data.standard.mnist import FASHION_MNIST, MNIST
from bench.data.standard.stacked import STACKED_DIGITS, STACKED_MNIST
from bench.data.standard.stl10 import STL10

SETS: dict[str, StandardSet] = {
    one.name: one
    for one in (
        DIGITS,
        MNIST,
        FASHION_MNIST,
        CIFAR10,
        CIFAR100,
        STACKED_DIGITS,
        STACKED_MNIST,
        CELEBA,
        STL10,
        FACADES,
    )
}
