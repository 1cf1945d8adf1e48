"""The contract between a GAN and the bench: players, turns, losses, updates, stages.

Six nouns say every member of the zoo:

    Player   a network, its optimiser, its weight average        who learns, how fast
    Turn     one batch as one update sees it                     how a fake is made and judged
    Loss     any callable Turn -> scalar                         what is minimised
    Update   a player, its named losses, repeat / every / then   who moves when
    Stage    updates, which Turn, share of the budget            the schedule; almost always one
    GAN      players, schedule, generate, latents, state         what a zoo file returns

Shapes: N images in a batch, C channels, H = W = resolution. Images are float32 in [-1, 1]. Annotations such as
`Float[Tensor, "N C H W"]` are jaxtyping's: they say shapes to readers and cost nothing; the tests check them at run time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

Nets = Mapping[str, nn.Module]
OptimiserFactory = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Rate = Callable[[float], float]  # share of the budget that is spent, in [0, 1] -> factor of the learning rate
Task = Literal["unconditional", "conditional", "paired", "unpaired", "reconstruction"]


@dataclass(frozen=True)
class ImageSpec:
    """What the images of a data set are like: all that a builder is told."""

    channels: int
    resolution: int  # height and width: a power of two, 8 to 256
    classes: int = 0  # 0: unlabelled
    source_channels: int = 0  # image to image: channels of the picture that is translated


@dataclass(frozen=True)
class Batch:
    """Real images on the device, as the data set gives them."""

    images: Float[Tensor, "N C H W"]  # in [-1, 1]
    labels: Int[Tensor, "N"] | None = None
    source: Float[Tensor, "N S h w"] | None = None  # in [-1, 1]: the pictures to translate, of S channels


@dataclass(frozen=True)
class Now:
    """Where training stands."""

    images: int  # real images drawn so far
    budget: int  # real images that may be drawn
    step: int  # iterations finished
    stage: int = 0
    stage_fraction: float = 0.0  # share of the stage's own budget that is spent

    @property
    def fraction(self) -> float:
        """Share of the whole budget that is spent, in [0, 1)."""
        return self.images / self.budget


@dataclass
class Draw:
    """What one iteration draws from the data, shared by the updates that use it."""

    batch: Batch
    memo: dict[str, Tensor] = field(
        default_factory=dict
    )  # results that outlive an update, e.g. a shared generator pass


@dataclass(frozen=True)
class Context:
    """What an update is given: all that a Turn is made from."""

    nets: Nets
    draw: Draw
    mover: str  # the player whose update this is: all others are frozen
    now: Now
    random: torch.Generator  # on the device of the images
    differentiates: frozenset[str] = frozenset()  # inputs that the update's losses differentiate, e.g. {"real"}


class Turn:
    """One batch as one update sees it. Whatever is lazy here is computed at most once per update.

    A subclass says how a fake is made (`fake`) and how an image is judged (`judge`); a loss reads what it needs.
    """

    def __init__(self, context: Context):
        self.context = context
        self.nets = context.nets
        self.draw = context.draw
        self.batch = context.draw.batch
        self.mover = context.mover
        self.now = context.now
        self.random = context.random

    @cached_property
    def real(self) -> Float[Tensor, "N C H W"]:
        """Real images, (N, C, H, W) in [-1, 1]; a leaf that asks for gradients when a loss differentiates it."""
        return self.leaf("real", self.batch.images)

    @cached_property
    def fake(self) -> Float[Tensor, "N C H W"]:
        """Generated images, (N, C, H, W). They carry a graph only while their maker moves."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a fake is made")

    def judge(self, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "M *P"]:
        """The critic's logits of some images: one for each, (N,), or for P patches of each, (N, P)."""
        raise NotImplementedError(f"{type(self).__name__} does not say how an image is judged")

    @cached_property
    def real_logits(self) -> Float[Tensor, "M *P"]:
        """The critic's logits of the real images, (N,) or (N, P)."""
        return self.judge(self.real)

    @cached_property
    def fake_logits(self) -> Float[Tensor, "M *P"]:
        """The critic's logits of the generated images, (N,) or (N, P)."""
        return self.judge(self.fake)

    def leaf(self, name: str, images: Float[Tensor, "N C H W"]) -> Float[Tensor, "N C H W"]:
        """The images as an input that is differentiated only if a loss of this update asks for it."""
        return images.detach().requires_grad_() if name in self.context.differentiates else images

    def computed(self, name: str) -> Tensor | None:
        """A lazy tensor of this turn, such as "fake_logits", if something has asked for it before; else None."""
        value = vars(self).get(name)
        return value if isinstance(value, Tensor) else None

    def diagnostics(self) -> Mapping[str, Float[Tensor, ""]]:
        """What the record keeps about this update beside its losses: name -> scalar. Asked every 16th iteration, after the step.

        Here the share of real and of generated images that the critic has judged rightly in its own update. A subclass may
        add more; it should read what was computed (`computed`) and compute nothing again.
        """
        if self.mover != "critic":
            return {}
        judged = {"real": self.computed("real_logits"), "fake": self.computed("fake_logits")}
        return {
            f"accuracy_{name}": ((logits > 0) if name == "real" else (logits < 0)).float().mean()
            for name, logits in judged.items()
            if logits is not None
        }


