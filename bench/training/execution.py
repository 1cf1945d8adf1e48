"""How the arithmetic of a run is done: the protocol's or the command line's choice, never a member's."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from bench.errors import UserError
from bench.gan import GAN, Batch, Draw


def device_of(name: str) -> torch.device:
    """The device of a name: cpu, cuda, cuda:N, mps, or auto, an accelerator where there is one.

    Raises UserError for one that is not there.
    """
    if name == "auto":
        name = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"  # pyright: ignore[reportOptionalMemberAccess]
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"device {name}: {reason} Give cpu, cuda, cuda:N, mps or auto.") from None
    return chosen


@dataclass(frozen=True)
class Execution:
    """Device, precision, layout, compilation."""

    device: torch.device = torch.device("cpu")  # noqa: RUF009 (immutable)
    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = False
    compiled: bool = False
    cuda_graphs: bool = False  # replay whole compiled passes as one launch; CUDA only
    parts: int = 1  # that every batch is differentiated in (bench.training.parts)
    processes: int = 1  # that share the parts; no bit depends on it

    @staticmethod
    def channels_last_pays(device: torch.device, precision: str, batch_size: int) -> bool:
        """Whether convolutions are faster in that layout: on processors unless pictures come one by one (measured,
        docs/performance.md), and in the 16-bit matrix units of NVIDIA's devices (their performance guide for convolutions).
        """
        return (device.type == "cpu" and batch_size > 1) or (device.type == "cuda" and precision == "bf16")

    def autocast(self) -> AbstractContextManager[object]:
        """Where losses are computed."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def place(self, module: nn.Module) -> nn.Module:
        """The same module, on the device and in the layout."""
        module.to(self.device)
        return module.to(memory_format=torch.channels_last) if self.channels_last else module  # pyright: ignore[reportCallIssue]

    def laid_out(self, batch: Batch) -> Batch:
        """The batch in the layout."""
        if not self.channels_last:
            return batch
        source = None if batch.source is None else batch.source.to(memory_format=torch.channels_last)
        return Batch(batch.images.to(memory_format=torch.channels_last), batch.labels, source)

    def draws(self, batch: Batch) -> list[Draw]:
        """The batch as its parts, in order."""
        batch, count = self.laid_out(batch), self.parts
        if count == 1:
            return [Draw(batch)]
        fields = (batch.images, batch.labels, batch.source)
        pieces = [[None] * count if whole is None else whole.chunk(count) for whole in fields]
        return [Draw(Batch(*piece)) for piece in zip(*pieces, strict=True)]  # pyright: ignore[reportArgumentType]

    def runnable(self, gan: GAN) -> dict[str, nn.Module]:
        """The networks, compiled where that is wanted and possible: a compiled graph has no second derivative."""
        updates = [update for stage in gan.schedule for update in stage.updates]
        twice = {update.player for update in updates if update.differentiates}
        twice |= {name for update in updates for name in update.differentiates}  # an unrolled critic
        return {
            name: self.compile(player.net) if self.compiled and name not in twice else player.net
            for name, player in gan.players.items()
        }

    def compile(self, net: nn.Module) -> nn.Module:
        """The network compiled for the shapes that it meets."""
        mode = "reduce-overhead" if self.cuda_graphs else None
        return torch.compile(net, dynamic=False, mode=mode)  # pyright: ignore[reportReturnType]

    def check(self, batch_size: int) -> None:
        """Raise UserError for what cannot be done on this device or with this batch."""
        if self.cuda_graphs and not (self.compiled and self.device.type == "cuda"):
            raise UserError(
                f"CUDA graphs replay compiled passes on a CUDA device; this run is on {self.device.type}, "
                f"{'compiled' if self.compiled else 'not compiled'}. Give --device cuda --compile too, or leave them out."
            )
        if self.parts < 1 or batch_size % self.parts or self.parts & (self.parts - 1):
            raise UserError(
                f"a batch of {batch_size} cannot be differentiated in {self.parts} parts: they are equal, and their number is a "
                "power of two. Give --parts 2, 4, 8 ... that divides the batch size."
            )
        if self.parts % self.processes:
            enough = self.processes & (self.processes - 1) == 0
            raise UserError(
                f"{self.processes} processes cannot share {self.parts} {'part' if self.parts == 1 else 'parts'} of a batch evenly. "
                "Give --devices a divisor of the parts"
                + (f", or --parts {self.processes}, another protocol." if enough else ".")
            )
