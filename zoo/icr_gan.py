"""ICR-GAN. Zhao, Singh, Lee, Zhang, Odena, Zhang, "Improved Consistency Regularization for GANs", AAAI 2021, arXiv:2002.04724.

Balanced consistency (bCR): the critic says the same of an image and of its shifted copy, real or generated. Latent
consistency (zCR): it says the same of the images of two near latents, which the generator makes as different as it can
(algorithms 1-3).

Networks: the standard CNN of SNGAN (zoo/networks/standard.py) with spectral normalisation in the critic, non-saturating loss,
one critic step: the paper's unconditional setting on CIFAR-10.

Departures: images are shifted alone, filled up with grey; the paper also flips, which digits and letters do not survive.
Squared distances of images are means over their numbers. The constants were not compared with code of the authors.

Published: CIFAR-10 with classes on BigGAN: FID 3.54, IS 10.14 (StudioGAN README at 947b35e).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bench.gan import GAN, ImageSpec, Player, Turn, adam, gaussian
from zoo.augmentation.diffaugment import Augmentation, translation
from zoo.losses.objectives import NonSaturating
from zoo.losses.weighted import Weighted
from zoo.networks.layers import NORMAL, initialise
from zoo.networks.spectral import spectral
from zoo.networks.standard import LATENT, WIDTH, Critic, Generator
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn, sample, two_player


class NearTurn(LatentTurn):
    """Remembers its latents, and makes the images of near ones."""

    def make_fake(self) -> Tensor:
        """New latents through the generator; they stay available as `drawn`."""
        self.drawn = self.latents(self.batch.images.shape[0], self.random)
        return self.generate(self.drawn)

    def near(self, sigma: float) -> Tensor:
        """G(z + sigma n) of the fakes' latents, (N, C, H, W); detached while the critic moves."""
        fake = self.fake  # draws the latents
        noise = torch.randn(self.drawn.shape, generator=self.random, device=fake.device)
        images = self.generate(self.drawn + sigma * noise)
        return images if self.mover == "generator" else images.detach()


@dataclass(frozen=True)
class Balanced:
    """E (D(x) - D(T(x)))^2 + E (D(G(z)) - D(T(G(z))))^2: algorithm 1."""

    augment: Augmentation

    def __call__(self, turn: Turn) -> Tensor:
        real = turn.real_logits - turn.judge(self.augment(turn.batch.images, turn.random))
        fake = turn.fake_logits - turn.judge(self.augment(turn.fake, turn.random))
        return real.square().mean() + fake.square().mean()


@dataclass(frozen=True)
class LatentConsistency:
    """E (D(G(z)) - D(G(z + sigma n)))^2, for the critic: algorithm 2."""

    sigma: float

    def __call__(self, turn: Turn) -> Tensor:
        assert isinstance(turn, NearTurn)
        return (turn.fake_logits - turn.judge(turn.near(self.sigma))).square().mean()


@dataclass(frozen=True)
class LatentDiversity:
    """-E (G(z) - G(z + sigma n))^2, for the generator: algorithm 2."""

    sigma: float

    def __call__(self, turn: Turn) -> Tensor:
        assert isinstance(turn, NearTurn)
        return -(turn.fake - turn.near(self.sigma)).square().mean()


@checked()
def icr_gan(
    spec: ImageSpec,
    *,
    width: int = WIDTH,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    critic_steps: int = 1,
    consistency: float = 10.0,
    latent_consistency: float = 5.0,
    latent_diversity: float = 0.5,
    nearness: float = 0.07,
) -> GAN:
    """Adam at 2e-4 with betas (0.5, 0.999).

    Args:
        width: Channels next to the image; they double with each halving of the size, up to eight times as many.
        consistency: Weight of the critic's balanced consistency, of real and of generated images.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(initialise(Generator(spec, width), NORMAL), optimiser),
        "critic": Player(spectral(initialise(Critic(spec, width), NORMAL)), optimiser),
    }
    game = two_player(
        NonSaturating(),
        latents=gaussian(LATENT),
        turn=NearTurn,
        critic_steps=critic_steps,
        critic_terms={
            "consistency": Weighted(Balanced(translation), consistency),
            "latent_consistency": Weighted(LatentConsistency(nearness), latent_consistency),
        },
        generator_terms={"latent_diversity": Weighted(LatentDiversity(nearness), latent_diversity)},
    )
    return GAN(players, [game], sample, gaussian(LATENT), least_batch=2)
