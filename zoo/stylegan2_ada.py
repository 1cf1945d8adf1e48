"""StyleGAN2-ADA. Karras, Aittala, Hellsten, Laine, Lehtinen, Aila, "Training Generative Adversarial Networks with Limited
Data", NeurIPS 2020, arXiv:2006.06676.

StyleGAN2 (zoo/networks/stylegan2.py) whose critic sees nothing but augmented images, with an augmentation strength that
follows the critic's overfitting (zoo/augmentation/ada.py): target 0.6, pipeline bgc. Up to 32 px the paper's configuration for
CIFAR-10: two mapping layers, a critic without residual connections, minibatch standard deviation over 32 images, no
path length, no style mixing, R1 with gamma = 0.01, weights averaged with a half-life of 500k images. Above that the
configuration `auto` of the authors' code (NVlabs/stylegan2-ada-pytorch train.py at d72cc7d): a residual critic, groups
of 4, path length, mixing, gamma = 0.0002 R^2 / batch size, a half-life of 20k images. Conditional: the label is
embedded in the mapping network and projected in the critic.

Departures: both averages' half-lives stay below 5 % of the images seen, as the code ramps them. The running mean of the
path lengths starts at the first lengths instead of 0. Fakes are asked for the labels of the real batch; the code draws
labels from the data set. The crossover point of mixing is drawn per image. The generator's Adam is rescaled for the
path length even where there is none, as the code does. The augmentation copies pixels where a transform is of whole
pixels, and mirrors coordinates beyond the border instead of padding the image. No half precision or clamping of the
member's own. Fixed track: R channels at R px, doubling with every halving, latents and styles of 8 R numbers
(zoo/networks/widths.py). `stylegan2_ada_paper` has the published widths.

Published: CIFAR-10, 50k images: FID 2.42 class-conditional (README of the authors' code; abstract of the paper).
PyTorch-StudioGAN: FID 2.31, IS 10.53 (README at 947b35e, best checkpoint).
"""

from dataclasses import dataclass, replace
from functools import partial
from typing import TypedDict, Unpack

from bench.gan import GAN, Average, ImageSpec, Loss, Player, Stage, Update, gaussian
from zoo.augmentation.ada import AdaptiveAugment
from zoo.losses.lazy import PathLength, SizedR1, lazy_adam
from zoo.losses.objectives import NonSaturating
from zoo.losses.penalties import R1
from zoo.networks.conditional import needs_labels
from zoo.networks.style import StyleTurn
from zoo.networks.stylegan2 import Critic, Generator, intermediate, noise_pixels, sample, style_layers
from zoo.networks.widths import Widths, proportionate
from zoo.training.parameters import checked

R1_EVERY = 16
PATH_LENGTH_EVERY = 4


@dataclass(frozen=True)
class Config:
    """What differs between small and large images."""

    published: Widths
    residual: bool
    group: int
    r1: type[R1] | type[SizedR1]
    r1_weight: float
    path_length: float  # 0: none
    mixing: float
    half_life_images: float


CIFAR = Config(Widths(32768), False, 32, R1, 0.01, path_length=0.0, mixing=0.0, half_life_images=500_000)
AUTO = Config(Widths(16384), True, 4, SizedR1, 0.0002, path_length=2.0, mixing=0.9, half_life_images=20_000)


class Settings(TypedDict):
    """What is not a width; None: as the configuration has it."""

    lr: float
    beta1: float
    beta2: float
    critic_steps: int
    r1: float | None
    path_length: float | None
    mixing: float | None
    half_life: float | None
    ada_target: float


def settings(
    *,
    lr: float = 2.5e-3,
    beta1: float = 0.0,
    beta2: float = 0.99,
    critic_steps: int = 1,
    r1: float | None = None,
    path_length: float | None = None,
    mixing: float | None = None,
    half_life: float | None = None,
    ada_target: float = 0.6,
) -> Settings:
    """The authors', by default."""
    return Settings(
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        critic_steps=critic_steps,
        r1=r1,
        path_length=path_length,
        mixing=mixing,
        half_life=half_life,
        ada_target=ada_target,
    )


def config(resolution: int, chosen: Settings) -> Config:
    """The configuration for a resolution, with what is chosen instead."""
    own = CIFAR if resolution <= 32 else AUTO
    return replace(
        own,
        r1_weight=own.r1_weight if chosen["r1"] is None else chosen["r1"],
        path_length=own.path_length if chosen["path_length"] is None else chosen["path_length"],
        mixing=own.mixing if chosen["mixing"] is None else chosen["mixing"],
        half_life_images=own.half_life_images if chosen["half_life"] is None else chosen["half_life"],
    )


