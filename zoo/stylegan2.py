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

from bench.gan import GAN, Average, ImageSpec, Player, Stage, Update, gaussian
from zoo.losses.lazy import PathLength, lazy_adam
from zoo.losses.objectives import NonSaturating
from zoo.losses.penalties import R1
from zoo.networks.conditional import needs_labels
from zoo.networks.style import StyleTurn
from zoo.networks.stylegan2 import Critic, Generator, intermediate, noise_pixels, sample, style_layers
from zoo.networks.widths import Widths, proportionate

PUBLISHED = Widths(base=32768)
R1_EVERY = 16
PATH_LENGTH_EVERY = 4
MIXING = 0.9  # share of images with two latents


def build(spec: ImageSpec, widths: Widths, classes: int = 0) -> GAN:
    """Adam at 2e-3 with betas (0, 0.99), rescaled for the lazy regularisers; weights averaged with a half-life of 10k
    images (appendix B; NVlabs/stylegan2 run_training.py at bf0fe0b).
    """
    generator = Generator(spec, widths, mapping_layers=8, classes=classes)
    critic = Critic(spec, widths, residual=True, group=4, classes=classes)
    players = {
        "generator": Player(
            generator, lazy_adam(2e-3, (0.0, 0.99), PATH_LENGTH_EVERY), Average(half_life_images=10_000, ramp=0.05)
        ),
        "critic": Player(critic, lazy_adam(2e-3, (0.0, 0.99), R1_EVERY)),
    }
    latents = gaussian(widths.latent)
    objective, path_length = NonSaturating(), PathLength()
    updates = [
        Update("critic", {"adversarial": objective.critic}),
        Update("critic", {"r1": R1(10.0)}, every=R1_EVERY),
        Update("generator", {"adversarial": objective.generator}),
        Update("generator", {"path_length": path_length}, every=PATH_LENGTH_EVERY),
    ]
    turn = partial(
        StyleTurn,
        latents=latents,
        layers=style_layers(spec.resolution),
        noise_pixels=noise_pixels(spec.resolution),
        conditional=bool(classes),
        mixing=MIXING,
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


def stylegan2(spec: ImageSpec) -> GAN:
    """StyleGAN2 at widths in proportion to the image."""
    return build(spec, proportionate(spec.resolution, PUBLISHED))


def stylegan2_cond(spec: ImageSpec) -> GAN:
    """Class-conditional StyleGAN2 at widths in proportion to the image. Raises UserError without classes."""
    needs_labels(spec, "stylegan2-cond")
    return build(spec, proportionate(spec.resolution, PUBLISHED), spec.classes)


def stylegan2_paper(spec: ImageSpec) -> GAN:
    """StyleGAN2 at the published widths of configuration F: 27.0 M and 26.5 M parameters at 64 px."""
    return build(spec, PUBLISHED)
