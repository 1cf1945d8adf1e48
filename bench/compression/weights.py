"""Recipes that change weights only: pruning and half precision. The same kernels run, so nothing is claimed to be faster."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from bench.compression.copies import Copy
from bench.compression.parent import Parent
from bench.errors import UserError


@dataclass(frozen=True)
class Prune:
    """Sets the smallest weights of every layer to zero (Han et al. 2015, arXiv:1506.02626, without retraining).

    Unstructured: a dense kernel multiplies zeros as it does other numbers. The file is smaller once it is compressed.
    """

    share: float  # of each layer's weights

    @property
    def name(self) -> str:
        """As it is given."""
        return f"prune:{self.share:g}"

    def __call__(self, parent: Parent, seed: int, /) -> Copy:
        """`seed` is not needed."""
        nets = parent.nets()
        for layer in [layer for net in nets.values() for layer in net.modules()]:
            weight = layer._parameters.get("weight")
            if weight is not None and weight.ndim > 1 and not isinstance(layer, nn.Embedding):
                prune.l1_unstructured(layer, "weight", self.share)
                prune.remove(layer, "weight")
        weights = [one for net in nets.values() for one in net.parameters()]
        zeros = sum(int((one == 0).sum()) for one in weights) / max(sum(one.numel() for one in weights), 1)
        content, whole = (zlib.compress(encoded(state(some)), 9) for some in (nets, parent.nets()))
        return Copy(parent.sampler(nets), content, ".safetensors.zz", len(whole), zeros)


class Half:
    """Weights kept in float16 and computed with in float32, as a file is loaded: half the bytes, the same kernels."""

    name = "half"

    def __call__(self, parent: Parent, seed: int, /) -> Copy:
        """`seed` is not needed."""
        nets = parent.nets()
        for tensor in [one for net in nets.values() for one in (*net.parameters(), *net.buffers())]:
            if tensor.is_floating_point():
                rounded = tensor.data.half()
                if not bool(rounded.isfinite().all()):
                    raise UserError("half: a weight is beyond the range of float16 (65,504). Use another recipe.")
                tensor.data.copy_(rounded.float())
        kept = {name: one.half() if one.is_floating_point() else one for name, one in state(nets).items()}
        return Copy(parent.sampler(nets), encoded(kept), ".safetensors", len(encoded(state(parent.nets()))))


half = Half()


def state(nets: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """Every tensor of the networks; tensors that are shared stand there once for each name."""
    return {f"{name}.{key}": one.contiguous() for name, net in nets.items() for key, one in net.state_dict().items()}


def encoded(tensors: Mapping[str, Tensor]) -> bytes:
    """As a safetensors file."""
    from safetensors.torch import save

    return save({name: one.clone() for name, one in tensors.items()})


@torch.no_grad()
def macs(parent: Parent) -> int:
    """Multiply-accumulates of one image: convolutions and matrix products, as dense kernels do them."""
    from bench.training.flops import Counter
    from bench.training.sampling import prompt

    asked = prompt(parent.gan, parent.module.spec, 1)
    with Counter() as counter:
        parent.gan.generate(dict(parent.module.nets.items()), asked)
    return counter.flops // 2
