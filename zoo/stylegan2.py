"""StyleGAN2. Karras, Laine, Aittala, Hellsten, Lehtinen, Aila, "Analyzing and Improving the Image Quality of StyleGAN",
CVPR 2020, arXiv:1912.04958.

Networks: configuration F of table 1 (zoo/networks/stylegan2.py): weight demodulation, a generator whose images add up over
the sizes, a residual critic, minibatch standard deviation over groups of 4, eight mapping layers, style mixing for 90 %
of the images. Non-saturating loss, R1 every 16 iterations, path length every 4 (section 3, appendix B).

Departures: R1 keeps gamma = 10 at every resolution, as in StyleGAN; the authors' later rule 0.0002 R^2 / batch size
(arXiv:2006.06676, appendix C) leaves next to nothing of it at 16 px, where training then swings. The running mean of
the path lengths starts at the first lengths instead of 0, and the half-life of the average stays below 5 % of the
images seen: short runs alone notice both. The crossover point of mixing is drawn per image. Truncation pulls the styles
of all layers. The conditional member takes its label as StyleGAN2-ADA does: embedded in the mapping network, and
projected in the critic; fakes are asked for the labels of the real batch, where that code draws labels for them. Fixed
track: R channels at R px, doubling with every halving, latents and styles of 8 R numbers (zoo/networks/widths.py).
`stylegan2_paper` has the published widths.

Published: FFHQ 1024 px: FID 2.84 (table 1, configuration F). CIFAR-10 class-conditional, by another hand:
FID 3.78, IS 10.17 (PyTorch-StudioGAN README at 947b35e, best checkpoint).
"""

from functools import partial
from typing import TypedDict, Unpack

from bench.gan import GAN, Average, ImageSpec, Player, Stage, Update, gaussian
from zoo.losses.lazy import PathLength, lazy_adam
from zoo.losses.objectives import NonSaturating
from zoo.losses.penalties import R1
from zoo.networks.conditional import needs_labels
from zoo.networks.style import StyleTurn
from zoo.networks.stylegan2 import Critic, Generator, intermediate, noise_pixels, sample, style_layers
from zoo.networks.widths import Widths, proportionate
from zoo.training.parameters import checked

PUBLISHED = Widths(base=32768)
R1_EVERY = 16
PATH_LENGTH_EVERY = 4


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
) -> Settings:
    """The paper's, by default (appendix B)."""
    return Settings(
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        critic_steps=critic_steps,
        r1=r1,
        path_length=path_length,
        mixing=mixing,
        half_life=half_life,
    )


def build(spec: ImageSpec, widths: Widths, chosen: Settings, classes: int = 0) -> GAN:
    """Adam at 2e-3 with betas (0, 0.99), rescaled for the lazy regularisers; weights averaged with a half-life of 10k
    images (appendix B; NVlabs/stylegan2 run_training.py at bf0fe0b).
    """
    generator = Generator(spec, widths, mapping_layers=8, classes=classes)
    critic = Critic(spec, widths, residual=True, group=4, classes=classes)
    lr, betas = chosen["lr"], (chosen["beta1"], chosen["beta2"])
    average = Average(half_life_images=chosen["half_life"], ramp=0.05)
    players = {
        "generator": Player(generator, lazy_adam(lr, betas, PATH_LENGTH_EVERY), average),
        "critic": Player(critic, lazy_adam(lr, betas, R1_EVERY)),
    }
    latents = gaussian(widths.latent)
    objective, path_length = NonSaturating(), PathLength(chosen["path_length"])
    updates = [
        Update("critic", {"adversarial": objective.critic}, repeat=chosen["critic_steps"]),
        Update("critic", {"r1": R1(chosen["r1"])}, every=R1_EVERY),
        Update("generator", {"adversarial": objective.generator}),
        Update("generator", {"path_length": path_length}, every=PATH_LENGTH_EVERY),
    ]
    turn = partial(
        StyleTurn,
        latents=latents,
        layers=style_layers(spec.resolution),
        noise_pixels=noise_pixels(spec.resolution),
        conditional=bool(classes),
        mixing=chosen["mixing"],
    )
    return GAN(
        players,
        [Stage(updates, turn)],
        partial(sample, pixels=noise_pixels(spec.resolution)),
        latents,
        state={"path_length": path_length},
        task="conditional" if classes else "unconditional",
        styles=intermediate,
        least_batch=2,
    )


@checked(settings)
def stylegan2(spec: ImageSpec, *, width: int = 512, **chosen: Unpack[Settings]) -> GAN:
    """StyleGAN2 at widths in proportion to the image.

    Args:
        width: The most channels that were published; all widths, latents and styles are in proportion to it, and to the image.
    """
    return build(spec, proportionate(spec.resolution, PUBLISHED, width), chosen)


@checked(settings)
def stylegan2_cond(spec: ImageSpec, *, width: int = 512, **chosen: Unpack[Settings]) -> GAN:
    """Class-conditional StyleGAN2 at widths in proportion to the image. Raises UserError without classes.

    Args:
        width: The most channels that were published; all widths, latents and styles are in proportion to it, and to the image.
    """
    needs_labels(spec, "stylegan2-cond")
    return build(spec, proportionate(spec.resolution, PUBLISHED, width), chosen, spec.classes)


def stylegan2_paper(spec: ImageSpec) -> GAN:
    """StyleGAN2 at the published widths of configuration F: 27.0 M and 26.5 M parameters at 64 px."""
    return build(spec, PUBLISHED, settings())
