"""The game of SNGAN with a projection critic, with the part exchanged that looks at the class: what zoo/conditioning.py changes.

Miyato & Koyama 2018, arXiv:1802.05637, and the authors' code, as in zoo/sngan_projection.py.
"""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from bench.gan import GAN, ImageSpec, Loss, Player, Turn, adam, gaussian
from zoo.losses.objectives import Hinge, Objective
from zoo.networks.conditional import with_label
from zoo.networks.heads import Judgement, PlainHead
from zoo.networks.resnet import glorot
from zoo.networks.sngan import LATENT, Generator, Trunk
from zoo.networks.spectral import spectral
from zoo.training.rates import linear_decay
from zoo.training.two_player import LatentTurn, sample_class, two_player

Head = Callable[[int, int], nn.Module]  # width of the features, classes -> features and labels to a Judgement
Terms = Mapping[str, Loss]


class Critic(Trunk):
    """Images (N, C, H, W) and labels (N,) -> logits (N,) and whatever the head says beside them."""

    def __init__(self, spec: ImageSpec, width: int, head: Head):
        super().__init__(spec.channels, spec.resolution, width)
        self.head = head(self.width, spec.classes)

    def forward(self, images: Tensor, labels: Tensor) -> Judgement:
        return self.head(self.features(images), labels)


class LabelMaps(Trunk):
    """A critic that sees the one-hot label as K more channels of the image."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__(spec.channels + spec.classes, spec.resolution, width)
        self.head = PlainHead(self.width, spec.classes)
        self.classes = spec.classes

    def forward(self, images: Tensor, labels: Tensor) -> Judgement:
        return self.head(self.features(with_label(images, labels, self.classes)), labels)


class ConditioningTurn(LatentTurn):
    """The critic is told the class and returns a tuple: the logits, then what its head says beside them."""

    @cached_property
    def real_labels(self) -> Tensor:
        """The classes of the real images, (N,)."""
        assert self.batch.labels is not None
        return self.batch.labels

    @cached_property
    def real_judged(self) -> Judgement:
        """Logits (N,) of the real images, and what comes with them."""
        return self.nets["critic"](self.real, self.real_labels)

    @cached_property
    def fake_judged(self) -> Judgement:
        """Logits (M,) of the generated images, and what comes with them."""
        return self.nets["critic"](self.fake, self.labels)

    @cached_property
    def real_logits(self) -> Tensor:
        """The critic's logits of the real images, (N,)."""
        return self.real_judged[0]

    @cached_property
    def fake_logits(self) -> Tensor:
        """The critic's logits of the generated images, (M,)."""
        return self.fake_judged[0]

    def judge(self, images: Tensor) -> Tensor:
        """The logits alone, (N,)."""
        return self.nets["critic"](images, self.labels)[0]


class BalancedTurn(ConditioningTurn):
    """Fakes are asked for every class equally often, up to one, whatever the real batch holds."""

    def __init__(self, *args: Any, classes: int, **options: Any):
        super().__init__(*args, **options)
        self.classes = classes

    @cached_property
    def labels(self) -> Tensor:
        """Classes in turn from a random one on, (copies * N,)."""
        count = self.copies * self.batch.images.shape[0]
        device = self.batch.images.device
        first = torch.randint(self.classes, (1,), generator=self.random, device=device)
        return (first + torch.arange(count, device=device)) % self.classes


class Common(TypedDict):
    """The parameters that every member of the family has."""

    width: int
    lr: float
    beta1: float
    beta2: float
    critic_steps: int


def common(
    *, width: int = 256, lr: float = 2e-4, beta1: float = 0.0, beta2: float = 0.9, critic_steps: int = 5
) -> Common:
    """Those of sngan-projection, by default."""
    return Common(width=width, lr=lr, beta1=beta1, beta2=beta2, critic_steps=critic_steps)


def family(
    spec: ImageSpec,
    chosen: Common,
    critic: nn.Module,
    *,
    objective: Objective = Hinge(),  # noqa: B008 (it has no state)
    turn: Callable[..., Turn] = ConditioningTurn,
    critic_terms: Terms | None = None,
    generator_terms: Terms | None = None,
) -> GAN:
    """The baseline with another critic, objective or turn, and with further terms."""
    optimiser = adam(chosen["lr"], betas=(chosen["beta1"], chosen["beta2"]))
    players = {
        "generator": Player(glorot(Generator(spec, chosen["width"])), optimiser, rate=linear_decay),
        "critic": Player(spectral(glorot(critic)), optimiser, rate=linear_decay),
    }
    latents = gaussian(LATENT)
    game = two_player(
        objective,
        latents=latents,
        turn=partial(turn, conditional=True, generator_batch=2),
        critic_steps=chosen["critic_steps"],
        critic_terms=critic_terms,
        generator_terms=generator_terms,
    )
    return GAN(players, [game], sample_class, latents, task="conditional", least_batch=2)


def judged(turn: Turn) -> tuple[Judgement, Tensor, Judgement, Tensor]:
    """What the critic says of real images, their classes, what it says of generated ones, and theirs."""
    assert isinstance(turn, ConditioningTurn)
    return turn.real_judged, turn.real_labels, turn.fake_judged, turn.labels
