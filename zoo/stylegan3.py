"""StyleGAN3-T. Karras, Aittala, Laine, Härkönen, Hellsten, Lehtinen, Aila, "Alias-Free Generative Adversarial Networks", NeurIPS
2021, arXiv:2106.12423.

In StyleGAN2 details stick to pixels instead of to what they are details of: up-sampling and non-linearities alias, and zero padding
tells the network where it is. Here features are band-limited signals. Each non-linearity is applied at a higher rate behind a
filter and followed by another; the input is made of waves that the style may turn and move; maps reach beyond the image. A
moved input then gives a moved image: configuration T, equivariant to translation (sections 2 and 3).

Networks: the generator of zoo/networks/alias_free.py with a mapping of two layers, StyleGAN2's residual critic. Non-saturating loss,
R1 every 16 iterations, rates of 2.5e-3 and 2e-3; no noise, no mixing, no path length.

Departures: 14 layers at 256 px as published, two fewer for each halving of the size, at least 6; margins of 10 px from 64 px on, of 4
below. Gamma of R1 is 10 at every size, as in the member `stylegan2`. Averages are ramped. The critic's
images are not blurred at first. Fixed track: widths in proportion to the image (zoo/networks/widths.py).

Published: FFHQ 1024 px: FID 2.79, where StyleGAN2 has 2.70 (table 5, left).
"""

from functools import partial

from torch import Tensor, nn

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Stage, Update, adam, gaussian
from zoo.losses.lazy import lazy_adam
from zoo.losses.objectives import NonSaturating
from zoo.losses.penalties import R1
from zoo.networks.alias_free import Synthesis
from zoo.networks.style import Mapping, per_layer, truncate
from zoo.networks.stylegan2 import Critic
from zoo.networks.widths import Widths, proportionate
from zoo.training.parameters import checked
from zoo.training.two_player import LatentTurn

PUBLISHED = Widths(base=32768)
R1_EVERY = 16


def layers(resolution: int) -> int:
    """14 at 256 px, two fewer for each halving, at least 6."""
    return max(2 * (resolution.bit_length() - 2), 6)


def margin(resolution: int) -> int:
    """Samples around the image, at every layer."""
    return 10 if resolution >= 64 else 4


class Generator(nn.Module):
    """z (N, Z) -> images (N, C, R, R), unbounded."""

    def __init__(self, spec: ImageSpec, widths: Widths):
        super().__init__()
        self.mapping = Mapping(widths.latent, widths.latent, 2)
        self.synthesis = Synthesis(spec, widths, layers(spec.resolution), margin(spec.resolution))
        self.styles = layers(spec.resolution) + 2

    def forward(self, latents: Tensor) -> Tensor:
        return self.from_styles(self.mapping(latents))

    def from_styles(self, styles: Tensor, truncation: float = 1.0) -> Tensor:
        """Styles (N, W), pulled towards their mean -> images (N, C, R, R), unbounded."""
        return self.synthesis(truncate(per_layer(styles, self.styles), self.mapping.mean, truncation))


def sample(nets: Nets, prompt: Prompt) -> Tensor:
    """Images of a prompt's latents, or of its styles where it has some, cut to [-1, 1]."""
    generator = nets["generator"]
    assert isinstance(generator, Generator)
    styles = intermediate(nets, prompt) if prompt.styles is None else prompt.styles
    return generator.from_styles(styles, prompt.truncation).clamp(-1, 1)


def intermediate(nets: Nets, prompt: Prompt) -> Tensor:
    """The styles w of a prompt's latents, before truncation, (N, W)."""
    generator = nets["generator"]
    assert isinstance(generator, Generator)
    return generator.mapping(prompt.latents)


@checked()
def stylegan3(
    spec: ImageSpec,
    *,
    width: int = 512,
    generator_lr: float = 2.5e-3,
    critic_lr: float = 2e-3,
    beta1: float = 0.0,
    beta2: float = 0.99,
    critic_steps: int = 1,
    r1: float = 10.0,
    half_life: float = 10_000,
) -> GAN:
    """StyleGAN3-T at widths in proportion to the image. Adam with betas (0, 0.99), the critic's rescaled for lazy R1.

    Args:
        width: The most channels that were published; all widths, latents and styles are in proportion to it, and to the image.
    """
    widths = proportionate(spec.resolution, PUBLISHED, width)
    average, betas = Average(half_life_images=half_life, ramp=0.05), (beta1, beta2)
    players = {
        "generator": Player(Generator(spec, widths), adam(generator_lr, betas), average),
        "critic": Player(Critic(spec, widths, residual=True, group=4), lazy_adam(critic_lr, betas, R1_EVERY)),
    }
    latents, objective = gaussian(widths.latent), NonSaturating()
    updates = [
        Update("critic", {"adversarial": objective.critic}, repeat=critic_steps),
        Update("critic", {"r1": R1(r1)}, every=R1_EVERY),
        Update("generator", {"adversarial": objective.generator}),
    ]
    stage = Stage(updates, partial(LatentTurn, latents=latents))
    return GAN(players, [stage], sample, latents, styles=intermediate, least_batch=2)
