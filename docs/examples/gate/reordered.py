"""A pull request that changes nothing: DCGAN's builder, written in another order."""

from functools import partial

from bench.gan import GAN, ImageSpec, Player, adam, gaussian
from zoo.losses.objectives import NonSaturating
from zoo.networks.convolutional import LATENT, Critic, Generator
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.training.two_player import LatentTurn, sample, two_player


def dcgan(spec: ImageSpec) -> GAN:
    """As zoo.dcgan, line for line in what it computes."""
    latents = gaussian(LATENT)
    game = two_player(NonSaturating(), latents=latents, turn=partial(LatentTurn, reuse_fakes=True))
    generator = Player(initialise(Generator(spec), NORMAL, AROUND_ONE), adam(2e-4, betas=(0.5, 0.999)))
    critic = Player(initialise(Critic(spec), NORMAL, AROUND_ONE), adam(2e-4, betas=(0.5, 0.999)))
    return GAN({"generator": generator, "critic": critic}, [game], sample, latents, least_batch=2)
