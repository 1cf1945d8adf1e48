"""Every member at the sizes that are too large to train in a test: networks, losses and samples of the right shapes.

Tensors are fake: they have shapes, types and a graph, and no numbers.
"""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from bench import members
from bench.gan import GAN, Batch, Context, Draw, ImageSpec, Now, Prompt, Turn
from zoo.networks import spectral
from zoo.training.growing import Growing

pytestmark = pytest.mark.slow

COUNT = 4
ZOO = [listing for listing in members.listings().values() if listing.entry_point.startswith("zoo.")]
FAMILY = [listing for listing in ZOO if listing.entry_point.startswith("zoo.stabilisers:")]
DUAL = ("meanflow",)  # fake tensors have no forward derivative: tests/zoo/test_meanflow.py trains it
FAKED = [listing for listing in ZOO if listing.name not in DUAL]
SIZES = [(listing, 128, 1) for listing in FAKED]
SIZES += [(listing, resolution, 3) for listing in FAKED if listing not in FAMILY for resolution in (32, 64)]


@pytest.fixture(autouse=True)
def _no_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Power iterations cost time and change no shape."""
    monkeypatch.setattr(spectral, "WARM_UP", 0)


def pictures(spec: ImageSpec) -> torch.Tensor:
    return torch.empty(COUNT, spec.channels, spec.resolution, spec.resolution)


def turn_of(gan: GAN, spec: ImageSpec, player: str, stage: int, differentiates: frozenset[str], draw: Draw) -> Turn:
    """The last stage's, where growing networks have their full size."""
    nets: dict[str, nn.Module] = {}
    for name, other in gan.players.items():
        nets[name] = other.net.train().requires_grad_(name == player)
    now = Now(60, 100, 0, stage, 0.5)
    return gan.schedule[stage].turn(Context(nets, draw, player, now, torch.Generator(), differentiates))


@pytest.mark.parametrize(
    ("listing", "resolution", "channels"), SIZES, ids=lambda value: getattr(value, "name", str(value))
)
def test_losses_and_samples_have_their_shapes(listing: members.Listing, resolution: int, channels: int):
    spec = ImageSpec(channels, resolution, classes=3, source_channels=channels)
    with FakeTensorMode(allow_non_fake_inputs=True):
        gan = members.builder(listing)(spec)
        for stage in {0, len(gan.schedule) - 1}:
            draw = Draw(Batch(pictures(spec), torch.empty(COUNT, dtype=torch.int64), pictures(spec)))
            for update in gan.schedule[stage].updates:
                turn = turn_of(gan, spec, update.player, stage, update.differentiates, draw)
                losses = [loss(turn) for loss in update.losses.values()]
                assert [loss.shape for loss in losses] == [()] * len(losses)
                assert any(loss.requires_grad for loss in losses)
        nets = {name: player.net.eval().requires_grad_(False) for name, player in gan.players.items()}
        if not any(isinstance(net, Growing) for net in nets.values()):  # those read how far they have grown
            latents = gan.latents(COUNT, torch.Generator()) if gan.latents else None
            labels = torch.empty(COUNT, dtype=torch.int64)
            made = gan.generate(nets, Prompt(COUNT, torch.Generator(), latents, labels, pictures(spec)))
            assert made.shape == (COUNT, channels, resolution, resolution)
