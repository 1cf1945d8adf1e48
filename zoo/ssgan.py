"""SSGAN. Chen, Zhai, Ritter, Lucic, Houlsby, "Self-Supervised GANs via Auxiliary Rotation Loss", CVPR 2019, arXiv:1811.11212.

The critic also learns by how many quarters a real image was turned, and so keeps features that its own game would forget; the
generator makes images whose turns are seen (equations 2 and 3).

Networks: SNGAN's (zoo/networks/sngan.py) with four more logits, as kwotsin/mimicry (nets/ssgan) builds them. The first
quarter of a batch is shown in all four turns; weights 1 for the critic and 0.2 for the generator, hinge loss, five critic
steps and both rates as there.

Departures: none from mimicry but for the blocks, which are the SNGAN authors' (zoo/sngan.py). On digits the task has no full
answer: a 6 turned twice is a 9, and a 0 stays what it is.

Published: CIFAR-10: FID 14.65 +- 0.04, IS 8.17 +- 0.06 (mimicry README at a7fda06, 50k and 50k).
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from bench.gan import GAN, ImageSpec, Player, Turn, adam, gaussian
from zoo.losses.objectives import Hinge
from zoo.networks.resnet import glorot
from zoo.networks.sngan import LATENT, Generator, Trunk
from zoo.networks.spectral import spectral
from zoo.training.parameters import checked
from zoo.training.rates import linear_decay
from zoo.training.turns import ReadingTurn
from zoo.training.two_player import sample, two_player

TURNS = 4


class Critic(Trunk):
    """Images (N, C, H, W) -> logits (N,), and logits of the number of quarters that they are turned by, (N, 4)."""

    def __init__(self, spec: ImageSpec, width: int = 256):
        super().__init__(spec.channels, spec.resolution, width)
        self.head = nn.Linear(self.width, 1)
        self.turned = nn.Linear(self.width, TURNS)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(images)
        return self.head(features).squeeze(1), self.turned(features)


def turned(images: Tensor) -> tuple[Tensor, Tensor]:
    """The first quarter of the images, at least one, unturned, then turned by one, two, three quarters; and which it is, (4 n,)."""
    some = images[: max(1, images.shape[0] // TURNS)]
    ways = torch.arange(TURNS, device=images.device).repeat_interleave(some.shape[0])
    return torch.cat([torch.rot90(some, way, (2, 3)) for way in range(TURNS)]), ways


@dataclass(frozen=True)
class Rotation:
    """weight * -E log Q(r | x turned by r), of the real images or of the generated ones."""

    weight: float
    fake: bool = False

    def __call__(self, turn: Turn) -> Tensor:
        images, ways = turned(turn.fake if self.fake else turn.batch.images)
        return self.weight * cross_entropy(turn.nets["critic"](images)[1], ways)


@checked()
def ssgan(
    spec: ImageSpec,
    *,
    width: int = 256,
    lr: float = 2e-4,
    beta1: float = 0.0,
    beta2: float = 0.9,
    critic_steps: int = 5,
    rotation: float = 1.0,
    fake_rotation: float = 0.2,
) -> GAN:
    """Adam at 2e-4 with betas (0, 0.9), decayed linearly to 0.

    Args:
        width: Channels of the generator at 32 px; the critic has half of them.
    """
    optimiser = adam(lr, betas=(beta1, beta2))
    players = {
        "generator": Player(glorot(Generator(replace(spec, classes=0), width)), optimiser, rate=linear_decay),
        "critic": Player(spectral(glorot(Critic(spec, width))), optimiser, rate=linear_decay),
    }
    game = two_player(
        Hinge(),
        latents=gaussian(LATENT),
        turn=ReadingTurn,
        critic_steps=critic_steps,
        critic_terms={"rotation": Rotation(rotation)},
        generator_terms={"fake_rotation": Rotation(fake_rotation, fake=True)},
    )
    return GAN(players, [game], sample, gaussian(LATENT), least_batch=2)
