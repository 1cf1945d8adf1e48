"""What a trained member shows beside its scores: files made at the end of a run, from its networks and its scored sample.

Nothing here can change a score or cost one: what cannot be made leaves a line of text that says why, and so does what
must not be kept because it holds images of people or a user's own images.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bench.records.grid import COLUMNS
from bench.runs.gallery import nearest
from bench.runs.gallery.exhibit import ArtifactFile, GalleryContext, Maker, absent, picture
from bench.training.sampling import SampleRequest, interpolation_request, labelled, request

SEED = 0  # of the latents: those of every member with the same prior
CLASSES = 10  # rows
STEPS = 10  # of an interpolation
LEVELS = (0.25, 0.5, 0.75, 1.0)  # of truncation, the last being none
TRIPLES = 6


def exhibits(show: GalleryContext) -> Iterator[ArtifactFile]:
    """Every exhibit that the member has, one kind after the other."""
    for kind, make in MAKERS.items():
        try:
            yield from make(show)
        except Exception as error:  # whatever it is, the scores of a long training must not be lost to a picture
            reason = str(error).strip().splitlines()
            yield absent(kind, "not made", f"{type(error).__name__}{f': {reason[0]}' if reason else ''}")


def classes(show: GalleryContext) -> list[ArtifactFile]:
    """One row per class, at most ten evenly chosen; a column keeps its latents."""
    names = show.dataset.classes
    if show.gan.task != "conditional" or show.gan.latents is None or not names:
        return []
    chosen = np.linspace(0, len(names) - 1, min(len(names), CLASSES)).round().astype(int).tolist()
    asked = request(show.gan, None, COLUMNS, SEED)
    assert asked.latents is not None
    rows = SampleRequest(
        COLUMNS * len(chosen),
        SEED,
        asked.latents.repeat(len(chosen), 1),
        torch.tensor(chosen).repeat_interleave(COLUMNS),
    )
    note = f"Top to bottom: {', '.join(names[index] for index in chosen)}."
    return [picture("classes", show.draw(rows), COLUMNS, note)]


def interpolation(show: GalleryContext) -> list[ArtifactFile]:
    """Rows from one latent to another."""
    if show.gan.latents is None:
        return []
    asked = interpolation_request(show.gan, show.dataset, SEED, steps=STEPS)
    return [picture("interpolation", show.draw(asked), STEPS)]


def truncation(show: GalleryContext) -> list[ArtifactFile]:
    """The same latents at several levels; nothing for a member whose images do not depend on the level."""
    if show.gan.latents is None:
        return []
    asked = request(show.gan, None, COLUMNS, SEED)
    if show.dataset.classes:
        asked = labelled(asked, torch.arange(COLUMNS) % len(show.dataset.classes))
    rows = [show.draw(replace(asked, truncation=level)) for level in LEVELS]
    if all(torch.equal(row, rows[-1]) for row in rows):
        return []
    note = f"Top to bottom: {', '.join(f'{level:g}' for level in LEVELS)} (none)."
    return [picture("truncation", torch.cat(rows), COLUMNS, note)]


def translation(show: GalleryContext) -> list[ArtifactFile]:
    """Held-out sources, what the member makes of them and, where sources are paired, what they should become."""
    if show.gan.task not in ("paired", "unpaired"):
        return []
    if not show.shows_data:
        return [absent("translation", "not kept", show.refusal)]
    held_out = show.dataset.held_out
    count = min(TRIPLES, len(held_out))
    asked = request(show.gan, show.dataset, count, SEED)
    assert asked.source is not None
    parts = [asked.source, show.draw(asked)]
    if held_out.paired:
        parts.append(torch.from_numpy(np.array(held_out.images[:count])))
    note = "Left to right: source, output, target." if held_out.paired else "Left to right: source, output; no targets."
    return [picture("translation", alternate(parts), len(parts), note)]


def reconstruction(show: GalleryContext) -> list[ArtifactFile]:
    """Held-out images, each above what the member makes of its code."""
    if show.gan.task != "reconstruction":
        return []
    if not show.shows_data:
        return [absent("reconstruction", "not kept", show.refusal)]
    asked = request(show.gan, show.dataset, 2 * COLUMNS, SEED)
    assert asked.source is not None
    rows = [
        part for pair in zip(asked.source.split(COLUMNS), show.draw(asked).split(COLUMNS), strict=True) for part in pair
    ]
    return [picture("reconstruction", torch.cat(rows), COLUMNS)]


def alternate(parts: list[Tensor]) -> Tensor:
    """Parts of N images each -> the first of each part, the second of each part and so on; grey becomes colour if any is."""
    channels = max(part.shape[1] for part in parts)
    return torch.stack([part.expand(-1, channels, -1, -1) for part in parts], 1).flatten(0, 1)


MAKERS: Mapping[str, Maker] = {
    "classes": classes,
    "interpolation": interpolation,
    "truncation": truncation,
    "translation": translation,
    "reconstruction": reconstruction,
    **nearest.MAKERS,
}
