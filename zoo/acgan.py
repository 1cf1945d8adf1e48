"""AC-GAN. Odena, Olah, Shlens, "Conditional Image Synthesis with Auxiliary Classifier GANs", ICML 2017,
arXiv:1610.09585.

Networks: the CIFAR-10 models of the paper's appendix. The generator maps 100 normal latents and the one-hot class through
a linear layer to 384 x 4 x 4 (the table says 384) and three 5x5 transposed convolutions (192, 96, colours); the critic has
six 3x3 convolutions (16 to 512) with dropout 0.5 and a linear layer for source and class. Weights from N(0, 0.02).

Departures: of the learning rates and the noises on activations that the paper searched, 2e-4 and no noise. Fakes are
asked for the labels of the real batch; the paper draws them. The generator's source loss is the non-saturating one.
Other sizes drop stages of the generator, or add stages no wider than 768; the critic is the same at every size (the
paper's ImageNet critic at 128 px has these layers too).

Published: CIFAR-10, IS 8.25 (paperswithcode.com's table for this paper; no FID in the paper).
"""

from itertools import pairwise
from math import log2

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.gan import GAN, ImageSpec, Player, Turn, adam, gaussian
from zoo.losses.objectives import NonSaturating
from zoo.losses.weighted import Weighted
from zoo.networks.conditional import needs_labels, with_label
from zoo.networks.layers import NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.turns import ReadingTurn
from zoo.training.two_player import sample_class, two_player

LATENT = 100


class Generator(nn.Module):
    """z (N, 100) and labels (N,) -> images (N, C, H, W) in [-1, 1]."""

    def __init__(self, spec: ImageSpec, width: int = 48):
        super().__init__()
        self.classes = spec.classes
        stages = int(log2(spec.resolution)) - 2
        widths = [min(width << stage, 16 * width) for stage in range(stages, 0, -1)]
        layers: list[nn.Module] = [
            nn.Linear(LATENT + spec.classes, widths[0] * 16),
            nn.ReLU(),
            nn.Unflatten(1, (widths[0], 4, 4)),
        ]
        for before, after in pairwise(widths):
            layers += [_up(before, after), nn.BatchNorm2d(after), nn.ReLU()]
        self.layers = nn.Sequential(*layers, _up(widths[-1], spec.channels), nn.Tanh())

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        return self.layers(with_label(latents, labels, self.classes))


def _up(before: int, after: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, 5, 2, 2, output_padding=1)


class Critic(nn.Module):
    """Images (N, C, H, W) -> logits (N,) and logits of the classes (N, K)."""

    def __init__(self, spec: ImageSpec, width: int = 16):
        super().__init__()
        widths = [spec.channels, *(width << stage for stage in range(6))]
        layers: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(widths)):
            norm = [nn.BatchNorm2d(after)] if index else []
            stride = 2 if index % 2 == 0 else 1
            layers += [nn.Conv2d(before, after, 3, stride, 1), *norm, nn.LeakyReLU(0.2), nn.Dropout(0.5)]
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.head = nn.Linear(widths[-1] * (spec.resolution // 8) ** 2, 1 + spec.classes)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        source, classes = self.head(self.features(images)).split([1, self.head.out_features - 1], 1)
        return source.squeeze(1), classes


class AuxiliaryTurn(ReadingTurn):
    """The generator is told a class; the critic reads it off the image."""

    def generate(self, latents: Tensor) -> Tensor:
        """G(z, y)."""
        return self.nets["generator"](latents, self.labels)


def read_real_and_fake(turn: Turn) -> Tensor:
    """-L_C, eq. 3: the critic names the class of real and of generated images."""
    assert isinstance(turn, AuxiliaryTurn)
    real, fake = turn.real_judged[1], turn.fake_judged[1]
    return cross_entropy(real, turn.labels) + cross_entropy(fake, turn.labels)


def read_fake(turn: Turn) -> Tensor:
    """-L_C for the generator, which only its own images reach."""
    assert isinstance(turn, AuxiliaryTurn)
    return cross_entropy(turn.fake_judged[1], turn.labels)


@checked()
def acgan(
    spec: ImageSpec,
    *,
    width: int = 48,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
    classification: float = 1.0,
) -> GAN:
    """Adam at 2e-4 with beta1 = 0.5 for both.

    Args:
        width: Half of the generator's channels next to the image; the critic begins with a third of it.
    """
    needs_labels(spec, "acgan")
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL), optimiser),
        "critic": Player(initialise(Critic(spec, max(1, width // 3)), NORMAL), optimiser),
    }
    latents = gaussian(LATENT)
    game = two_player(
        NonSaturating(),
        latents=latents,
        turn=AuxiliaryTurn,
        critic_steps=critic_steps,
        critic_terms={"class": Weighted(read_real_and_fake, classification)},
        generator_terms={"class": Weighted(read_fake, classification)},
    )
    return GAN(players, [game], sample_class, latents, task="conditional", least_batch=2)
