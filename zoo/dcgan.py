"""DCGAN. Radford, Metz, Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks", ICLR 2016, arXiv:1511.06434.

Networks: zoo/networks/convolutional.py: figure 1 and the guidelines of section 3, at the widths of the authors' Torch code
(soumith/dcgan.torch main.lua), one doubling of width per halving of the image. Weights from N(0, 0.02), batch-norm scales
from N(1, 0.02) (section 4 and main.lua).

Departures: none from soumith/dcgan.torch at 64 px. The paper draws latents uniformly (figure 1), the Torch code normally;
the code is followed. Other sizes drop or add stages; widths stop doubling at 512. As in that code, both updates
of an iteration share one generator pass.

Published: no FID or Inception Score in the paper. On CIFAR-10, FID 42.72 and IS 6.01 (w86763777/pytorch-gan-collections
Readme.md at 860e90b, batch 128).
"""

from functools import partial

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import NonSaturating
from zoo.networks.convolutional import LATENT, Critic, Generator
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player


@checked()
def dcgan(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
) -> GAN:
    """Adam at 2e-4 with beta1 = 0.5 for both (section 4).

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL, AROUND_ONE), optimiser),
        "critic": Player(initialise(Critic(spec, width), NORMAL, AROUND_ONE), optimiser),
    }
    latents = gaussian(LATENT)
    turn = partial(LatentTurn, reuse_fakes=True)
    game = two_player(NonSaturating(), latents=latents, turn=turn, critic_steps=critic_steps)
    return GAN(players, [game], sample, latents, least_batch=2)