def build(spec: ImageSpec, chosen: Settings, width: int | None = None, classes: int = 0) -> GAN:
    """Adam at 2.5e-3 with betas (0, 0.99), rescaled for the lazy regularisers; without a width, the published ones."""
    made = config(spec.resolution, chosen)
    widths = made.published if width is None else proportionate(spec.resolution, made.published, width)
    generator = Generator(spec, widths, mapping_layers=2, classes=classes)
    critic = Critic(spec, widths, residual=made.residual, group=made.group, classes=classes)
    lr, betas = chosen["lr"], (chosen["beta1"], chosen["beta2"])
    average = Average(half_life_images=made.half_life_images, ramp=0.05)
    players = {
        "generator": Player(generator, lazy_adam(lr, betas, PATH_LENGTH_EVERY), average),
        "critic": Player(critic, lazy_adam(lr, betas, R1_EVERY)),
    }
    latents = gaussian(widths.latent)
    augment = AdaptiveAugment(target=chosen["ada_target"])
    path_length = PathLength(made.path_length) if made.path_length else None
    turn = partial(
        StyleTurn,
        latents=latents,
        layers=style_layers(spec.resolution),
        noise_pixels=noise_pixels(spec.resolution),
        conditional=bool(classes),
        mixing=made.mixing,
        augment=augment,
    )
    return GAN(
        players,
        [Stage(updates(made.r1(made.r1_weight), path_length, augment, chosen["critic_steps"]), turn)],
        partial(sample, pixels=noise_pixels(spec.resolution)),
        latents,
        state={"augment": augment, **({"path_length": path_length} if path_length else {})},
        task="conditional" if classes else "unconditional",
        styles=intermediate,
        least_batch=2,
    )


def updates(r1: Loss, path_length: PathLength | None, augment: AdaptiveAugment, critic_steps: int) -> list[Update]:
    """The critic looks, and the augmentation follows what it says; the generator answers. Regularisers now and then."""
    objective = NonSaturating()
    moves = [
        Update("critic", {"adversarial": objective.critic}, repeat=critic_steps, then=[augment.adjust]),
        Update("critic", {"r1": r1}, every=R1_EVERY),
        Update("generator", {"adversarial": objective.generator}),
    ]
    if path_length is not None:
        moves.append(Update("generator", {"path_length": path_length}, every=PATH_LENGTH_EVERY))
    return moves


@checked(settings)
def stylegan2_ada(spec: ImageSpec, *, width: int = 512, **chosen: Unpack[Settings]) -> GAN:
    """StyleGAN2-ADA at widths in proportion to the image.

    Args:
        width: The most channels that were published; all widths, latents and styles are in proportion to it, and to the image.
        r1: Gamma of R1; none: 0.01 up to 32 px, 0.0002 pixels / batch size above, of which this is the 0.0002.
        path_length: Weight of path length regularisation; none: 0 up to 32 px, 2 above.
        mixing: Share of the images whose styles come from two latents; none: 0 up to 32 px, 0.9 above.
        half_life: Of the weight average, in images; none: 500,000 up to 32 px, 20,000 above.
    """
    return build(spec, chosen, width)


@checked(settings)
def stylegan2_ada_cond(spec: ImageSpec, *, width: int = 512, **chosen: Unpack[Settings]) -> GAN:
    """Class-conditional StyleGAN2-ADA at widths in proportion to the image. Raises UserError without classes.

    Args:
        width: The most channels that were published; all widths, latents and styles are in proportion to it, and to the image.
        r1: Gamma of R1; none: 0.01 up to 32 px, 0.0002 pixels / batch size above, of which this is the 0.0002.
        path_length: Weight of path length regularisation; none: 0 up to 32 px, 2 above.
        mixing: Share of the images whose styles come from two latents; none: 0 up to 32 px, 0.9 above.
        half_life: Of the weight average, in images; none: 500,000 up to 32 px, 20,000 above.
    """
    needs_labels(spec, "stylegan2-ada-cond")
    return build(spec, chosen, width, spec.classes)


def stylegan2_ada_paper(spec: ImageSpec) -> GAN:
    """StyleGAN2-ADA at the published widths: 19.9 M and 20.7 M parameters at 32 px."""
    return build(spec, settings())


def stylegan2_ada_cond_paper(spec: ImageSpec) -> GAN:
    """Class-conditional StyleGAN2-ADA at the published widths. Raises UserError without classes."""
    needs_labels(spec, "stylegan2-ada-cond")
    return build(spec, settings(), classes=spec.classes)
