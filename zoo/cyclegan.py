"""CycleGAN. Zhu, Park, Isola, Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks",
ICCV 2017, arXiv:1703.10593.

Networks: the residual generators of appendix 7.2 (nine blocks from 256 px on, six below) and PatchGAN critics, both with
instance norm, as in junyanz/pytorch-CycleGAN-and-pix2pix (models/networks.py). Least squares, cycle consistency of
weight 10 and a pool of 50 old fakes per critic (section 4). Adam at 2e-4 with beta1 = 0.5, half of the budget at that rate
and then linearly to 0. The identity term (section 5.2) has weight 5, the code's 0.5 * 10; it is left out where sources and
images differ in channels.

Departures: upsampling blocks keep the code's transposed convolutions. One Adam for each critic instead of one for both,
which is the same. The suite's batch instead of batches of 1, and no random crops. Patches shrink with images below 64 px
(zoo/networks/patch.py). Fixed track: first layers half as wide as the image is high, 16 to 64 channels. `cyclegan_paper` has the
published 64 throughout.

Published: facades, FID 123.626 of the official weights (mmgeneration configs/cyclegan/README.md at ccd1f56).
"""

from functools import cached_property, partial
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn

from bench.gan import GAN, Context, ImageSpec, Loss, Nets, Player, Prompt, Stage, Turn, Update, adam
from zoo.losses.objectives import LeastSquares
from zoo.losses.weighted import Weighted
from zoo.networks.layers import NORMAL, initialise
from zoo.networks.patch import PatchCritic
from zoo.training.parameters import checked
from zoo.training.pools import HistoryPool
from zoo.training.rates import hold_then_decay
from zoo.training.translation import PUBLISHED_WIDTH, needs_sources, proportionate_width


