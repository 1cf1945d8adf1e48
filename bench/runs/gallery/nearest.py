"""What a member shows beside the data: the nearest training images of its samples, its best and worst samples, and how its
FID depends on their number. From the scored sample, whose features are there already."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from math import inf

import torch
from torch import Tensor

from bench.features.sample import Sample
from bench.metric_facts import MetricId, find
from bench.metrics.fid_infinity import by_size, fit
from bench.metrics.nearest import nearest_to
from bench.metrics.realism import realism
from bench.records.grid import COLUMNS
from bench.runs.gallery.exhibit import ArtifactFile, GalleryContext, Maker, absent, picture

SAMPLES = 300  # samples, and held-out images beside them, whose nearest training image is looked for
ROWS = 6  # samples shown with their neighbours
JUDGED = 1_000  # samples among which the best and the worst are
MANIFOLD = 5_000  # training images that stand for all in the realism score; their order is random but for the seed
EXTREMES = 2 * COLUMNS
FLOATS = 1 << 24  # numbers of one pass over the training images: 64 MB
FEWEST = 50  # fakes from which a line through FIDs makes sense

Found = tuple[Tensor, Tensor]  # distances (N, k) ascending, rows of the training split (N, k)


def nearest(show: GalleryContext) -> list[ArtifactFile]:
    """How near samples and held-out images are to the training images, and the nearest pairs."""
    spaces = {"pixels": ("nearest-pixel", by_pixels(show))}
    if extractor := extractor_of(show):
        spaces[extractor] = ("nearest-feature", by_features(show, extractor))
    lines = [
        (space, images, f"{distance:.6g}")
        for space, (_, pair) in spaces.items()
        for images, (distances, _) in zip(("samples", "held-out"), pair, strict=True)
        for distance in distances[:, 0].sort().values.tolist()
    ]
    made = [table("nearest-distances", ("space", "images", "distance"), lines)]
    for kind, (samples, _) in spaces.values():
        made.append(_rows(show, kind, *samples) if show.shows_data else absent(kind, "not kept", show.refusal))
    return made


def by_pixels(show: GalleryContext) -> tuple[Found, Found]:
    """Of samples and of held-out images; the distance is the root mean square over pixels in [0, 1]."""
    found: list[Found] = []
    for sample, k in ((show.fake, COLUMNS - 1), (show.held_out, 1)):
        queries = _pixels(sample, 0, SAMPLES)
        squared, rows = _nearest_of(queries, show.train, min(k, len(show.train)))
        found.append(((squared / queries.shape[1]).sqrt(), rows))
    return found[0], found[1]


def by_features(show: GalleryContext, extractor: str) -> tuple[Found, Found]:
    """Of samples and of held-out images; the distance is Euclidean."""
    train = show.train.features(show.load(extractor)).features
    found: list[Found] = []
    for sample, k in ((show.fake, COLUMNS - 1), (show.held_out, 1)):
        queries = sample.features(show.load(extractor)).features[:SAMPLES]
        squared, rows = nearest_to(queries, train, min(k, len(train)))
        found.append((squared.sqrt(), rows))
    return found[0], found[1]


def _nearest_of(queries: Tensor, images: Sample, k: int) -> Found:
    """The `k` nearest images of a sample to each query (N, D), whatever its size: squared distances and rows (N, k)."""
    step = max(FLOATS // queries.shape[1], k)
    parts: list[Found] = []
    for start in range(0, len(images), step):
        points = _pixels(images, start, start + step)
        squared, rows = nearest_to(queries, points, min(k, len(points)))
        parts.append((squared, rows + start))
    squared, order = torch.cat([part[0] for part in parts], 1).sort(dim=1, stable=True)
    rows = torch.cat([part[1] for part in parts], 1).gather(1, order)
    return squared[:, :k], rows[:, :k]


def _pixels(sample: Sample, start: int, stop: int) -> Tensor:
    """Images `start` to `stop` as rows (N, D) float32 in [0, 1]."""
    return sample.batch(start, min(stop, len(sample))).flatten(1).float() / 255


def _rows(show: GalleryContext, kind: str, distances: Tensor, rows: Tensor) -> ArtifactFile:
    """The samples that are nearest to the training set, each followed by its nearest training images."""
    closest = distances[:, 0].argsort(stable=True)[:ROWS].tolist()
    images = [
        image
        for index in closest
        for image in (
            show.fake.batch(index, index + 1),
            *(show.train.batch(row, row + 1) for row in rows[index].tolist()),
        )
    ]
    return picture(
        kind, torch.cat(images), 1 + rows.shape[1], f"Of {len(distances)} samples those nearest to training."
    )


def extremes(show: GalleryContext) -> list[ArtifactFile]:
    """The samples with the highest and with the lowest realism."""
    extractor = extractor_of(show)
    if extractor is None:
        return []
    real = show.train.features(show.load(extractor)).features[:MANIFOLD]
    scores = realism(real, show.fake.features(show.load(extractor)).features[:JUDGED])
    order = scores.argsort(descending=True, stable=True)
    chosen = {"best": order[:EXTREMES], "worst": order.flip(0)[:EXTREMES]}
    return [
        picture(
            kind,
            torch.cat([show.fake.batch(row, row + 1) for row in rows.tolist()]),
            COLUMNS,
            f"Realism {float(scores[rows[0]]):.2f} to {float(scores[rows[-1]]):.2f} among {len(scores):,} samples.",
        )
        for kind, rows in chosen.items()
    ]


def sizes(show: GalleryContext) -> list[ArtifactFile]:
    """FID at several numbers of samples with the line through them: the ranking metric, and wherever a limit is measured."""
    limits = {metric for metric in show.metrics if metric.startswith("fid-infinity@")}
    wanted = [
        metric
        for metric in dict.fromkeys(show.metrics)
        if metric.startswith("fid@") and (metric == show.metrics[0] or f"fid-infinity{metric[3:]}" in limits)
    ]
    if not wanted or len(show.fake) < FEWEST:
        return []
    lines = [line for metric in wanted for line in _sizes(show, MetricId.parse(metric))]
    return [table("fid-by-samples", ("metric", "samples", "fid", "error"), lines)]


def _sizes(show: GalleryContext, metric: MetricId) -> Iterator[tuple[object, ...]]:
    """One line per number of samples; the last is the limit, with the standard error of the fit."""
    assert metric.extractor
    extractor = show.load(metric.extractor)
    real = show.held_out if metric.held_out else show.train
    counts, values = by_size(show.fake.features(extractor), real.statistics(extractor))
    yield from ((str(metric), count, float(value), "") for count, value in zip(counts.tolist(), values, strict=True))
    limit = fit(1 / counts, values)
    yield str(metric), inf, limit.value, limit.error


def extractor_of(show: GalleryContext) -> str | None:
    """The network through which the suite looks at whole images: the ranking metric's, else the first that another uses."""
    for metric in map(MetricId.parse, show.metrics):
        if metric.extractor and {"fake", "fake_statistics", "output", "output_statistics"}.intersection(
            find(metric.name).needs
        ):
            return metric.extractor
    return None


def table(kind: str, header: tuple[str, ...], lines: Iterable[tuple[object, ...]]) -> ArtifactFile:
    """Lines as CSV (RFC 4180 but for its line ends)."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *lines])
    return ArtifactFile(kind, ".csv", buffer.getvalue().encode())


MAKERS: Mapping[str, Maker] = {"nearest-distances": nearest, "best": extremes, "fid-by-samples": sizes}
