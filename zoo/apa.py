"""APA. Jiang, Dai, Wu, Loy, "Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data", NeurIPS 2021,
arXiv:2111.06849.

Where the critic grows too sure of the few real images there are, a share p of what it is shown as real is generated. p follows
the critic's overfitting as StyleGAN2-ADA's augmentation does: it rises while the mean sign of the logits of what is shown as
real is above 0.6, and takes 500,000 images from 0 to 1 (section 3.2).

Networks and losses: StyleGAN2 (zoo/networks/stylegan2.py) as the member `stylegan2` has it, so that p is the only difference.

Departures: those of `stylegan2`: gamma of R1 is 10 at every size, averages are ramped. The images that deceive are drawn for
the purpose, with a pass of the generator of their own. Fixed track: widths in proportion to the image.

Published: FFHQ, 5,000 images of 256 px: FID 13.25, where StyleGAN2 has 37.83 (README of EndlessSora/DeceiveD).
"""

from functools import cached_property, partial
from typing import TypedDict, Unpack

import torch
from torch import Tensor

from bench.gan import GAN, Average, Context, ImageSpec, Player, Stage, Update, gaussian
from zoo.augmentation.ada import AdaptiveAugment
from zoo.losses.lazy import PathLength, lazy_adam
from zoo.losses.objectives import NonSaturating
from zoo.losses.penalties import R1
from zoo.networks.style import StyleTurn
from zoo.networks.stylegan2 import Critic, Generator, intermediate, noise_pixels, sample, style_layers
from zoo.networks.widths import Widths, proportionate
from zoo.training.parameters import checked
from zoo.training.two_player import Latents

PUBLISHED = Widths(base=32768)
R1_EVERY = 16
PATH_LENGTH_EVERY = 4


class DeceivedTurn(StyleTurn):
    """The critic takes some generated images for real ones: each with the probability p of `control`."""

    def __init__(
        self,
        context: Context,
        *,
        latents: Latents,
        layers: int,
        noise_pixels: int,
        mixing: float,
        control: AdaptiveAugment,
    ):
        super().__init__(context, latents=latents, layers=layers, noise_pixels=noise_pixels, mixing=mixing)
        self.control = control

    @cached_property
    def real(self) -> Tensor:
        """What is shown as real, (N, C, R, R): real images, and generated ones in the place of some."""
        images = self.batch.images
        pseudo = self.make_fake().detach()
        chosen = torch.rand(images.shape[0], 1, 1, 1, generator=self.random, device=images.device) < self.control.p
        return self.leaf("real", torch.where(chosen, pseudo, images))


class Settings(TypedDict):
    """What is not a width."""

    lr: float
    beta1: float
    beta2: float
    critic_steps: int
    r1: float
    path_length: float
    mixing: float
    half_life: float
    apa_target: float


def settings(
    *,
    lr: float = 2e-3,
    beta1: float = 0.0,
    beta2: float = 0.99,
    critic_steps: int = 1,
    r1: float = 10.0,
    path_length: float = 2.0,
    mixing: float = 0.9,
    half_life: float = 10_000,
    apa_target: float = 0.6,
) -> Settings:
    """Those of `stylegan2`, and the paper's target."""
    return Settings(
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        critic_steps=critic_steps,
        r1=r1,
        path_length=path_length,
        mixing=mixing,
        half_life=half_life,
        apa_target=apa_target,
    )


def players(spec: ImageSpec, widths: Widths, chosen: Settings) -> dict[str, Player]:
    """StyleGAN2's networks, under Adam that is rescaled for the lazy regularisers."""
    lr, betas = chosen["lr"], (chosen["beta1"], chosen["beta2"])
    average = Average(half_life_images=chosen["half_life"], ramp=0.05)
    generator = Generator(spec, widths, mapping_layers=8)
    critic = Critic(spec, widths, residual=True, group=4)
    return {
        "generator": Player(generator, lazy_adam(lr, betas, PATH_LENGTH_EVERY), average),
        "critic": Player(critic, lazy_adam(lr, betas, R1_EVERY)),
    }


@checked(settings)
def apa(spec: ImageSpec, *, width: int = 512, **chosen: Unpack[Settings]) -> GAN:
    """StyleGAN2 with adaptive pseudo augmentation, at widths in proportion to the image.

    Args:
        width: The most channels that were published; all widths, latents and styles are in proportion to it, and to the image.
    """
    widths = proportionate(spec.resolution, PUBLISHED, width)
    latents, pixels = gaussian(widths.latent), noise_pixels(spec.resolution)
    objective, path_length = NonSaturating(), PathLength(chosen["path_length"])
    control = AdaptiveAugment(target=chosen["apa_target"])  # its control of p alone: the images are not transformed
    updates = [
        Update("critic", {"adversarial": objective.critic}, repeat=chosen["critic_steps"], then=[control.adjust]),
        Update("critic", {"r1": R1(chosen["r1"])}, every=R1_EVERY),
        Update("generator", {"adversarial": objective.generator}),
        Update("generator", {"path_length": path_length}, every=PATH_LENGTH_EVERY),
    ]
    turn = partial(
        DeceivedTurn,
        latents=latents,
        layers=style_layers(spec.resolution),
        noise_pixels=pixels,
        mixing=chosen["mixing"],
        control=control,
    )
    return GAN(
        players(spec, widths, chosen),
        [Stage(updates, turn)],
        partial(sample, pixels=pixels),
        latents,
        state={"path_length": path_length, "control": control},
        styles=intermediate,
        least_batch=2,
    )
