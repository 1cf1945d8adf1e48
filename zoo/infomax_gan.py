"""InfoMax-GAN. Lee, Tran, Cheung, "InfoMax-GAN: Improved Adversarial Image Generation via Information Maximization and
Contrastive Learning", WACV 2021, arXiv:2007.04589.

The critic's features of a place and its features of the whole image should tell which image the other is from: a bound on
their mutual information (InfoNCE). The critic maximises it on real images, against forgetting, the generator on its own,
against collapse (section 3).

Networks: SNGAN's (zoo/networks/sngan.py); local features are those before the last block, global ones what the last layer
sees. Both are projected to 1,024 numbers by a linear layer beside one with a hidden layer, all normalised, as in
kwotsin/mimicry (nets/infomax_gan). Weight 0.2 for both players, hinge loss, five critic steps.

Departures: an image's own places are left out of its negatives altogether, in the code they have the score -10. Blocks are
the SNGAN authors' (zoo/sngan.py).

Published: CIFAR-10: FID 15.12 +- 0.10, IS 8.08 +- 0.08 (mimicry README at a7fda06, 50k and 50k).
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Player, Turn, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.losses.weighted import Weighted
from zoo.networks.resnet import critic_widths, glorot
from zoo.networks.sngan import LATENT, Generator, Trunk
from zoo.networks.spectral import spectral
from zoo.training.parameters import checked
from zoo.training.rates import linear_decay
from zoo.training.turns import ReadingTurn
from zoo.training.two_player import sample, two_player


class Projector(nn.Module):
    """Features (N, F, P) -> (N, E, P): W3 x + W2 relu(W1 x) at each place."""

    def __init__(self, features: int, embedding: int):
        super().__init__()
        self.hidden = nn.Linear(features, features)
        self.leave = nn.Linear(features, embedding)
        self.skip = nn.Linear(features, embedding)

    def forward(self, features: Tensor) -> Tensor:
        rows = features.transpose(1, 2)
        return (self.skip(rows) + self.leave(self.hidden(rows).relu())).transpose(1, 2)


class Critic(Trunk):
    """Images (N, C, H, W) -> logits (N,), and embeddings of P places and, last, of the whole: (N, E, P + 1)."""

    def __init__(self, spec: ImageSpec, width: int = 256, embedding: int = 1024):
        super().__init__(spec.channels, spec.resolution, width)
        self.head = nn.Linear(self.width, 1)
        widths, plain = critic_widths(spec.resolution, width)
        self.local = Projector(self.width if plain else widths[-2], embedding)  # of the last block but one
        self.whole = Projector(self.width, embedding)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        places = self.blocks[:-1](images)
        features = self.blocks[-1](places).relu().sum((2, 3))
        embeddings = [self.local(places.flatten(2)), self.whole(features[:, :, None])]
        return self.head(features).squeeze(1), torch.cat(embeddings, 2)


def contrast(embeddings: Tensor) -> Tensor:
    """InfoNCE of embeddings (N, E, P + 1), a scalar.

    -E log of a place's share among itself and all places of other images, as the whole of its image scores them.
    """
    local, whole = embeddings[:, :, :-1], embeddings[:, :, -1]
    scores = torch.einsum("ne,mep->nmp", whole, local)  # the whole of n, a place of m
    own = scores.diagonal().T  # (N, P)
    same = torch.eye(scores.shape[0], dtype=torch.bool, device=scores.device)[:, :, None]
    others = scores.masked_fill(same, -torch.inf).flatten(1).logsumexp(1, keepdim=True)
    return (torch.logaddexp(own, others) - own).mean()


def real_information(turn: Turn) -> Tensor:
    """The contrast of the real images."""
    assert isinstance(turn, ReadingTurn)
    return contrast(turn.real_judged[1])


def fake_information(turn: Turn) -> Tensor:
    """The contrast of the generated images."""
    assert isinstance(turn, ReadingTurn)
    return contrast(turn.fake_judged[1])


@checked()
def infomax_gan(
    spec: ImageSpec,
    *,
    width: int = 256,
    lr: float = 2e-4,
    beta1: float = 0.0,
    beta2: float = 0.9,
    critic_steps: int = 5,
    information: float = 0.2,
    embedding: int = 1024,
) -> GAN:
    """Adam at 2e-4 with betas (0, 0.9), decayed linearly to 0.

    Args:
        width: Channels of the generator at 32 px; the critic has half of them.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(glorot(Generator(replace(spec, classes=0), width)), optimiser, rate=linear_decay),
        "critic": Player(spectral(glorot(Critic(spec, width, embedding))), optimiser, rate=linear_decay),
    }
    game = two_player(
        Hinge(),
        latents=gaussian(LATENT),
        turn=ReadingTurn,
        critic_steps=critic_steps,
        critic_terms={"information": Weighted(real_information, information)},
        generator_terms={"information": Weighted(fake_information, information)},
    )
    return GAN(players, [game], sample, gaussian(LATENT), least_batch=2)