def convolve(before: int, after: int, kernel: int) -> list[nn.Module]:
    """A convolution that keeps the size, its border reflected."""
    return [nn.ReflectionPad2d(kernel // 2), nn.Conv2d(before, after, kernel)]


class Residual(nn.Module):
    """Two 3x3 convolutions plus the identity, (N, C, h, w) -> the same shape."""

    def __init__(self, width: int):
        super().__init__()
        first = [*convolve(width, width, 3), nn.InstanceNorm2d(width), nn.ReLU()]
        self.branch = nn.Sequential(*first, *convolve(width, width, 3), nn.InstanceNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.branch(features)


class Translator(nn.Sequential):
    """Pictures (N, C', H, W) -> pictures (N, C, H, W) in [-1, 1]."""

    def __init__(self, before: int, after: int, resolution: int, width: int):
        layers: list[nn.Module] = [*convolve(before, width, 7), nn.InstanceNorm2d(width), nn.ReLU()]
        for wide in (2 * width, 4 * width):
            layers += [nn.Conv2d(wide // 2, wide, 3, 2, 1), nn.InstanceNorm2d(wide), nn.ReLU()]
        layers += [Residual(4 * width) for _ in range(9 if resolution >= 256 else 6)]
        for wide in (2 * width, width):
            layers += [nn.ConvTranspose2d(2 * wide, wide, 3, 2, 1, 1), nn.InstanceNorm2d(wide), nn.ReLU()]
        super().__init__(*layers, *convolve(width, after, 7), nn.Tanh())


class Translators(nn.Module):
    """Both directions: `there` makes images of sources (G in the paper), `back` sources of images (F)."""

    def __init__(self, spec: ImageSpec, width: int):
        super().__init__()
        self.there = Translator(spec.source_channels, spec.channels, spec.resolution, width)
        self.back = Translator(spec.channels, spec.source_channels, spec.resolution, width)

    def forward(self, source: Tensor, images: Tensor) -> dict[str, Tensor]:
        """Translations, their ways back, and, where channels agree, what each makes of its own target.

        Instance norm treats pictures one by one, so that one pass over two batches is two passes.
        """
        if source.shape[1] != images.shape[1]:
            fakes = {"fake": self.there(source), "fake_source": self.back(images)}
            same: dict[str, Tensor] = {}
        else:
            sources, count = source.shape[0], images.shape[0]
            fake, same_images = self.there(torch.cat([source, images])).split([sources, count])
            fake_source, same_source = self.back(torch.cat([images, source])).split([count, sources])
            fakes = {"fake": fake, "fake_source": fake_source}
            same = {"same": same_images, "same_source": same_source}
        again = {"again": self.there(fakes["fake_source"]), "again_source": self.back(fakes["fake"])}
        return {**fakes, **again, **same}


class CycleTurn(Turn):
    """The generators move first; each critic then judges the fakes of that pass, old ones among them."""

    def __init__(
        self,
        context: Context,
        *,
        pools: nn.ModuleDict,
    ):
        super().__init__(context)
        self.pools = pools

    @property
    def source(self) -> Tensor:
        """The pictures to translate, (N, C', H, W)."""
        assert self.batch.source is not None
        return self.batch.source

    @cached_property
    def translated(self) -> dict[str, Tensor]:
        """All that the generators make of the batch; remembers the fakes for the critics."""
        made = self.nets["generator"](self.source, self.real)
        self.draw.memo.update({name: made[name].detach() for name in ("fake", "fake_source")})
        return made

    @cached_property
    def fake(self) -> Tensor:
        """G(x), (N, C, H, W); for the critic some are old."""
        return self._shown("fake")

    @cached_property
    def fake_logits(self) -> Tensor:
        """What the moving critic, or the critic of images, says of the fakes, (N, P)."""
        return self._judge_sources(self._shown("fake_source")) if self._of_sources else self.judge(self.fake)

    @cached_property
    def real_logits(self) -> Tensor:
        """What the moving critic says of its real pictures, (N, P)."""
        return self._judge_sources(self.source) if self._of_sources else self.judge(self.real)

    @cached_property
    def fake_source_logits(self) -> Tensor:
        """What the critic of sources says of the generator's, (N, P)."""
        return self._judge_sources(self.translated["fake_source"])

    def judge(self, images: Tensor) -> Tensor:
        """D_Y: logits per patch, (N, P)."""
        return self.nets["critic"](images)

    @property
    def _of_sources(self) -> bool:
        return self.mover == "source_critic"

    def _judge_sources(self, pictures: Tensor) -> Tensor:
        return self.nets["source_critic"](pictures)

    def _shown(self, name: str) -> Tensor:
        if self.mover == "generator":
            return self.translated[name]
        return self.pools[name](self.draw.memo[name], self.random)


def adversarial(turn: Turn) -> Tensor:
    """E (D_Y(G(x)) - 1)^2 + E (D_X(F(y)) - 1)^2 (section 4)."""
    assert isinstance(turn, CycleTurn)
    return (turn.fake_logits - 1).square().mean() + (turn.fake_source_logits - 1).square().mean()


def round_trip(turn: Turn) -> Tensor:
    """E |F(G(x)) - x| + E |G(F(y)) - y|, means over pixels (eq. 2)."""
    assert isinstance(turn, CycleTurn)
    made = turn.translated
    return _distance(made["again_source"], turn.source) + _distance(made["again"], turn.real)


def unchanged(turn: Turn) -> Tensor:
    """E |G(y) - y| + E |F(x) - x| (section 5.2)."""
    assert isinstance(turn, CycleTurn)
    made = turn.translated
    return _distance(made["same"], turn.real) + _distance(made["same_source"], turn.source)


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()


def translate(nets: Nets, prompt: Prompt) -> Tensor:
    """Images of sources, (N, C, H, W) in [-1, 1]."""
    return nets["generator"].get_submodule("there")(prompt.source)


class Settings(TypedDict):
    """What is not a width."""

    lr: float
    beta1: float
    beta2: float
    cycle: float
    identity: float
    pool: int


def settings(
    *,
    lr: float = 2e-4,
    beta1: float = 0.5,
    beta2: float = 0.999,
    cycle: float = 10.0,
    identity: float = 5.0,
    pool: int = 50,
) -> Settings:
    """The paper's, by default (sections 4 and 5.2)."""
    return Settings(lr=lr, beta1=beta1, beta2=beta2, cycle=cycle, identity=identity, pool=pool)


@checked(settings)
def cyclegan(spec: ImageSpec, *, width: int = PUBLISHED_WIDTH, **chosen: Unpack[Settings]) -> GAN:
    """The fixed track's widths.

    Args:
        width: Channels next to the image as published; narrower in proportion to images below 128 px, at least a quarter.
    """
    return _build(spec, proportionate_width(spec.resolution, width), chosen)


def cyclegan_paper(spec: ImageSpec) -> GAN:
    """The published widths."""
    return _build(spec, PUBLISHED_WIDTH, settings())


def _build(spec: ImageSpec, width: int, chosen: Settings) -> GAN:
    needs_sources(spec, "cyclegan")
    size = spec.resolution
    nets: dict[str, nn.Module] = {
        "generator": Translators(spec, width),
        "critic": PatchCritic(spec.channels, size, width, nn.InstanceNorm2d),
        "source_critic": PatchCritic(spec.source_channels, size, width, nn.InstanceNorm2d),
    }
    optimiser = adam(chosen["lr"], betas=(chosen["beta1"], chosen["beta2"]))
    players = {name: Player(initialise(net, NORMAL), optimiser, rate=hold_then_decay) for name, net in nets.items()}
    channels = {"fake": spec.channels, "fake_source": spec.source_channels}
    pools = nn.ModuleDict({name: HistoryPool(chosen["pool"], (count, size, size)) for name, count in channels.items()})
    terms: dict[str, Loss] = {"adversarial": adversarial, "cycle": Weighted(round_trip, chosen["cycle"])}
    if spec.channels == spec.source_channels:
        terms["identity"] = Weighted(unchanged, chosen["identity"])
    objective = LeastSquares()  # its critic's loss has the factor 1/2 that the code puts there (section 7.1)
    updates = [
        Update("generator", terms),
        Update("critic", {"adversarial": objective.critic}),
        Update("source_critic", {"adversarial": objective.critic}),
    ]
    state = {"pools": pools}
    return GAN(players, [Stage(updates, partial(CycleTurn, pools=pools))], translate, state=state, task="unpaired")
