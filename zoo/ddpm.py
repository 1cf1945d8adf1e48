"""DDPM, a diffusion model and not a GAN. Ho, Jain, Abbeel, "Denoising Diffusion Probabilistic Models", NeurIPS 2020,
arXiv:2006.11239; sampled as Song, Meng, Ermon, "Denoising Diffusion Implicit Models", ICLR 2021, arXiv:2010.02502.

Noise is added in 1000 steps whose variances rise linearly from 1e-4 to 0.02, so that x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) e
with a_t the product of 1 - beta (alpha-bar of DDPM, alpha of DDIM). A network learns e from x_t with the simple loss (DDPM,
equation 14). DDIM goes back over some of the steps: without noise of its own at eta 0, as DDPM does at eta 1 (DDIM, equations 12
and 16).

Networks: a narrow U-Net (zoo/networks/unet.py).

Departures: the paper's U-Net has 35.7 M parameters, dropout and attention at 16 px. Adam at 2e-3 with a warm-up over 2 % of the
budget, where the paper has 2e-4 and 800,000 steps; the average's half-life is at most 5 % of the images seen. The image that a step
expects is clipped to [-1, 1], as in the authors' code (diffusion_utils_2.py, clip_denoised), and the step's noise follows from
it; DDIM's code does not clip. Steps are spread evenly and end at the last; DDIM's begin at the first.

Published: CIFAR-10: FID 3.17 with 1000 steps (DDPM, table 1); DDIM 4.67 / 6.84 / 13.36 with 50 / 20 / 10 steps at eta 0 (DDIM,
table 1).
"""

from collections.abc import Sequence
from functools import cache, partial
from itertools import accumulate, pairwise
from math import sqrt
from operator import mul
from typing import Unpack

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from bench.gan import GAN, ImageSpec, Nets, Prompt, Turn
from zoo.training.denoising import DenoisingTurn, Network, Settings, denoiser, network, settings, starting_noise
from zoo.training.parameters import checked
from zoo.training.solvers import everywhere

LAST = 1000  # steps of the diffusion
FIRST_BETA, LAST_BETA = 1e-4, 0.02


@cache
def kept() -> tuple[float, ...]:
    """a_t for t = 0, 1, ..., 1000: the share of the image's variance that is left after t steps. a_0 is 1."""
    betas = [FIRST_BETA + (LAST_BETA - FIRST_BETA) * step / (LAST - 1) for step in range(LAST)]
    return tuple(accumulate((1 - beta for beta in betas), mul, initial=1.0))


@cache
def kept_on(device: torch.device) -> Tensor:
    """The same on a device, where it stays: no step copies it again."""
    return torch.tensor(kept(), device=device)


def noise_error(turn: Turn) -> Tensor:
    """E (e - e(x_t, t))^2 with t uniform in 1, ..., 1000, the mean over all numbers of an image (DDPM, equation 14)."""
    assert isinstance(turn, DenoisingTurn)
    steps = 1 + (turn.uniform() * LAST).long().clamp(max=LAST - 1)
    share = kept_on(steps.device)[steps][:, None, None, None]
    noisy = share.sqrt() * turn.real + (1 - share).sqrt() * turn.noise
    return mse_loss(turn.network(noisy, steps / LAST), turn.noise)


def spread(steps: int) -> list[int]:
    """The diffusion's steps that sampling visits, from the last, 1000, down to 0: one more than its own."""
    return [round(LAST * step / steps) for step in range(steps, -1, -1)]


def reverse(
    predict: Network, start: Tensor, visits: Sequence[int], eta: float, random: torch.Generator, *, bound: float = 1.0
) -> Tensor:
    """From x_1000 to x_0 (DDIM, equation 12), (N, C, H, W); expected images are clipped to [-bound, bound]."""
    state = start
    for now, then in pairwise(visits):
        a, b = kept()[now], kept()[then]
        noise = predict(state, everywhere(state, now / LAST))
        image = ((state - sqrt(1 - a) * noise) / sqrt(a)).clamp(-bound, bound)
        noise = (state - sqrt(a) * image) / sqrt(1 - a)
        sigma = eta * sqrt((1 - b) / (1 - a) * (1 - a / b))  # equation 16
        state = sqrt(b) * image + sqrt(1 - b - sigma**2) * noise
        if sigma > 0:
            state = state + sigma * torch.randn(state.shape, generator=random, device=state.device)
    return state


def denoise(nets: Nets, prompt: Prompt, *, spec: ImageSpec, steps: int, eta: float) -> Tensor:
    """Images of latents, (N, C, H, W) in [-1, 1]."""
    return reverse(network(nets, prompt), starting_noise(prompt, spec), spread(steps), eta, prompt.random)


@checked(settings)
def ddpm(spec: ImageSpec, *, steps: int = 50, eta: float = 0.0, **chosen: Unpack[Settings]) -> GAN:
    """Adam at 2e-3, 50 steps of DDIM."""
    if steps > LAST:
        raise ValueError(f"steps = {steps}: at most {LAST} was expected, the steps of the diffusion")
    generate = partial(denoise, spec=spec, steps=steps, eta=eta)
    return denoiser(spec, {"noise": noise_error}, generate, chosen)
