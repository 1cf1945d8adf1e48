"""SNGAN. Miyato, Kataoka, Koyama, Yoshida, "Spectral Normalization for Generative Adversarial Networks", ICLR 2018,
arXiv:1802.05957.

Networks: zoo/networks/sngan.py, the ResNet of appendix B.4 for 32 px (pfnet-research/sngan_projection gen_models/resnet_32.py,
dis_models/snresnet_32.py); for 64 and 128 px as wide and deep as those of kwotsin/mimicry (nets/sngan/sngan_64.py,
sngan_128.py). Hinge loss, five critic steps, a generator batch twice the critic's
(configs/sn_cifar10_unconditional.yml). As in the authors' code, real and fake images go through the critic apart, and
the power iteration advances with every pass.

Departures: the critic's last layer has a bias, as in mimicry and not in the authors' code. Blocks are the authors' at
every size: mimicry upsamples bilinearly instead of repeating pixels, and its in-place ReLU rectifies the input of the
critic's shortcuts too. The critic moves first in an iteration, in the code the generator. Below 32 px widths shrink
with the image's side and the generator has fewer blocks; 256 px continues the rule of 128 px.

Published: CIFAR-10, ResNet with hinge loss: FID 21.7 +- .21, IS 8.22 +- .05 (table 2, 10k real and 5k generated images).
mimicry: FID 16.77 +- 0.04, IS 7.97 +- 0.06 (README at a7fda06, 50k and 50k).
"""

from dataclasses import replace
from functools import partial

from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.networks.resnet import glorot
from zoo.networks.sngan import LATENT, Generator, Trunk
from zoo.networks.spectral import spectral
from zoo.training.parameters import checked
from zoo.training.rates import linear_decay
from zoo.training.two_player import LatentTurn, sample, two_player


class Critic(Trunk):
    """Images (N, C, H, W) -> logits (N,), summed over positions."""

    def __init__(self, spec: ImageSpec, width: int = 256):
        super().__init__(spec.channels, spec.resolution, width)
        self.head = nn.Linear(self.width, 1)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.features(images)).squeeze(1)


@checked()
def sngan(
    spec: ImageSpec,
    *,
    width: int = 256,
    lr: float = 2e-4,
    beta1: float = 0.0,
    beta2: float = 0.9,
    critic_steps: int = 5,
) -> GAN:
    """Adam at 2e-4 with betas (0, 0.9), decayed linearly to 0 (configs/sn_cifar10_unconditional.yml).

    Args:
        width: Channels of the generator at 32 px; the critic has half of them.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(glorot(Generator(replace(spec, classes=0), width)), optimiser, rate=linear_decay),
        "critic": Player(spectral(glorot(Critic(spec, width))), optimiser, rate=linear_decay),
    }
    latents = gaussian(LATENT)
    turn = partial(LatentTurn, generator_batch=2)
    game = two_player(Hinge(), latents=latents, turn=turn, critic_steps=critic_steps)
    return GAN(players, [game], sample, latents, least_batch=2)
