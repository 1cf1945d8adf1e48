"""Where things are: an extractor's feature map before its pooling, as features of their own.

Nash, Menick, Dieleman & Battaglia 2021 (arXiv:2103.03841): pooled features cannot say where in the image
something is. On Inception-v3 the map is the 1 x 1 branch of its block mixed_6, before normalisation, at 17 x 17 places; its
first 7 channels give 2,023 numbers, about as many as there are pooled features (guided-diffusion, evaluator.py).
On the shipped networks it is the map of the last block, at 3 x 3 places, also with 7 channels: 63 numbers.
"""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor, nn

from bench.errors import UserError
from bench.features import sample
from bench.features.networks.extractor import Extractor

CHANNELS = 7
LAYERS: Mapping[str, str] = {  # the extractor and where in its network the map is
    "digits-cnn": "blocks.1",
    "mnist-cnn": "blocks.2",
    "cifar10-cnn": "blocks.2",
    "inception-v3": "inner.Mixed_6d.branch1x1.conv",
}


def spatial(extractor: sample.Extractor) -> Extractor:
    """The same network, giving the first 7 channels of the map at every place, (N, 7 H W), and no logits.

    Raises UserError for a network whose map is not known here.
    """
    if not isinstance(extractor, Extractor) or extractor.name not in LAYERS:
        raise UserError(
            f"extractor {extractor.name!r} has no spatial features; those of {', '.join(LAYERS)} are known. Choose one of them."
        )
    assert isinstance(extractor.network, nn.Module)
    network = AtLayer(extractor.network, LAYERS[extractor.name])
    card = extractor.card.model_copy(update={"name": f"{extractor.name} spatial", "classes": None})
    return replace(extractor, card=card, network=network)


class AtLayer(nn.Module):
    """What a layer of a network gives while the network runs."""

    def __init__(self, network: nn.Module, layer: str):
        super().__init__()
        self.network = network
        self.layer = layer

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        """Images as the network takes them => the map's first channels, (N, 7 H W)."""
        kept: list[Tensor] = []

        def keep(module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
            kept.append(output)

        handle = self.network.get_submodule(self.layer).register_forward_hook(keep)
        try:
            self.network(images)
        finally:
            handle.remove()
        return kept[0][:, :CHANNELS].flatten(1), None
