"""Make one of the shipped extractors: ``python -m bench.features.fitting.train mnist-cnn --data-root ROOT``.

Writes NAME.safetensors and its card NAME.toml. A training that was stopped continues from its last epoch when the same
command is run again.
"""

import argparse
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bench import data
from bench.errors import UserError, unknown
from bench.features.fitting.fit import Labelled, accuracy, fit, logits_of
from bench.features.fitting.recipes import RECIPES, Recipe
from bench.features.networks import cards, convnet
from bench.features.networks.architectures import ConvNet
from bench.features.networks.cards import Card
from bench.paths import home


@dataclass(frozen=True)
class Sets:
    """The labelled splits that a recipe names, and the digest of their content."""

    train: Labelled
    held_out: Labelled
    digest: str


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, train, write."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.features.fitting.train", description="Train a feature network."
    )
    parser.add_argument("name", help=", ".join(RECIPES))
    parser.add_argument("--data-root", type=Path, help="torchvision-style root; default: $BENCH_DATA")
    parser.add_argument("--out", type=Path, default=cards.WEIGHTS, help="folder for the weights and the card")
    given = parser.parse_args(arguments)
    try:
        card = make(given.name, given.data_root, given.out)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    print(f"{card.name}: accuracy {card.accuracy:.4f}, sha256 {card.digest}")


def make(name: str, data_root: Path | None, out: Path) -> Card:
    """Train by the recipe `name` and write weights and card into `out`."""
    if name not in RECIPES:
        raise unknown("extractor to train", name, RECIPES)
    recipe = RECIPES[name]
    sets = labelled(recipe, data_root)
    net = fit(recipe, sets.train, sets.held_out, home() / "extractors" / f"{name}.pt")
    calibrate(net, sets.held_out)
    return export(name, net, sets, out)


def labelled(recipe: Recipe, data_root: Path | None) -> Sets:
    """The recipe's data set, in memory."""
    whole = data.load(recipe.dataset, resolution=recipe.network.resolution, data_root=data_root)
    train, held_out = (
        Labelled(torch.tensor(part.images), torch.tensor(part.labels)) for part in (whole.train, whole.held_out)
    )
    return Sets(train, held_out, whole.digest)


def calibrate(net: ConvNet, held_out: Labelled) -> None:
    """Scale the head so that the mean confidence on `held_out` is the accuracy there (by the rule of succession).

    Smoothed labels and a slow head leave the logits flat, and an Inception Score on flat logits means little. A scale
    changes neither features nor decisions (temperature scaling, Guo et al., arXiv:1706.04599).
    """
    logits = logits_of(net, held_out.images).double()
    right = int((logits.argmax(1) == held_out.labels).sum())
    target = (right + 1) / (len(logits) + 2)
    low, high = 1e-3, 1e3
    for _ in range(60):  # bisection on a logarithmic scale: confidence grows with the scale
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _confidence(logits * middle) < target else (low, middle)
    with torch.no_grad():
        net.head.weight.mul_(low)


def _confidence(logits: Tensor) -> float:
    return logits.softmax(1).amax(1).mean().item()


def export(name: str, net: ConvNet, sets: Sets, out: Path) -> Card:
    """Write the weights, then the card with what those very bytes reach."""
    recipe, content = RECIPES[name], convnet.weights(net)
    root = " --data-root ROOT" if data.describe(recipe.dataset).files else ""
    stored = convnet.parse_into(recipe.network, content)
    card = Card(
        name=name,
        purpose=recipe.purpose,
        architecture=recipe.network.describe(),
        parameters=sum(parameter.numel() for parameter in net.parameters()),
        width=recipe.network.widths[-1],
        classes=recipe.network.classes,
        preprocessing=str(convnet.preparation(recipe.network)),
        digest=hashlib.sha256(content).hexdigest(),
        dataset=recipe.dataset,
        data_digest=sets.digest,
        accuracy=round(accuracy(stored, sets.held_out), 6),
        accuracy_of=f"held-out split of {recipe.dataset}, {len(sets.held_out.labels)} images, plain forward pass",
        command=f"python -m bench.features.fitting.train {name}" + root,
        seed=recipe.seed,
        licence="Apache-2.0",
        source="this project; recipe after arXiv:2404.00498",
    )
    convnet.write(out / f"{name}.safetensors", content)
    convnet.write(out / f"{name}.toml", cards.dumps(card).encode())
    return card


if __name__ == "__main__":
    main()
