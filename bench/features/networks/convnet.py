"""Read and write the weights of the classifiers that ship with the package; the digest is verified before use."""

import hashlib
import os
from pathlib import Path

import torch
from safetensors.torch import load as parse
from safetensors.torch import save as serialise
from torch import nn

from bench.errors import UserError
from bench.features.fitting.recipes import RECIPES
from bench.features.networks import cards
from bench.features.networks.architectures import ConvNet, ConvNetSpec
from bench.features.networks.cards import Card
from bench.features.networks.extractor import Extractor, Resize


def build(name: str, device: str | torch.device = "cpu", folder: Path = cards.WEIGHTS) -> Extractor:
    """The extractor `name` with the weights in `folder`.

    Raises:
        UserError: The weight file is missing or its sha256 is not that of the card.
    """
    card = cards.read(name, folder)
    spec = RECIPES[name].network
    net = parse_into(spec, verified(folder / f"{name}.safetensors", card))
    return Extractor(card, preparation(spec), frozen(net, device), torch.device(device))


def preparation(spec: ConvNetSpec) -> Resize:
    """How images of any form become what a network of this form takes."""
    return Resize(spec.channels, spec.resolution, pad_28=spec.resolution == 32 and spec.channels == 1)


def frozen(net: nn.Module, device: str | torch.device) -> nn.Module:
    """The network in evaluation mode, without gradients, on `device`, channels last."""
    return net.eval().requires_grad_(False).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def verified(path: Path, card: Card) -> bytes:
    """The bytes of a weight file.

    Raises:
        UserError: The file is missing or its sha256 is not that of the card.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"extractor {card.name!r}: no weight file at {path}. Reinstall the package.") from None
    found = hashlib.sha256(content).hexdigest()
    if found != card.digest:
        raise UserError(
            f"extractor {card.name!r}: the weights at {path} have sha256 {found}, expected {card.digest}. "
            "The file is damaged or of another version; reinstall the package."
        )
    return content


def weights(net: ConvNet) -> bytes:
    """The trained values as safetensors: float16 for the kernels, float32 for shifts and statistics."""
    state = {key: value.contiguous() for key, value in net.state_dict().items() if value.is_floating_point()}
    return serialise({key: value.half() if value.ndim > 1 else value for key, value in state.items()})


def parse_into(spec: ConvNetSpec, content: bytes) -> ConvNet:
    """The network of `spec` with the values that `weights` wrote, as float32."""
    net = ConvNet(spec)
    state = {key: value.float() for key, value in parse(content).items()}
    counters = {key: value for key, value in net.state_dict().items() if not value.is_floating_point()}
    net.load_state_dict(state | counters)  # the counters of batch normalisation mean nothing after training
    return net


def write(path: Path, content: bytes) -> None:
    """Replace `path` in one go."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
