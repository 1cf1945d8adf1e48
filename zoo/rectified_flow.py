"""Rectified flow, not a GAN. Liu, Gong, Liu, "Flow Straight and Fast: Learning to Generate and Transfer Data with Rectified
Flow", ICLR 2023, arXiv:2209.03003; the same as flow matching with the optimal-transport path and no smallest noise: Lipman,
Chen, Ben-Hamu, Nickel, Le, "Flow Matching for Generative Modeling", ICLR 2023, arXiv:2210.02747, section 4.1.

A network v(x_t, t) learns the velocity x - z of straight lines x_t = t x + (1 - t) z from noise to images, with t uniform
(Liu et al., equation 1). Sampling follows dx/dt = v from t = 0 to 1. This is 1-rectified flow, without reflow.

Networks: a narrow U-Net (zoo/networks/unet.py). Conditional: an embedding of the class is added to that of the time.

Departures: the paper's network is DDPM++ of Song et al. 2021 (about 60 M parameters). Adam at 2e-3 with a warm-up over 2 %
of the budget, where the paper has 2e-4 and budgets a thousand times as long; the average's half-life is at most 5 % of the
images seen. 25 steps of Euler's or Heun's method, where the paper's best row takes RK45 until a tolerance is met.

Published: CIFAR-10: FID 2.58 with 127 passes of RK45, 378 with one step of Euler (table 1 of arXiv:2209.03003).
"""

from functools import partial
from typing import Literal, Unpack

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from bench.gan import GAN, ImageSpec, Nets, Prompt, Turn
from zoo.networks.conditional import needs_labels
from zoo.training.denoising import DenoisingTurn, Settings, denoiser, network, settings, starting_noise
from zoo.training.parameters import checked
from zoo.training.solvers import euler, heun

Solver = Literal["euler", "heun"]


def velocity(turn: Turn) -> Tensor:
    """E (v(x_t, t) - (x - z))^2, the mean over all numbers of an image (equation 1)."""
    assert isinstance(turn, DenoisingTurn)
    times = turn.uniform()
    between = torch.lerp(turn.noise, turn.real, times[:, None, None, None])
    return mse_loss(turn.network(between, times), turn.real - turn.noise)


def integrate(nets: Nets, prompt: Prompt, *, spec: ImageSpec, steps: int, solver: Solver, guidance: float) -> Tensor:
    """Images at the end of the flow that starts at the latents, (N, C, H, W) in [-1, 1]."""
    field = network(nets, prompt, guidance)
    times = [step / steps for step in range(steps + 1)]
    solve = {"euler": euler, "heun": heun}[solver]
    return solve(field, starting_noise(prompt, spec), times).clamp(-1, 1)


@checked(settings)
def rectified_flow(spec: ImageSpec, *, steps: int = 25, solver: Solver = "euler", **chosen: Unpack[Settings]) -> GAN:
    """Adam at 2e-3, 25 steps of Euler."""
    generate = partial(integrate, spec=spec, steps=steps, solver=solver, guidance=1.0)
    return denoiser(spec, {"velocity": velocity}, generate, chosen)


@checked(settings)
def rectified_flow_conditional(
    spec: ImageSpec,
    *,
    steps: int = 25,
    solver: Solver = "euler",
    guidance: float = 1.0,
    label_dropout: float = 0.1,
    **chosen: Unpack[Settings],
) -> GAN:
    """The same, told the class; with a guidance other than 1, classifier-free guidance."""
    needs_labels(spec, "rectified-flow-cond")
    generate = partial(integrate, spec=spec, steps=steps, solver=solver, guidance=guidance)
    return denoiser(spec, {"velocity": velocity}, generate, chosen, dropout=label_dropout)
