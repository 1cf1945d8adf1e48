"""Train the frozen network of the zoo: python tools/train_frozen_features.py --data-root ROOT

A classifier of CIFAR-10 (zoo/networks/frozen.py), whose batch norms are folded into its convolutions and whose last layer is
left out. Writes zoo/networks/cifar10_features.safetensors in half precision, and prints the accuracy on the held-out split.
"""

import argparse
import hashlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from bench import data
from bench.files import write_atomically
from zoo.networks.frozen import CHANNELS, WEIGHTS

PATH = Path(__file__).parents[1] / "zoo" / "networks" / WEIGHTS
BATCH = 128
RATE = 4e-3  # at its height, a fifth into training


class Classifier(nn.Module):
    """Images (N, 3, 32, 32) in [-1, 1] -> logits (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, CHANNELS[0], *CHANNELS]
        self.convs = nn.ModuleList(
            nn.Conv2d(*pair, 3, stride=2 if index else 1, padding=1, bias=False)
            for index, pair in enumerate(pairwise(widths))
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])
        self.head = nn.Linear(CHANNELS[-1], 10)

    def forward(self, features: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            features = norm(conv(features)).relu()
        return self.head(features.mean((2, 3)))


def folded(net: Classifier) -> dict[str, Tensor]:
    """Weights and biases of convolutions that do what convolution and norm do, in half precision."""
    found: dict[str, Tensor] = {}
    names = ["enter", *(f"stages.{i}" for i in range(len(CHANNELS)))]
    for name, conv, norm in zip(names, net.convs, net.norms, strict=True):
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        found[f"{name}.weight"] = (conv.weight * scale[:, None, None, None]).detach().half().contiguous()
        found[f"{name}.bias"] = (norm.bias - norm.running_mean * scale).detach().half()
    return found


def augmented(images: Tensor, random: torch.Generator) -> Tensor:
    """Mirrored at random, and shifted by up to 4 px; what comes in is grey."""
    mirrored = torch.rand(images.shape[0], 1, 1, 1, generator=random) < 0.5
    images = pad(torch.where(mirrored, images.flip(3), images), (4, 4, 4, 4))
    down, right = torch.randint(9, (2,), generator=random).tolist()
    return images[:, :, down : down + 32, right : right + 32]


def train(images: Tensor, labels: Tensor, epochs: int) -> Classifier:
    """From seed 0: AdamW under one cycle of the rate."""
    torch.manual_seed(0)
    random = torch.Generator().manual_seed(0)
    net, steps = Classifier(), epochs * (len(images) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.02)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.2)
    loss = torch.zeros(())
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=random)
        for chosen in order[: len(images) // BATCH * BATCH].split(BATCH):
            loss = cross_entropy(net(augmented(images[chosen] / 127.5 - 1, random)), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            rate.step()
        print(f"epoch {epoch + 1} of {epochs}: loss of the last batch {loss.item():.3f}", flush=True)
    return net.eval()


@torch.no_grad()
def accuracy(net: Classifier, images: Tensor, labels: Tensor) -> float:
    """The share of images whose class is found."""
    right = [
        (net(some / 127.5 - 1).argmax(1) == these).sum()
        for some, these in zip(images.split(500), labels.split(500), strict=True)
    ]
    return sum(int(one) for one in right) / len(images)


def main() -> None:
    """Train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data-root", type=Path, help="torchvision-style root; default: $BENCH_DATA")
    parser.add_argument("--epochs", type=int, default=8)
    asked = parser.parse_args()
    cifar = data.load("cifar10", data_root=asked.data_root)
    splits = []
    for split in (cifar.train, cifar.held_out):
        assert split.labels is not None
        splits.append((torch.tensor(np.asarray(split.images)).float(), torch.tensor(np.asarray(split.labels)).long()))
    (images, labels), held_out = splits
    net = train(images, labels, asked.epochs)
    write_atomically(PATH, save(folded(net)))
    print(
        f"accuracy on the held-out split: {accuracy(net, *held_out):.4f}; sha256 {hashlib.sha256(PATH.read_bytes()).hexdigest()}"
    )


if __name__ == "__main__":
    main()
