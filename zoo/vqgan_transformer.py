"""VQGAN, both stages. Esser, Rombach, Ommer, "Taming Transformers for High-Resolution Image Synthesis", CVPR 2021,
arXiv:2012.09841.

The member `vqgan` rebuilds images from a few codes; here a transformer learns which codes follow which, and so images are generated.
First stage: the autoencoder, its codebook and a critic of patches. Second stage: the autoencoder stays, and the transformer
predicts each code of an image from those before it, row by row (section 3.2, equation 8). Sampling draws one code after the
other, each by one number of the latents, and decodes them.

Networks: the autoencoder of zoo/networks/vqgan.py with codes 4 px apart below 128 px; a causal transformer of four blocks
(zoo/networks/transformer.py).

Departures: those of zoo/vqgan.py as for codes and widths. The first stage has absolute error, the critic's feature distance and
its hinge loss at the adaptive weight times 0.8, all from the first step. 256 codes instead of 1,024, and a transformer of
128 channels, where the paper's has 24 blocks of 1,024. Codes are drawn from the whole distribution, not from the 100 likeliest.
Two thirds of the budget are the first stage's. Known: what the first stage cannot rebuild no second stage can generate.

Published: ImageNet 256 px with classes: FID 15.78, 5.20 with rejection (README of CompVis/taming-transformers).
"""

from functools import cached_property, partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, uniform
from zoo.losses.reconstruction import Adversarial, codes, halved, perceptual_distance, pixel_distance
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.networks.transformer import Prior
from zoo.networks.vqgan import Autoencoder, Critic, critic_width, proportionate
from zoo.training.parameters import checked
from zoo.training.reconstruction import ReconstructionTurn, autoencoder_update

CODES = 256
BLOCKS, HEADS = 4, 4
FIRST = 2 / 3  # share of the budget


def likeness(turn: Turn) -> Tensor:
    """How far reconstructions are from the images: in pixels and in the critic's features, weighed alike."""
    return pixel_distance(turn) + perceptual_distance(turn)


class CodeTurn(Turn):
    """The second stage: images are their codes."""

    @cached_property
    @torch.no_grad()
    def tokens(self) -> Tensor:
        """Row by row, (N, T) int64."""
        net = self.nets["autoencoder"]
        assert isinstance(net, Autoencoder)
        return net.codebook.nearest(net.before(net.encoder(self.real))).flatten(1)


def likelihood(turn: Turn) -> Tensor:
    """-E log p(code | codes before it), in nats a code: equation 8."""
    assert isinstance(turn, CodeTurn)
    logits = turn.nets["prior"](turn.tokens[:, :-1])
    return cross_entropy(logits.flatten(0, 1), turn.tokens.flatten())


def drawn(logits: Tensor, numbers: Tensor) -> Tensor:
    """Codes (N,) from logits (N, K) by numbers (N,) in [0, 1): the inverse of the distribution function."""
    below = logits.float().softmax(1).cumsum(1) <= numbers[:, None]
    return below.sum(1).clamp(max=logits.shape[1] - 1)


def generate(nets: Nets, prompt: Prompt, *, places: int) -> Tensor:
    """Images of the latents, one number in [-1, 1] for each code: (N, C, R, R) in [-1, 1]. T passes of the prior, one of the decoder."""
    assert prompt.latents is not None
    prior, net = nets["prior"], nets["autoencoder"]
    assert isinstance(net, Autoencoder)
    numbers = (prompt.latents + 1) / 2
    tokens = torch.zeros_like(prompt.latents, dtype=torch.int64)[:, :0]
    for place in range(numbers.shape[1]):
        chosen = drawn(prior(tokens)[:, -1], numbers[:, place])
        tokens = torch.cat([tokens, chosen[:, None]], 1)
    pictures = net.codebook.codes(tokens.unflatten(1, (places, places))).movedim(-1, 1)
    return net.decoder(net.after(pictures)).clamp(-1, 1)


@checked()
def vqgan_transformer(
    spec: ImageSpec,
    *,
    width: int = 128,
    lr: float = 5e-4,
    beta1: float = 0.5,
    beta2: float = 0.9,
    codebook: float = 0.25,
    adversarial: float = 0.8,
    half_life: float = 10_000,
) -> GAN:
    """Adam at 5e-4 with betas (0.5, 0.9) for all three.

    Args:
        width: Channels of the autoencoder next to the image from 128 px on, fewer below; and of the transformer.
    """
    optimiser, design = adam(lr, betas=(beta1, beta2)), proportionate(spec.resolution, width, CODES)
    places = design.side(spec.resolution)
    narrow = critic_width(spec.resolution, width)
    critic = initialise(Critic(spec.channels, spec.resolution, narrow), NORMAL, AROUND_ONE)
    prior = Prior(CODES, places**2, HEADS * max(width // HEADS, 1), BLOCKS, HEADS)
    players = {
        "autoencoder": Player(Autoencoder(spec.channels, design), optimiser),
        "critic": Player(critic, optimiser),
        "prior": Player(prior, optimiser, Average(half_life_images=half_life, ramp=0.05)),
    }
    rebuilding = {
        "likeness": likeness,
        "codebook": partial(codes, weight=codebook),
        "adversarial": Adversarial(adversarial, begins=0.0),
    }
    first = [autoencoder_update(rebuilding), Update("critic", {"adversarial": halved})]
    second = [Update("prior", {"likelihood": likelihood})]
    schedule = [Stage(first, ReconstructionTurn, share=FIRST), Stage(second, CodeTurn, share=1 - FIRST)]
    return GAN(players, schedule, partial(generate, places=places), uniform(places**2), least_batch=2)
