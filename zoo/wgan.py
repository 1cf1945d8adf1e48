"""WGAN with weight clipping. Arjovsky, Chintala, Bottou, "Wasserstein GAN", ICML 2017, arXiv:1701.07875.

Networks: DCGAN's, as in the authors' code (martinarjovsky/WassersteinGAN models/dcgan.py), whose critic has no sigmoid.

Departures: the critic takes five steps throughout; the code gives it 100 for each of the first 25 iterations and of every
500th. Weights are clipped after a step instead of before the next one.

Published: no FID in the paper. CIFAR-10: FID 40.03, IS 6.62 +- .09, with a smaller CNN and Adam
(w86763777/pytorch-gan-collections Readme.md at 860e90b).
"""

from functools import partial

import torch

from bench.gan import GAN, ImageSpec, Player, gaussian
from zoo.losses.objectives import Wasserstein
from zoo.losses.penalties import ClipWeights
from zoo.networks.convolutional import LATENT, Critic, Generator
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.parameters import checked
from zoo.training.two_player import sample, two_player


@checked()
def wgan(spec: ImageSpec, *, width: int = 64, lr: float = 5e-5, critic_steps: int = 5, clip: float = 0.01) -> GAN:
    """RMSprop at 5e-5 and weights within 0.01 (algorithm 1; main.py).

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
    """
    optimiser = partial(torch.optim.RMSprop, lr=lr)
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL, AROUND_ONE), optimiser),
        "critic": Player(initialise(Critic(spec, width), NORMAL, AROUND_ONE), optimiser),
    }
    latents = gaussian(LATENT)
    game = two_player(Wasserstein(), latents=latents, critic_steps=critic_steps, after_critic=[ClipWeights(clip)])
    return GAN(players, [game], sample, latents, least_batch=2)
