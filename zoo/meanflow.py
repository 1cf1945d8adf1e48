"""MeanFlow, not a GAN. Geng, Deng, Bai, Kolter, He, "Mean Flows for One-step Generative Modeling", NeurIPS 2025,
arXiv:2505.13447.

A network u(z_t, r, t) learns the mean velocity between two times of the paths z_t = (1 - t) x + t e from images to noise. By
the MeanFlow identity it is u = v - (t - r) du/dt (equation 6), whose derivative along the path is one Jacobian-vector product
with (v, 0, 1); the target is held (equation 9). One step makes an image: x = z_1 - u(z_1, 0, 1).

Networks: a narrow U-Net (zoo/networks/unet.py), told t, and t - r by an embedding of its own that is added. Times are two
logit-normal draws, the larger is t; a share of them is equal, where the loss is that of flow matching. Errors are weighted by
1 / (error + c)^p, which is held (section 4.3).

Departures: the paper's network has 55 M parameters on CIFAR-10. Adam at 2e-3 with a warm-up over 2 % of the budget, beside
budgets hundreds of times as long. A quarter of the times differ (the paper: three quarters on CIFAR-10, a quarter on
ImageNet). The error is the mean over an image's numbers, so that c means the same at every size. Embeddings have frequencies
of at most 20 radians per unit of time: faster ones make the derivative large and the target noise.

Published: CIFAR-10: FID 2.80 with one step, 2.84 with two (a reproduction, the F2D2 project page), network of 55 M
parameters.
"""

import warnings
from functools import partial
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian
from zoo.networks.layers import full_precision
from zoo.networks.unet import Sinusoids, UNet
from zoo.training.denoising import RAMP, DenoisingTurn, Settings, noise_size, settings, starting_noise, warm_up
from zoo.training.parameters import checked

LOCATION, SCALE = -0.4, 1.0  # of the logit-normal times
EPSILON = 1e-3  # c of the weight
DIFFERENT = 0.25  # share of the images whose times differ
SLOWED = 0.02  # of the embeddings' 1000 radians per unit of time


with warnings.catch_warnings():  # PyTorch's first forward derivative loads rules by a function that it deprecates
    warnings.simplefilter("ignore", FutureWarning)
    torch.func.jvp(torch.sin, (torch.zeros(()),), (torch.ones(()),))


class MeanVelocity(nn.Module):
    """Images (N, C, R, R), later times t (N,), spans t - r (N,) -> mean velocities over the spans, (N, C, R, R)."""

    def __init__(self, spec: ImageSpec, width: int = 64):
        super().__init__()
        self.body = UNet(spec, width)
        width = self.body.embedding
        self.span = nn.Sequential(
            Sinusoids(width // 4), nn.Linear(width // 4, width), nn.SiLU(), nn.Linear(width, width)
        )

    def forward(self, images: Tensor, times: Tensor, spans: Tensor) -> Tensor:
        return self.body(images, SLOWED * times, self.span(SLOWED * spans))


def drawn_times(turn: DenoisingTurn) -> tuple[Tensor, Tensor]:
    """Later times t and spans t - r >= 0, (N,) both; three quarters of the spans are 0."""
    one, other = ((LOCATION + SCALE * turn.normal()).sigmoid() for _ in range(2))
    later, earlier = torch.maximum(one, other), torch.minimum(one, other)
    return later, torch.where(turn.uniform() < DIFFERENT, later - earlier, 0.0)


def mean_velocity(turn: Turn) -> Tensor:
    """E w |u - (v - (t - r) du/dt)|^2 with the weight w = 1 / (error + c)^p, p = 1, and the target held."""
    assert isinstance(turn, DenoisingTurn)
    net = turn.nets["generator"]
    later, spans = drawn_times(turn)
    between = torch.lerp(turn.real, turn.noise, later[:, None, None, None])
    velocity, ones = turn.noise - turn.real, torch.ones_like(later)
    # The fused kernels of attention have no forward derivative, autocast casts no tangents.
    with sdpa_kernel(SDPBackend.MATH), full_precision(later.device):
        product = torch.func.jvp(net, (between, later, spans), (velocity, ones, ones))
    mean, slope = product[0], product[1]
    target = velocity - spans[:, None, None, None] * slope
    errors = (mean - target.detach()).square().mean((1, 2, 3))
    return (errors / (errors.detach() + EPSILON)).mean()


def integrate(nets: Nets, prompt: Prompt, *, spec: ImageSpec, steps: int) -> Tensor:
    """Images of the latents, by mean velocities over as many equal spans as steps: (N, C, H, W) in [-1, 1]."""
    images = starting_noise(prompt, spec)
    for step in range(steps):
        later = images.new_full((images.shape[0],), 1 - step / steps)
        images = images - nets["generator"](images, later, torch.full_like(later, 1 / steps)) / steps
    return images.clamp(-1, 1)


@checked(settings)
def meanflow(spec: ImageSpec, *, steps: int = 1, **chosen: Unpack[Settings]) -> GAN:
    """Adam at 2e-3, one step."""
    average = Average(half_life_images=chosen["half_life"], ramp=RAMP)
    net = MeanVelocity(spec, chosen["width"])
    player = Player(net, adam(chosen["lr"], chosen["betas"]), average, warm_up)
    stage = Stage([Update("generator", {"mean_velocity": mean_velocity})], DenoisingTurn)
    generate = partial(integrate, spec=spec, steps=steps)
    return GAN({"generator": player}, [stage], generate, gaussian(noise_size(spec)))
