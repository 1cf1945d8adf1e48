"""Models that turn noise into images in several passes of one network: their turn, their latents, their GAN.

The initial noise is the member's latents, one number for each of the image's: (N, C * H * W).
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypedDict

import torch
from torch import Tensor, nn

from bench.gan import GAN, Average, Context, ImageSpec, Loss, Nets, Player, Prompt, Stage, Turn, Update, adam, gaussian
from zoo.networks.unet import ClassUNet, UNet

RAMP = 0.05  # the average's half-life stays below this share of the images seen: EDM's ema_rampup_ratio
WARM_UP = 0.02  # share of the budget in which the rate rises to its value

Network = Callable[[Tensor, Tensor], Tensor]  # noisy images (N, C, H, W), times (N,) -> (N, C, H, W)


class DenoisingTurn(Turn):
    """Real images, noise for each, and the network that learns to tell them apart.

    In a conditional member the network is told the classes of the real images, `dropout` of them at random replaced by the
    label that means any (Ho & Salimans 2022, arXiv:2207.12598, algorithm 1).
    """

    def __init__(self, context: Context, *, dropout: float | None = None):
        super().__init__(context)
        self.dropout = dropout

    @cached_property
    def noise(self) -> Tensor:
        """Standard normal, of the images' shape."""
        return torch.randn(self.real.shape, generator=self.random, device=self.real.device)

    def uniform(self) -> Tensor:
        """A number in [0, 1) for each image, (N,)."""
        return torch.rand(self.real.shape[0], generator=self.random, device=self.real.device)

    def normal(self) -> Tensor:
        """A standard normal number for each image, (N,)."""
        return torch.randn(self.real.shape[0], generator=self.random, device=self.real.device)

    def network(self, noisy: Tensor, times: Tensor) -> Tensor:
        """What the network says of noisy images at their times, (N, C, H, W)."""
        net = self.nets["generator"]
        return net(noisy, times) if self.dropout is None else net(noisy, times, self._labels)

    @cached_property
    def _labels(self) -> Tensor:
        labels, net = self.batch.labels, self.nets["generator"]
        if labels is None or not isinstance(net, ClassUNet):
            raise ValueError("a conditional member needs labelled images")
        assert self.dropout is not None
        anything = torch.full_like(labels, net.classes)
        return torch.where(self.uniform() < self.dropout, anything, labels)


def network(nets: Nets, prompt: Prompt, guidance: float = 1.0) -> Network:
    """The network as sampling sees it: told the prompt's classes, if it has any.

    With a guidance w other than 1 its answer is w times that for the class, and 1 - w times that for any class, which
    takes two passes instead of one (Ho & Salimans 2022, arXiv:2207.12598, equation 6, whose w is one less).
    """
    net, labels = nets["generator"], prompt.labels
    if not isinstance(net, ClassUNet) or labels is None:
        return net
    if guidance == 1:
        return lambda images, times: net(images, times, labels)
    both = torch.cat([labels, torch.full_like(labels, net.classes)])

    def guided(images: Tensor, times: Tensor) -> Tensor:
        told, untold = net(images.repeat(2, 1, 1, 1), times.repeat(2), both).chunk(2)
        return untold + guidance * (told - untold)

    return guided


def starting_noise(prompt: Prompt, spec: ImageSpec) -> Tensor:
    """The prompt's latents as pictures, (N, C, H, W)."""
    assert prompt.latents is not None
    return prompt.latents.unflatten(1, (spec.channels, spec.resolution, spec.resolution))


def noise_size(spec: ImageSpec) -> int:
    """Numbers of an image's noise."""
    return spec.channels * spec.resolution**2


def warm_up(fraction: float) -> float:
    """From near 0 to 1 over the first 2 % of the budget, then 1."""
    return min(1.0, max(fraction, 1e-3) / WARM_UP)


class Settings(TypedDict):
    """What every member of one network takes."""

    width: int
    lr: float
    betas: tuple[float, float]
    half_life: float


def settings(
    *, width: int = 64, lr: float = 2e-3, beta1: float = 0.9, beta2: float = 0.999, half_life: float = 500_000
) -> Settings:
    """The parameters that they share."""
    return Settings(width=width, lr=lr, betas=(beta1, beta2), half_life=half_life)


def denoiser(
    spec: ImageSpec,
    losses: Mapping[str, Loss],
    generate: Callable[[Nets, Prompt], Tensor],
    chosen: Settings,
    *,
    dropout: float | None = None,
) -> GAN:
    """One U-Net, its loss and its sampler; conditional, and told no class so often, if `dropout` is given."""
    conditional = dropout is not None
    net: nn.Module = ClassUNet(spec, chosen["width"]) if conditional else UNet(spec, chosen["width"])
    average = Average(half_life_images=chosen["half_life"], ramp=RAMP)
    player = Player(net, adam(chosen["lr"], chosen["betas"]), average, warm_up)

    def turn(context: Context) -> Turn:
        return DenoisingTurn(context, dropout=dropout)

    stage = Stage([Update("generator", losses)], turn)
    latents = gaussian(noise_size(spec))
    return GAN(
        {"generator": player}, [stage], generate, latents, task="conditional" if conditional else "unconditional"
    )
