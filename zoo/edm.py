"""EDM, a diffusion model and not a GAN. Karras, Aittala, Aila, Laine, "Elucidating the Design Space of Diffusion-Based Generative
Models", NeurIPS 2022, arXiv:2206.00364.

A denoiser D(x; sigma) = c_skip x + c_out F(c_in x; c_noise) gives the expected image behind x = y + sigma n. Its parts, the
weights of its loss and the levels of training are those of table 1, last column; sampling takes Heun's steps of
algorithm 1 along dx/dsigma = (x - D) / sigma, from sigma 80 to 0 with rho 7 (equation 5), 2 n - 1 passes for n steps.

Networks: a narrow U-Net (zoo/networks/unet.py). Conditional: an embedding of the class is added to that of the time.

Departures: the paper's network is DDPM++ (56 M parameters), with dropout and non-leaky augmentation, neither of which is here.
Adam at 2e-3 instead of 1e-3 at ten times the batch, beside a budget of 200 million images; the average's half-life of
500,000 images with its ramp is the authors' (training/training_loop.py). The step counts from their --steps: 18 at 32 px.

Published: CIFAR-10, 35 passes: FID 1.97, with classes 1.79 (table 2, the best of three evaluations of 50k images).
"""

from dataclasses import dataclass
from functools import partial
from typing import Unpack

from torch import Tensor

from bench.gan import GAN, ImageSpec, Nets, Prompt, Turn
from zoo.networks.conditional import needs_labels
from zoo.training.denoising import DenoisingTurn, Network, Settings, denoiser, network, settings, starting_noise
from zoo.training.parameters import checked
from zoo.training.solvers import heun

SIGMA_DATA = 0.5  # standard deviation that images are taken to have
P_MEAN, P_STD = -1.2, 1.2  # of the logarithm of sigma in training
SIGMA_LEAST, SIGMA_MOST, RHO = 0.002, 80.0, 7.0


@dataclass(frozen=True)
class Preconditioned:
    """D of a network F (equation 7): it is asked for a target of unit variance, from an input of unit variance."""

    network: Network

    def __call__(self, noisy: Tensor, sigmas: Tensor) -> Tensor:
        """The expected images, (N, C, H, W), of noisy ones at the standard deviations (N,) of their noise."""
        sigma = sigmas[:, None, None, None]
        total = (sigma.square() + SIGMA_DATA**2).sqrt()
        skip, out = SIGMA_DATA**2 / total.square(), sigma * SIGMA_DATA / total
        return skip * noisy + out * self.network(noisy / total, sigmas.log() / 4)


def weights(sigmas: Tensor) -> Tensor:
    """lambda(sigma) = 1 / c_out^2, (N,): every level's loss starts at the same size."""
    return (sigmas.square() + SIGMA_DATA**2) / (sigmas * SIGMA_DATA).square()


def denoising(turn: Turn) -> Tensor:
    """E lambda(sigma) (D(y + sigma n; sigma) - y)^2, the mean over all numbers of an image (equation 2)."""
    assert isinstance(turn, DenoisingTurn)
    sigmas = (P_MEAN + P_STD * turn.normal()).exp()
    noisy = turn.real + sigmas[:, None, None, None] * turn.noise
    errors = (Preconditioned(turn.network)(noisy, sigmas) - turn.real).square().mean((1, 2, 3))
    return (weights(sigmas) * errors).mean()


def levels(steps: int) -> list[float]:
    """Standard deviations from 80 to 0.002 in as many levels as steps, then 0 (equation 5)."""
    most, least = SIGMA_MOST ** (1 / RHO), SIGMA_LEAST ** (1 / RHO)
    return [(most + step / max(steps - 1, 1) * (least - most)) ** RHO for step in range(steps)] + [0.0]


def integrate(nets: Nets, prompt: Prompt, *, spec: ImageSpec, steps: int, guidance: float) -> Tensor:
    """Images at the end of the flow that starts at 80 times the latents, (N, C, H, W) in [-1, 1]."""
    denoise = Preconditioned(network(nets, prompt, guidance))

    def field(noisy: Tensor, sigmas: Tensor) -> Tensor:
        return (noisy - denoise(noisy, sigmas)) / sigmas[:, None, None, None]

    start = SIGMA_MOST * starting_noise(prompt, spec)
    return heun(field, start, levels(steps), singular_end=True).clamp(-1, 1)


@checked(settings)
def edm(spec: ImageSpec, *, steps: int = 18, **chosen: Unpack[Settings]) -> GAN:
    """Adam at 2e-3, 18 steps of Heun."""
    generate = partial(integrate, spec=spec, steps=steps, guidance=1.0)
    return denoiser(spec, {"denoising": denoising}, generate, chosen)


@checked(settings)
def edm_conditional(
    spec: ImageSpec,
    *,
    steps: int = 18,
    guidance: float = 1.0,
    label_dropout: float = 0.1,
    **chosen: Unpack[Settings],
) -> GAN:
    """The same, told the class; with a guidance other than 1, classifier-free guidance."""
    needs_labels(spec, "edm-cond")
    generate = partial(integrate, spec=spec, steps=steps, guidance=guidance)
    return denoiser(spec, {"denoising": denoising}, generate, chosen, dropout=label_dropout)
