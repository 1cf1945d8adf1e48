"""How each shipped extractor was trained: data set, network, augmentation, optimiser."""

from dataclasses import dataclass

from bench.features.fitting.augment import Augment, FlipAndShift, RandomAffine
from bench.features.networks.architectures import ConvNetSpec


@dataclass(frozen=True)
class Recipe:
    """One training: everything but the machine it ran on. Changing a field makes another network."""

    purpose: str  # for the card
    dataset: str
    network: ConvNetSpec
    augment: Augment
    epochs: int
    batch_size: int
    learning_rate: float  # peak, of the convolutions, for a loss averaged over the batch
    bias_factor: float = 64.0  # shifts learn this many times faster (arXiv:2404.00498, sec. 3.4)
    weight_decay: float = 0.002  # per step, as a fraction of the peak learning rate's step
    momentum: float = 0.85  # Nesterov
    label_smoothing: float = 0.2
    rebuild: float = 0.3  # weight of the decoder's mean squared error, pixels normalised
    warm_up: float = 0.23  # the peak of the triangular schedule, as a fraction of the training
    average_every: int = 5  # steps between two of Lookahead's averages
    precision: str = "bf16"  # of the convolutions' arithmetic; weights, gradients' sums and averages are float32
    seed: int = 0


RECIPES: dict[str, Recipe] = {
    "digits-cnn": Recipe(
        purpose="8 x 8 handwritten digits enlarged to 16 x 16; the demo and the CI gate",
        dataset="digits",
        network=ConvNetSpec(1, 16, 3, (32, 64), 10, mean=(0.3101,), std=(0.3476,)),
        augment=RandomAffine(degrees=10, scale=0.1, shear=0.1, shift=0.08),
        epochs=60,
        batch_size=128,
        learning_rate=0.3,
        label_smoothing=0.0,
        rebuild=3.0,
        precision="fp32",
    ),
    "mnist-cnn": Recipe(
        purpose="MNIST and Stacked-MNIST (one channel at a time): modes, accuracy, FID of handwritten digits",
        dataset="mnist",
        network=ConvNetSpec(1, 32, 3, (32, 64, 128), 10, mean=(0.1000,), std=(0.2752,)),
        augment=RandomAffine(degrees=10, scale=0.1, shear=0.1, shift=0.08),
        epochs=12,
        batch_size=500,
        learning_rate=0.75,
        label_smoothing=0.0,
        rebuild=3.0,
    ),
    "cifar10-cnn": Recipe(
        purpose="CIFAR-10 and other small colour pictures of objects, where the official network is absent",
        dataset="cifar10",
        network=ConvNetSpec(3, 32, 2, (64, 256, 256), 10, mean=(0.4914, 0.4822, 0.4465), std=(0.2470, 0.2435, 0.2616)),
        augment=FlipAndShift(pixels=2),
        epochs=12,
        batch_size=1024,
        learning_rate=1.5,
    ),
}
