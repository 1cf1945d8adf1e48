"""SNGAN with a projection critic. Miyato & Koyama, "cGANs with Projection Discriminator", ICLR 2018, arXiv:1802.05637.

Networks: zoo/networks/sngan.py, at 32 px the ResNet of pfnet-research/sngan_projection
(configs/sn_cifar10_conditional.yml): class-conditional batch norm in the generator's blocks, plain batch norm before
its last layer, projection in the spectrally normalised critic. Hinge loss, five critic steps, a generator batch twice
the critic's. Larger images as in SNGAN's networks. As in the authors' code, real and fake images go through the critic
apart, and the power iteration advances with every pass.

Departures: the critic's last layer has a bias, as in kwotsin/mimicry and not in the authors' code. Blocks are the
authors', also where widths are mimicry's, which upsamples bilinearly and whose in-place ReLU rectifies the input of the
critic's shortcuts too. Fakes are asked for the labels of the real batch; the code draws labels for them. The critic
moves first in an iteration, in the code the generator. Below 32 px widths shrink with the image's side and the
generator has fewer blocks; at 64 px and above the class joins after the last block, where the authors' ImageNet critic
joins it too.

Published: CIFAR-10, FID 17.5 and IS 8.62 (the authors', 10k real and 5k generated images, as reported in the README of
mimicry at a7fda06 and in StudioGAN's table of reproductions at 947b35e). mimicry: FID 10.84 +- 0.03, IS 8.25 +- 0.13
(README at a7fda06, 50k and 50k).
"""

from functools import partial

from torch import Tensor

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.networks.conditional import Projection, needs_labels
from zoo.networks.resnet import glorot
from zoo.networks.sngan import LATENT, Generator, Trunk
from zoo.networks.spectral import spectral
from zoo.training.parameters import checked
from zoo.training.rates import linear_decay
from zoo.training.two_player import LatentTurn, sample_class, two_player


class Critic(Trunk):
    """Images (N, C, H, W) and labels (N,) -> logits (N,), from features summed over positions."""

    def __init__(self, spec: ImageSpec, width: int = 256):
        super().__init__(spec.channels, spec.resolution, width)
        self.head = Projection(self.width, spec.classes)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        return self.head(self.features(images), labels)


@checked()
def sngan_projection(
    spec: ImageSpec,
    *,
    width: int = 256,
    lr: float = 2e-4,
    beta1: float = 0.0,
    beta2: float = 0.9,
    critic_steps: int = 5,
) -> GAN:
    """Adam at 2e-4 with betas (0, 0.9), decayed linearly to 0 (configs/sn_cifar10_conditional.yml).

    Args:
        width: Channels of the generator at 32 px; the critic has half of them.
    """
    needs_labels(spec, "sngan-projection")
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(glorot(Generator(spec, width)), optimiser, rate=linear_decay),
        "critic": Player(spectral(glorot(Critic(spec, width))), optimiser, rate=linear_decay),
    }
    latents = gaussian(LATENT)
    turn = partial(LatentTurn, conditional=True, generator_batch=2)
    game = two_player(Hinge(), latents=latents, turn=turn, critic_steps=critic_steps)
    return GAN(players, [game], sample_class, latents, task="conditional", least_batch=2)
