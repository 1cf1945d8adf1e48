"""Adversarial flow. Lin, Yang, Lin, Chen, Fan, "Adversarial Flow Models", ICML 2026, arXiv:2511.22475.

A GAN whose latents are pictures of noise, and whose generator is asked to move them as little as it can: beside the adversarial
loss it pays for the squared distance from G(z) to z. Of the many maps from noise to images one is wanted then, the optimal
transport, and training does not drift from one to another. The weight of that distance falls over the budget, as a lasting one
would hold images back. Relativistic loss, R1 and R2 in every step, and logits held near 0. One pass makes an image.

Networks: a narrow U-Net (zoo/networks/unet.py) as generator, the standard CNN (zoo/networks/standard.py) as critic.

Departures: the paper's members are transformers on the latents of an autoencoder, their gradients of the adversarial loss are
normalised before the distance's are added; here the weights of the terms are ours: 1 of the distance, falling to 0.01 of that
along half a cosine, 0.1 of R1 and R2. Penalties are exact, not estimated by differences. The member of one step alone.

Published: ImageNet 256 px with classes, one pass: FID 2.38 (XL/2; abstract).
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Turn, adam, gaussian
from zoo.losses.objectives import Relativistic
from zoo.losses.penalties import R1, R2
from zoo.losses.weighted import Weighted
from zoo.networks.standard import Critic
from zoo.networks.unet import UNet
from zoo.training.denoising import RAMP, noise_size, starting_noise
from zoo.training.parameters import checked
from zoo.training.rates import cosine
from zoo.training.two_player import LatentTurn, two_player

LEFT = 0.01  # share of the distance's weight that is left at the end


class Transport(nn.Module):
    """Pictures of noise (N, C, R, R) -> images (N, C, R, R), unbounded."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        self.body = UNet(spec, width, silent=False)

    def forward(self, noise: Tensor) -> Tensor:
        return self.body(noise, torch.ones_like(noise[:, 0, 0, 0]))  # all of it starts at time 1


class TransportTurn(LatentTurn):
    """Latents are pictures; they stay available as `drawn`."""

    def make_fake(self) -> Tensor:
        """New noise through the generator, (N, C, R, R)."""
        images = self.batch.images
        self.drawn = self.latents(images.shape[0], self.random).view_as(images)
        return self.generate(self.drawn)


@dataclass(frozen=True)
class Distance:
    """w E |G(z) - z|^2, the mean over an image's numbers; w falls from `weight` to a hundredth of it over the budget."""

    weight: float

    def __call__(self, turn: Turn) -> Tensor:
        assert isinstance(turn, TransportTurn)
        squares = (turn.fake - turn.drawn).square().mean()
        return self.weight * cosine(turn.now.fraction, LEFT) * squares


def centred(turn: Turn) -> Tensor:
    """E (D(x) + D(G(z)))^2: the relativistic loss knows differences of logits alone, which may drift together."""
    return (turn.real_logits + turn.fake_logits).square().mean()


def transport(nets: Nets, prompt: Prompt, *, spec: ImageSpec) -> Tensor:
    """Images of a prompt's latents, (N, C, R, R) in [-1, 1]."""
    return nets["generator"](starting_noise(prompt, spec)).clamp(-1, 1)


@checked()
def adversarial_flow(
    spec: ImageSpec,
    *,
    width: int = 64,
    lr: float = 5e-4,
    beta1: float = 0.0,
    beta2: float = 0.9,
    critic_steps: int = 1,
    transport_cost: float = 1.0,
    r1: float = 0.1,
    r2: float = 0.1,
    centring: float = 0.001,
    half_life: float = 10_000,
) -> GAN:
    """Adam with betas (0, 0.9).

    Args:
        width: Channels of the generator at full size, from 64 px on, narrower below; of the critic next to the image.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(Transport(spec, width), optimiser, Average(half_life_images=half_life, ramp=RAMP)),
        "critic": Player(Critic(spec, width // 2), optimiser),
    }
    latents = gaussian(noise_size(spec))
    game = two_player(
        Relativistic(),
        latents=latents,
        turn=TransportTurn,
        critic_steps=critic_steps,
        critic_terms={"r1": R1(r1), "r2": R2(r2), "centring": Weighted(centred, centring)},
        generator_terms={"transport_cost": Distance(transport_cost)},
    )
    return GAN(players, [game], partial(transport, spec=spec), latents)
