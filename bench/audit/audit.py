"""The audit of samples against labelled data: who is left out, by class, by attribute, by two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bench.audit.attributes import CLASSES, Attribute, crossed, merged, of_classes, read_attributes
from bench.audit.balance import Balance, balance
from bench.audit.groups import Group, groups
from bench.errors import UserError
from bench.features import networks
from bench.features.features import Features
from bench.features.sample import Extractor, Sample
from bench.metrics.conditional import probe
from bench.metrics.measure import Side
from bench.metrics.score import Reference

FEWEST = 30  # samples
SEED = 2020


@dataclass(frozen=True)
class Finding:
    """One attribute: its balance and its groups."""

    balance: Balance
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Audit:
    """What was found, attribute by attribute."""

    extractor: str
    samples: int
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def flagged(self) -> bool:
        """Whether any attribute is out of balance."""
        return any(finding.balance.flagged for finding in self.findings)


@dataclass(frozen=True, eq=False)
class _Real:
    """The real images: all features, and which of them fit a classifier; the rest measure its confusion."""

    features: Features
    fitted: np.ndarray  # (N,) bool


def audit(
    reference: Reference, samples: Side, extractor: Extractor, attributes: Path | None = None, seed: int = 0
) -> Audit:
    """Audit samples against a data set.

    Classes are called by the extractor where it was made for the data set, otherwise (and for every attribute) by a logistic
    regression on its features, fitted on the training split, or half of the images where there are no splits.

    Raises:
        UserError: Statistics in the place of images, fewer than 30 samples, real images without labels or attributes, or
            what `balance` refuses.
    """
    if not isinstance(samples, Sample) or not isinstance(reference.train, Sample):
        raise UserError("an audit looks at single images: give images on both sides, not statistics.")
    if len(samples) < FEWEST:
        raise UserError(f"{samples.name}: {len(samples)} images; an audit needs at least {FEWEST}. Draw more samples.")
    known = _known(reference, attributes)
    every = [merged(item) for item in (*known, *crossed(known))]
    wanted = [item for item in every if len(item.values) > 1 or item.name in {one.name for one in known}]
    own = networks.made_for(reference.name) == extractor.name
    real, fake = _real(reference, extractor), samples.features(extractor)
    findings = tuple(
        _finding(item, real, fake, seed, len(wanted), by_logits=own and item.name == CLASSES and not item.notes)
        for item in wanted
    )
    return Audit(extractor.name, len(samples), findings, tuple(note for item in every for note in item.notes))


def _known(reference: Reference, table: Path | None) -> list[Attribute]:
    """What is known of the real images: their classes, the columns of a table. Raises UserError where that is nothing."""
    sides = _sides(reference)
    labels = [side.labels for side in sides if side.labels is not None]
    known = [of_classes(torch.cat(labels).numpy(), reference.classes)] if len(labels) == len(sides) else []
    if table is not None:
        if len(sides) > 1:
            raise UserError(f"{table}: a table of attributes goes with real images without splits, in an .npz.")
        known += read_attributes(table, len(sides[0]))
    if not known:
        raise UserError(
            f"{sides[0].name}: has no labels. Expected classes (subfolders, arr_1), or --attributes FILE.csv."
        )
    return known


def _sides(reference: Reference) -> list[Sample]:
    return [side for side in (reference.train, reference.held_out) if isinstance(side, Sample)]


def _real(reference: Reference, extractor: Extractor) -> _Real:
    """The real images of both splits."""
    found = [side.features(extractor) for side in _sides(reference)]
    logits = [part.logits for part in found if part.logits is not None]
    every = Features(
        torch.cat([part.features for part in found]), torch.cat(logits) if len(logits) == len(found) else None
    )
    fitted = np.arange(len(every)) < len(found[0])
    if len(found) == 1:
        fitted = np.random.RandomState(SEED).permutation(len(every)) < len(every) // 2
    return _Real(every, fitted)


def _finding(
    attribute: Attribute, real: _Real, fake: Features, seed: int, attributes: int, *, by_logits: bool
) -> Finding:
    count = len(attribute.values)
    unseen = ~real.fitted
    if by_logits:
        tested, called = (_by_logits(part, count) for part in (real.features, fake))
        tested = tested[unseen]
    else:
        tested, called = _by_probe(attribute, real, fake)
    confusion = np.zeros((count, count))
    np.add.at(confusion, (attribute.places[unseen], tested), 1)
    sizes = [np.bincount(places, minlength=count).astype(float) for places in (attribute.places, called)]
    found = balance(attribute.name, attribute.values, sizes[0], confusion, sizes[1], seed, attributes)
    sides = (real.features.features, attribute.places), (fake.features, called)
    return Finding(found, groups(attribute.values, *sides, seed))


def _by_logits(features: Features, classes: int) -> np.ndarray:
    if features.logits is None or features.logits.shape[1] != classes:
        raise UserError(f"the extractor does not know the {classes} classes of the data. Give another --extractor.")
    return features.logits.argmax(1).numpy()


def _by_probe(attribute: Attribute, real: _Real, fake: Features) -> Sequence[np.ndarray]:
    """What a classifier fitted on one part of the real images calls the other part, and the samples."""
    rows = torch.from_numpy(real.fitted)
    labels = torch.from_numpy(attribute.places[real.fitted])
    fitted = Features(real.features.features[rows], labels=labels)
    unseen: Tensor = real.features.features[~rows]
    called = probe(fitted, torch.cat([unseen, fake.features]), classes=len(attribute.values)).numpy()
    return called[: len(unseen)], called[len(unseen) :]
