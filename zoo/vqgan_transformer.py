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

from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from bench.gan import GAN, Average, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam, uniform
from zoo.losses.objectives import Hinge
from zoo.losses.weighted import Weighted
from zoo.networks.layers import AROUND_ONE, NORMAL, initialise
from zoo.networks.patch import PatchCritic
from zoo.networks.transformer import Prior
from zoo.networks.vqgan import Autoencoder, Design
from zoo.networks.widths import in_steps
from zoo.training.parameters import checked

CODES = 256
BLOCKS, HEADS = 4, 4
FIRST = 2 / 3  # share of the budget


def design(resolution: int, width: int) -> Design:
    """Channels at each size, the first in proportion to the image from 32 to 128 px. Codes lie 4 px apart, 8 at 128 px, 16 at 256."""
    first = in_steps(min(max(resolution, 32), 128) * width / 128)
    multiples = {256: (1, 1, 2, 2, 4), 128: (1, 2, 2, 4)}.get(resolution, (1, 2, 4))
    return Design(tuple(first * multiple for multiple in multiples), 2 * first, CODES)


def side(resolution: int, made: Design) -> int:
    """Codes along a side of the image."""
    return resolution >> (len(made.widths) - 1)


class Critic(PatchCritic):
    """Images (N, C, H, W) -> logits (N, P), and what its blocks saw."""

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        seen = self.features(images)
        return self.head(seen[-1]).flatten(1), seen


class RebuildingTurn(Turn):
    """The first stage: fakes are the real images through codes and back."""

    @cached_property
    def rebuilt(self) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstructions, features, codes."""
        made = self.nets["autoencoder"](self.real)
        self.draw.memo["fake"] = made[0].detach()
        return made

    @cached_property
    def fake(self) -> Tensor:
        """Reconstructions; for the critic those that the autoencoder's update made."""
        return self.rebuilt[0] if self.mover == "autoencoder" else self.draw.memo["fake"]

    @cached_property
    def judged(self) -> list[tuple[Tensor, list[Tensor]]]:
        """Logits and features of the real images, then of the reconstructions."""
        return [self.nets["critic"](images) for images in (self.real, self.fake)]

    @cached_property
    def real_logits(self) -> Tensor:
        """Per patch, (N, P)."""
        return self.judged[0][0]

    @cached_property
    def fake_logits(self) -> Tensor:
        """Per patch, (N, P)."""
        return self.judged[1][0]

    @cached_property
    def likeness(self) -> Tensor:
        """E |x - x^| of pixels, and of the critic's features."""
        layers = zip(self.judged[0][1], self.judged[1][1], strict=True)
        features = torch.stack([(real - fake).abs().mean() for real, fake in layers]).mean()
        return (self.real - self.fake).abs().mean() + features


def likeness(turn: Turn) -> Tensor:
    """Of reconstructions to images."""
    assert isinstance(turn, RebuildingTurn)
    return turn.likeness


def codes(turn: Turn, weight: float) -> Tensor:
    """beta |sg[E(x)] - z|^2 + |sg[z] - E(x)|^2, means over numbers: equation 4, with beta where the released code has it."""
    assert isinstance(turn, RebuildingTurn)
    _, features, chosen = turn.rebuilt
    return weight * (chosen - features.detach()).square().mean() + (chosen.detach() - features).square().mean()


@dataclass(frozen=True)
class Balanced:
    """-lambda E D(x^), lambda the ratio of the two losses' gradients at the decoder's last layer: equations 6 and 7."""

    differentiates = frozenset({"autoencoder", "critic"})  # gradients within the update: neither can be compiled

    def __call__(self, turn: Turn) -> Tensor:
        assert isinstance(turn, RebuildingTurn)
        adversarial, net = Hinge().generator(turn), turn.nets["autoencoder"]
        assert isinstance(net, Autoencoder)
        norms = [
            torch.autograd.grad(loss, net.last_weight, retain_graph=True)[0].norm()
            for loss in (turn.likeness, adversarial)
        ]
        return (norms[0] / (norms[1] + 1e-4)).clamp(max=1e4).detach() * adversarial


def halved(turn: Turn) -> Tensor:
    """Half the hinge loss, as in the released code."""
    return Hinge().critic(turn) / 2


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
    optimiser, made = adam(lr, betas=(beta1, beta2)), design(spec.resolution, width)
    places = side(spec.resolution, made)
    narrow = in_steps(min(max(spec.resolution // 2, 16), 64) * width / 128)
    critic = initialise(Critic(spec.channels, spec.resolution, narrow), NORMAL, AROUND_ONE)
    prior = Prior(CODES, places**2, HEADS * max(width // HEADS, 1), BLOCKS, HEADS)
    players = {
        "autoencoder": Player(Autoencoder(spec.channels, made), optimiser),
        "critic": Player(critic, optimiser),
        "prior": Player(prior, optimiser, Average(half_life_images=half_life, ramp=0.05)),
    }
    rebuilding = {
        "likeness": likeness,
        "codebook": partial(codes, weight=codebook),
        "adversarial": Weighted(Balanced(), adversarial),
    }
    first = [Update("autoencoder", rebuilding), Update("critic", {"adversarial": halved})]
    second = [Update("prior", {"likelihood": likelihood})]
    schedule = [Stage(first, RebuildingTurn, share=FIRST), Stage(second, CodeTurn, share=1 - FIRST)]
    return GAN(players, schedule, partial(generate, places=places), uniform(places**2), least_batch=2)