Loss = Callable[[Turn], Tensor]  # a scalar to minimise; `differentiates = {"real"}` declares input gradients
TurnFactory = Callable[[Context], Turn]


@dataclass(frozen=True)
class Average:
    """An exponential moving average of a player's weights, counted in images.

    Give `decay` per step, or `half_life_images`, which means the same at every batch size
    (Karras et al. 2020, arXiv:1912.04958). `ramp` keeps the half-life below that share of the images seen so far
    (Karras et al. 2020, arXiv:2006.06676); before `start_images` the average follows the weights (BigGAN).

    Buffers are copied from the player. Batch norm's statistics then belong to weights that the average does not have; with
    `standing_batches` they are estimated again before sampling, over that many batches of images of the average itself
    (BigGAN's standing statistics, Brock et al. 2019, arXiv:1809.11096). Nothing is done without batch norm.
    """

    decay: float | None = None
    half_life_images: float | None = None
    ramp: float | None = None
    start_images: int = 0
    standing_batches: int = 0

    def at(self, now: Now, batch_size: int) -> float:
        """The decay of the step that ends at `now`, in [0, 1)."""
        if now.images < self.start_images:
            return 0.0
        if self.half_life_images is None:
            return self.decay or 0.0
        half_life = self.half_life_images if self.ramp is None else min(self.half_life_images, self.ramp * now.images)
        return 0.5 ** (batch_size / max(half_life, 1e-8))


@dataclass
class Player:
    """Who learns, and how fast."""

    net: nn.Module
    optimiser: OptimiserFactory
    average: Average | None = None  # None: sample from the weights as they are
    rate: Rate | None = None  # factor of the learning rate over the budget; None: constant


@dataclass(frozen=True)
class Update:
    """One optimiser step of one player."""

    player: str
    losses: Mapping[str, Loss]  # term -> loss; the terms are the keys of the record's curve
    repeat: int = 1  # steps per iteration, each on its own draw
    every: int = 1  # lazy regularisation: the loss is scaled up by it (Karras et al. 2020, arXiv:1912.04958, app. B)
    # After the step: clip weights, adapt an augmentation. Once for a batch, whose tensors it sees whole, without graphs.
    then: Sequence[Callable[[Turn], None]] = ()

    @property
    def differentiates(self) -> frozenset[str]:
        """Inputs that one of the losses differentiates."""
        return frozenset(name for loss in self.losses.values() for name in getattr(loss, "differentiates", ()))


@dataclass(frozen=True)
class Stage:
    """A part of the schedule. Optimisers start afresh on entry."""

    updates: Sequence[Update]
    turn: TurnFactory
    share: float = 1.0  # of the image budget


@dataclass(frozen=True)
class Prompt:
    """What to generate: N images from given latents, of given classes, or from given pictures."""

    count: int
    random: torch.Generator  # for noise inside a generator; on the device
    latents: Float[Tensor, "N Z"] | None = None
    labels: Int[Tensor, "N"] | None = None
    source: Float[Tensor, "N S H W"] | None = None  # in [-1, 1]
    truncation: float = 1.0  # 1: none
    styles: Float[Tensor, "N K"] | None = None  # intermediate latents to generate from, in the place of `latents`


@dataclass(frozen=True)
class GAN:
    """What a member of the zoo is: a builder takes an ImageSpec and returns one of these."""

    players: Mapping[str, Player]
    schedule: Sequence[Stage]
    generate: Callable[[Nets, Prompt], Tensor]  # -> (N, C, H, W) in [-1, 1]; gets averaged networks in eval mode
    latents: Callable[[int, torch.Generator], Tensor] | None = None  # count, random (CPU) -> (count, Z)
    # Losses that remember: saved, moved, never trained. Where a batch is taken in parts, buffers are averaged over them; a module with
    # a buffer of whole numbers, such as a pool, has one memory for each part.
    state: Mapping[str, nn.Module] = field(default_factory=dict)
    task: Task = "unconditional"
    styles: Callable[[Nets, Prompt], Tensor] | None = (
        None  # a prompt's intermediate latents w, (N, W); None: it has none
    )
    least_batch: int = 1  # images that an update needs at once, e.g. 2 where it looks at differences between them


Builder = Callable[[ImageSpec], GAN]


def adam(lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> OptimiserFactory:
    """Adam (Kingma & Ba 2015) with its loop fused into one kernel."""
    return partial(torch.optim.Adam, lr=lr, betas=betas, eps=eps, fused=True)


def gaussian(width: int) -> Callable[[int, torch.Generator], Tensor]:
    """Standard normal latents, (count, width)."""
    return lambda count, random: torch.randn(count, width, generator=random, device=random.device)


def uniform(width: int) -> Callable[[int, torch.Generator], Tensor]:
    """Latents uniform in [-1, 1], (count, width)."""
    return lambda count, random: torch.rand(count, width, generator=random, device=random.device) * 2 - 1


@contextmanager
def trainable(net: nn.Module) -> Iterator[None]:
    """Inside, the network's parameters carry gradients although another player moves."""
    frozen = [parameter for parameter in net.parameters() if not parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)
