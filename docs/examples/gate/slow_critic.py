"""A pull request that makes DCGAN worse: somebody divides the critic's learning rate by ten."""

from functools import partial

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import NonSaturating
from zoo.networks.convolutional import LATENT, Critic, Generator
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.two_player import LatentTurn, sample, two_player


def dcgan(spec: ImageSpec) -> GAN:
    """As zoo.dcgan, but the critic learns ten times slower."""
    players = {
        "generator": Player(initialise(Generator(spec), NORMAL, AROUND_ONE), adam(2e-4, betas=(0.5, 0.999))),
        "critic": Player(initialise(Critic(spec), NORMAL, AROUND_ONE), adam(2e-5, betas=(0.5, 0.999))),
    }
    latents = gaussian(LATENT)
    game = two_player(NonSaturating(), latents=latents, turn=partial(LatentTurn, reuse_fakes=True))
    return GAN(players, [game], sample, latents, least_batch=2)
