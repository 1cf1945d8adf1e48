"""What the catalogue says of sampling is what sampling does: network passes, and whose networks they are."""

from typing import Any

import pytest
import torch
from torch import nn

from bench import catalogue, members
from bench.catalogue import passes
from bench.gan import GAN, ImageSpec
from bench.training import trial
from bench.training.sampling import prompt

SPEC = ImageSpec(1, 16, classes=4, source_channels=1)
ZOO = [found for found in members.listings().values() if found.entry_point.startswith("zoo.")]


def counted(gan: GAN) -> tuple[int, set[str]]:
    """Passes of networks that a sample takes, and the players whose networks they are.

    A call of a whole network is a pass; calls of parts of one, one after the other, are one pass of what they are parts of.
    """
    nets = {name: player.net.eval() for name, player in gan.players.items()}
    calls: list[tuple[str, bool]] = []
    depth = 0

    def enter(owner: str, whole: bool) -> Any:
        def hook(*_: Any) -> None:
            nonlocal depth
            if depth == 0:
                calls.append((owner, whole))
            depth += 1

        return hook

    def leave(*_: Any) -> None:
        nonlocal depth
        depth -= 1

    def watch(owner: str, net: nn.Module) -> None:
        for module in net.modules():
            module.register_forward_pre_hook(enter(owner, module is net))
            module.register_forward_hook(leave)

    for name, net in nets.items():
        watch(name, net)
    with torch.no_grad():
        gan.generate(nets, prompt(gan, SPEC, 2, 0))
    first = [index == 0 or call != calls[index - 1] for index, call in enumerate(calls)]
    found = sum(whole or new for (_, whole), new in zip(calls, first, strict=True))
    return found, {owner for owner, _ in calls}


@pytest.mark.parametrize("listing", ZOO, ids=lambda listing: listing.name)
def test_passes_and_players_are_as_the_catalogue_says(listing: members.Listing):
    entry = catalogue.entry(listing)
    assert entry is not None
    defaults = {name: known.default for name, known in members.declared(listing).items()}
    found, players = counted(trial.build(members.builder(listing), SPEC, seed=0))
    assert found == passes(entry.passes, {**defaults, "resolution": SPEC.resolution})
    assert players == set(entry.inference)
