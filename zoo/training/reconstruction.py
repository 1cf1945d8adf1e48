"""Learning to rebuild images through a few codes: the turn and the update of VQGAN's first stage.

Esser, Rombach, Ommer 2021, arXiv:2012.09841, section 3.1. Images are (N, C, H, W) in [-1, 1], features and codes (N, Z, h, w).
"""

from collections.abc import Mapping
from functools import cached_property
from typing import cast

import torch
from torch import Tensor

from bench.gan import Loss, Turn, Update
from zoo.networks.vqgan import Autoencoder


class ReconstructionTurn(Turn):
    """Fakes are reconstructions of the real images; one pass per iteration for each network that moves."""

    @property
    def autoencoder(self) -> Autoencoder:
        """The network that rebuilds."""
        net = self.nets["autoencoder"]
        assert isinstance(net, Autoencoder)
        return net

    @cached_property
    def coded(self) -> tuple[Tensor, Tensor, Tensor]:
        """Reconstructions, features, codes."""
        made = self.autoencoder(self.real)
        self.draw.memo["fake"] = made[0].detach()
        return made

    @property
    def features(self) -> Tensor:
        """What is coded, (N, Z, h, w)."""
        return self.coded[1]

    @cached_property
    def fake(self) -> Tensor:
        """The reconstructions, (N, C, H, W); for the critic those that the autoencoder's update made."""
        return self.coded[0] if self.mover == "autoencoder" else self.draw.memo["fake"]

    @cached_property
    def fake_judged(self) -> tuple[Tensor, list[Tensor]]:
        """Logits and features of the reconstructions."""
        return self.nets["critic"](self.fake)

    @cached_property
    def real_judged(self) -> tuple[Tensor, list[Tensor]]:
        """Logits and features of the real images."""
        return self.nets["critic"](self.real)

    @cached_property
    def fake_logits(self) -> Tensor:
        """Per patch, (N, P)."""
        return self.fake_judged[0]

    @cached_property
    def real_logits(self) -> Tensor:
        """Per patch, (N, P)."""
        return self.real_judged[0]

    @cached_property
    def pixel_distance(self) -> Tensor:
        """E |x - x^|, the mean over pixels."""
        return (self.fake - self.real).abs().mean()

    @cached_property
    def perceptual_distance(self) -> Tensor:
        """The mean absolute difference of the critic's features, over its layers."""
        layers = zip(self.fake_judged[1], self.real_judged[1], strict=True)
        return torch.stack([(a - b).abs().mean() for a, b in layers]).mean()


def restart_codes(turn: Turn) -> None:
    """After the autoencoder's step: codes that are out of use become features of the batch."""
    net = turn.nets["autoencoder"]
    assert isinstance(net, Autoencoder)
    net.codebook.restart(cast(ReconstructionTurn, turn).features, turn.random)  # of all parts, where a batch has them


def autoencoder_update(losses: Mapping[str, Loss]) -> Update:
    """A step of the autoencoder on these losses, then of its codebook."""
    return Update("autoencoder", dict(losses), then=[restart_codes])
