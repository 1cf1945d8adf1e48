"""Averaged networks: how they follow their players, and batch-norm statistics that are their own."""

from collections.abc import Callable, Mapping
from copy import deepcopy

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.optim.swa_utils import get_ema_multi_avg_fn

from bench.gan import GAN, Batch, Now, Player, Prompt
from bench.training.execution import Execution

STANDING_SEED = 0x57A7  # of the latents and the noise that statistics are estimated from


def frozen_copy(net: nn.Module) -> nn.Module:
    """A copy in eval mode that carries no gradients."""
    return deepcopy(net).requires_grad_(False).eval()


@torch.no_grad()
def follow(average: nn.Module, player: Player, now: Now, images: int) -> None:
    """Move an average by the step of `images` images that has just ended. Buffers are copied."""
    assert player.average is not None
    decay = player.average.at(now, images)
    get_ema_multi_avg_fn(decay)(list(average.parameters()), list(player.net.parameters()), 0)
    for kept, buffer in zip(average.buffers(), player.net.buffers(), strict=True):
        kept.copy_(buffer)


def standing(
    gan: GAN, nets: Mapping[str, nn.Module], peek: Callable[[int], list[Batch]], execution: Execution
) -> dict[str, nn.Module]:
    """The networks, averages that ask for it (`Average.standing_batches`) replaced by copies with statistics of their own.

    Batch norm's means and variances are those of as many batches of generated images, each counted alike: "standing
    statistics", Brock et al. 2019, arXiv:1809.11096. Latents come from the member's prior and a fixed seed,
    labels and sources from `peek(count)`, the batches that training would draw next. The same networks at the same
    position of the data give the same statistics; random states are left as they were.
    """
    found = dict(nets)
    for name, player in gan.players.items():
        count = player.average.standing_batches if player.average else 0
        if count and _norms(nets[name]):
            found[name] = deepcopy(nets[name])
            _estimate(gan, found, name, peek(count), execution)
    return found


@torch.no_grad()
def _estimate(gan: GAN, nets: dict[str, nn.Module], name: str, batches: list[Batch], execution: Execution) -> None:
    """Run the member's sampling with the network in train mode, from statistics that are reset."""
    net = nets[name]
    norms = _norms(net)
    usual = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a cumulative mean: every batch counts alike
    random = torch.Generator(execution.device).manual_seed(STANDING_SEED)
    latents = torch.Generator().manual_seed(STANDING_SEED)
    devices = [execution.device] if execution.device.type == "cuda" else []
    net.train()
    with torch.random.fork_rng(devices=devices), execution.autocast():
        torch.manual_seed(STANDING_SEED)
        for batch in batches:
            count = len(batch.images)
            drawn = gan.latents(count, latents).to(execution.device) if gan.latents else None
            source = batch.images if gan.task == "reconstruction" else batch.source
            gan.generate(nets, Prompt(count, random, drawn, batch.labels, source))
    net.eval()
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum


def _norms(net: nn.Module) -> list[_NormBase]:
    """The layers that keep running statistics."""
    return [layer for layer in net.modules() if isinstance(layer, _NormBase) and layer.running_mean is not None]
