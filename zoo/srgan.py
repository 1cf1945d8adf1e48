"""SRGAN. Ledig, Theis, Huszár, Caballero, Cunningham, Acosta, Aitken, Tejani, Totz, Wang, Shi, "Photo-Realistic Single Image
Super-Resolution Using a Generative Adversarial Network", CVPR 2017, arXiv:1609.04802.

An image from a quarter of its side. The mean of all images that a small one may have come from is blurred, and the least square error
asks for it; the critic asks for one of them. Two stages: SRResNet learns by the square error alone, then the adversarial loss
joins at a weight of 1e-3 (section 3.2). Batches come from `lowres:NAME`, whose sources are small images enlarged by
copying pixels: the generator looks at one of every 4 x 4.

Networks: figure 4: sixteen residual blocks of 64 channels at the small size, two shuffles of pixels, kernels of 9 x 9 at both
ends; the critic's eight convolutions of 64 to 512 channels and 1,024 units.

Departures: the content loss is the square error of pixels, which is the paper's SRGAN-MSE, not its features of VGG19, which would
have to be downloaded. The first stage has half of the budget, the second the other half at a tenth of the rate, as the paper halves
its adversarial steps. Below 64 px the critic has fewer halvings, and always ends at 4 px.

Measured here: `lowres:digits`, 16 px, 16,000 images in batches of 16, one seed: PSNR 22.5 dB on held-out digits, bicubic 14.7 dB.

Published: Set5, four times, PSNR: SRGAN-MSE 30.64, SRResNet-MSE 32.05, bicubic 28.43 (table 1).
"""

from torch import Tensor, nn

from bench.errors import UserError
from bench.gan import GAN, ImageSpec, Player, Stage, Turn, Update, adam
from zoo.losses.objectives import NonSaturating
from zoo.losses.weighted import Weighted
from zoo.training.paired import PairedTurn, translate
from zoo.training.parameters import checked

FACTOR = 4
BLOCKS = 16
LATE = 0.1  # rate of the second stage, in that of the first


class Residual(nn.Module):
    """Features plus two 3x3 convolutions of them, with batch norms and one parametric ReLU."""

    def __init__(self, width: int):
        super().__init__()
        first = [nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.PReLU()]
        self.branch = nn.Sequential(*first, nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)


class Generator(nn.Module):
    """Small images, each pixel copied to 4 x 4, (N, C, R, R) -> images (N, C, R, R), about in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        self.enter = nn.Sequential(nn.Conv2d(spec.source_channels, width, 9, padding=4), nn.PReLU())
        body = [Residual(width) for _ in range(BLOCKS)]
        self.body = nn.Sequential(*body, nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width))
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2), nn.PReLU()]
        self.leave = nn.Sequential(*layers, nn.Conv2d(width, spec.channels, 9, padding=4))

    def forward(self, source: Tensor) -> Tensor:
        features = self.enter(source[:, :, ::FACTOR, ::FACTOR])
        return self.leave(features + self.body(features))


class Critic(nn.Module):
    """Images (N, C, R, R) -> logits (N,)."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        halvings = min(spec.resolution.bit_length() - 3, 4)
        layers: list[nn.Module] = [nn.Conv2d(spec.channels, width, 3, padding=1), nn.LeakyReLU(0.2)]
        before = width
        for step in range(halvings):
            after = min(width << step, 8 * width)
            if step:
                layers += _judging(before, after, 1)
            layers += _judging(after, after, 2)
            before = after
        layers += [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * before, 16 * width), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Linear(16 * width, 1), nn.Flatten(0))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


def _judging(before: int, after: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(before, after, 3, stride, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]


def square_error(turn: Turn) -> Tensor:
    """E (x - G(s))^2, the mean over all numbers: equation 4."""
    return (turn.real - turn.fake).square().mean()


@checked()
def srgan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 1e-4,
    beta1: float = 0.9,
    beta2: float = 0.999,
    pixels: float = 1.0,
    adversarial: float = 1e-3,
) -> GAN:
    """Adam at 1e-4 with betas (0.9, 0.999), at a tenth of it in the second half. Raises UserError without sources.

    Args:
        pixels: Weight of the square error.
        adversarial: Weight of the adversarial loss in the generator's second stage.
    """
    if spec.source_channels == 0:
        raise UserError(
            "srgan enlarges pictures and this data set has no small ones (source_channels = 0). "
            "Choose lowres:NAME, e.g. lowres:cifar10, or an unconditional member."
        )
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(Generator(spec, width), optimiser, rate=later_slower),
        "critic": Player(Critic(spec, width), optimiser),
    }
    content, objective = Weighted(square_error, pixels), NonSaturating()
    first = [Update("generator", {"pixels": content})]
    second = [
        Update("critic", {"adversarial": objective.critic}),
        Update("generator", {"pixels": content, "adversarial": Weighted(objective.generator, adversarial)}),
    ]
    schedule = [Stage(first, PairedTurn, share=0.5), Stage(second, PairedTurn, share=0.5)]
    return GAN(players, schedule, translate, task="paired", least_batch=2)


def later_slower(fraction: float) -> float:
    """1 in the first half of the budget, a tenth in the second."""
    return 1.0 if fraction < 0.5 else LATE
