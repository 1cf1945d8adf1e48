"""Feature networks: a name becomes a function from images to features and logits.

load("mnist-cnn")(images)     uint8 (N, C, H, W) -> features (N, 128) float32, logits (N, 10) float32
card("mnist-cnn").digest      what is known of it, without loading torch

An installed package adds its own by an entry point of the group "bench.extractors" that names a function
``(device: str) -> Extractor``.
"""

import importlib
import importlib.metadata
from typing import TYPE_CHECKING

from bench.errors import unknown
from bench.features.networks import cards
from bench.features.networks.cards import Card

if TYPE_CHECKING:
    from bench.features.networks.extractor import Extractor

__all__ = ["Card", "card", "default_for", "load", "made_for", "missing", "names"]

GROUP = "bench.extractors"
# The package's own networks, which have a card beside their weights, and the field's, whose weights are fetched; each
# with the module whose `build(name, device)` makes it.
SHIPPED = {
    "cifar10-cnn": "bench.features.networks.convnet",
    "digits-cnn": "bench.features.networks.convnet",
    "efficientnet-lite0": "bench.features.networks.efficientnet",
    "mnist-cnn": "bench.features.networks.convnet",
    "random-cnn": "bench.features.networks.random_cnn",
}
OFFICIAL = (
    "clip-vit-b-32",
    "clip-vit-l-14-336",
    "dinov2-vit-l-14",
    "dinov2-vit-s-14",
    "inception-v3",
    "lpips-alex",
    "lpips-squeeze",
    "lpips-vgg",
    "vgg16",
)
BUILT_IN = SHIPPED | dict.fromkeys(OFFICIAL, "bench.features.networks.official")


def names() -> list[str]:
    """Every extractor that can be asked for, in alphabetical order."""
    return sorted({*BUILT_IN, *_registered()})


def card(name: str) -> Card:
    """What is known of an extractor. Raises UserError for an unknown name."""
    if name in SHIPPED:
        return cards.read(name)
    if name in BUILT_IN:
        return importlib.import_module(BUILT_IN[name]).card(name)
    return load(name).card


def load(name: str, device: str = "cpu") -> "Extractor":
    """The extractor `name`, ready to use on `device`.

    Raises:
        UserError: The name is unknown; its weights are missing, or their sha256 is not the one on the card.
    """
    if name in BUILT_IN:
        return importlib.import_module(BUILT_IN[name]).build(name, device)
    registered = _registered()
    if name not in registered:
        raise unknown("extractor", name, names())
    return registered[name].load()(device)


def missing(name: str) -> str | None:
    """Why an extractor cannot be used here, or None. Looks for its weights, and downloads nothing.

    Raises UserError for an unknown name.
    """
    if name in OFFICIAL or name == "efficientnet-lite0":
        return importlib.import_module(BUILT_IN[name]).missing(name)
    if name not in names():
        raise unknown("extractor", name, names())
    return None


def made_for(dataset: str) -> str | None:
    """The shipped extractor that was trained on a data set and knows its classes, or None."""
    return next((name for name in cards.shipped() if cards.read(name).dataset == dataset), None)


def default_for(dataset: str) -> str:
    """The extractor made for a data set, else the one for photographs, else random weights where those are not here."""
    photographs = "efficientnet-lite0"
    return made_for(dataset) or (photographs if missing(photographs) is None else "random-cnn")


def _registered() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}
