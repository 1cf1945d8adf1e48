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

import torch
from torch import Tensor, nn

from bench.gan import GAN, Context, ImageSpec, Nets, Player, Prompt, Stage, Turn, Update, adam
from zoo.losses.objectives import LeastSquares
from zoo.networks.layers import NORMAL, initialise
from zoo.networks.patch import PatchCritic
from zoo.training.pools import HistoryPool
from zoo.training.rates import hold_then_decay
from zoo.training.translation import PUBLISHED_WIDTH, needs_sources, proportionate_width

CYCLE_WEIGHT = 10.0
IDENTITY_WEIGHT = 5.0
POOL = 50


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


def cycle(turn: Turn) -> Tensor:
    """lambda (E |F(G(x)) - x| + E |G(F(y)) - y|), means over pixels (eq. 2)."""
    assert isinstance(turn, CycleTurn)
    made = turn.translated
    return CYCLE_WEIGHT * (_distance(made["again_source"], turn.source) + _distance(made["again"], turn.real))


def identity(turn: Turn) -> Tensor:
    """E |G(y) - y| + E |F(x) - x| with its weight (section 5.2)."""
    assert isinstance(turn, CycleTurn)
    made = turn.translated
    return IDENTITY_WEIGHT * (_distance(made["same"], turn.real) + _distance(made["same_source"], turn.source))


def _distance(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()


def translate(nets: Nets, prompt: Prompt) -> Tensor:
    """Images of sources, (N, C, H, W) in [-1, 1]."""
    return nets["generator"].get_submodule("there")(prompt.source)


def cyclegan(spec: ImageSpec) -> GAN:
    """The fixed track's widths."""
    return _build(spec, proportionate_width(spec.resolution))


def cyclegan_paper(spec: ImageSpec) -> GAN:
    """The published widths."""
    return _build(spec, PUBLISHED_WIDTH)


def _build(spec: ImageSpec, width: int) -> GAN:
    needs_sources(spec, "cyclegan")
    size = spec.resolution
    nets: dict[str, nn.Module] = {
        "generator": Translators(spec, width),
        "critic": PatchCritic(spec.channels, size, width, nn.InstanceNorm2d),
        "source_critic": PatchCritic(spec.source_channels, size, width, nn.InstanceNorm2d),
    }
    optimiser = adam(2e-4, betas=(0.5, 0.999))
    players = {name: Player(initialise(net, NORMAL), optimiser, rate=hold_then_decay) for name, net in nets.items()}
    channels = {"fake": spec.channels, "fake_source": spec.source_channels}
    pools = nn.ModuleDict({name: HistoryPool(POOL, (count, size, size)) for name, count in channels.items()})
    terms = {"adversarial": adversarial, "cycle": cycle}
    if spec.channels == spec.source_channels:
        terms["identity"] = identity
    objective = LeastSquares()  # its critic's loss has the factor 1/2 that the code puts there (section 7.1)
    updates = [
        Update("generator", terms),
        Update("critic", {"adversarial": objective.critic}),
        Update("source_critic", {"adversarial": objective.critic}),
    ]
    state = {"pools": pools}
    return GAN(players, [Stage(updates, partial(CycleTurn, pools=pools))], translate, state=state, task="unpaired")
