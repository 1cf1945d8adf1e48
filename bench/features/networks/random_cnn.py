"""A network that was never trained: the extractor of last resort, for pictures that no trained network knows.

Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models" (arXiv:2002.09797), section 4, show that density and
coverage on 64 random features tell distributions apart where ImageNet's features mean nothing. Theirs is a VGG16; this is
a smaller network of the same kind. Its numbers compare only with numbers of its own, and its name says what it is.
"""

import hashlib
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.errors import UserError
from bench.features.networks import cards
from bench.features.networks.convnet import frozen
from bench.features.networks.extractor import Extractor, Resize

SEED = 2020
CHANNELS = (3, 32, 64, 128, 256)
WIDTH = 64
PREPARATION = Resize(3, 64)


class RandomCNN(nn.Module):
    """Four times a 3x3 convolution, ReLU and 2x2 max-pooling, then a linear map of all that is left, (N, 256, 4, 4)."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in pairwise(CHANNELS))
        self.project = nn.Linear(CHANNELS[-1] * 4 * 4, WIDTH, bias=False)

    def forward(self, images: Tensor) -> tuple[Tensor, None]:
        """(N, 3, 64, 64) float32 in [0, 1] => features (N, 64), no logits."""
        x = images * 2 - 1
        for conv in self.convs:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        return self.project(x.flatten(1)), None


@torch.no_grad()
def fill(net: RandomCNN, seed: int) -> str:
    """Set every weight from the seed (uniform, of the variance of He et al. 2015); returns the sha256 of their bytes.

    Only the raw bits of a numpy generator are used: numpy promises these for ever, the distributions it does not.
    """
    bits, sha256 = np.random.PCG64(seed), hashlib.sha256()
    for weight in net.parameters():
        fan_in = weight[0].numel()
        unit = (bits.random_raw(weight.numel()) >> 40).astype(np.float64) / 2**23 - 1  # in [-1, 1), 24 bits
        values = (unit * (6 / fan_in) ** 0.5).astype("<f4").reshape(tuple(weight.shape))
        sha256.update(values.tobytes())
        weight.copy_(torch.from_numpy(values))
    return sha256.hexdigest()


def build(name: str, device: str | torch.device = "cpu") -> Extractor:
    """The extractor. Raises UserError when this machine draws other weights than those on the card."""
    card, net = cards.read(name), RandomCNN()
    found = fill(net, SEED)
    if found != card.digest:
        raise UserError(f"extractor {name!r}: drew weights with sha256 {found}, expected {card.digest}. Update numpy.")
    return Extractor(card, PREPARATION, frozen(net, device), torch.device(device))
