"""Samples and metric ids in, measurements out: each extractor sees each image once, shared work is done once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import torch

from bench.errors import UserError
from bench.features.sample import Extractor, Sample
from bench.features.statistics import Statistics
from bench.metrics import Estimate, Metric, MetricId, find, preconditions, weaknesses
from bench.metrics.inputs import EvaluationInputs, MetricRequest, Pairs, Space, sides_of, spaces_of
from bench.metrics.path_length import LatentPath

__all__ = ["LatentPath", "Measurement", "Pairs", "measure", "require"]

Loader = Callable[[str], Extractor]
Side = Sample | Statistics


@dataclass(frozen=True)
class Measurement:
    """One number, with what is needed to judge it."""

    metric: str  # the id, e.g. "fid@digits-cnn:held-out"
    value: float
    samples_real: int  # 0: statistics that do not say
    samples_fake: int  # 0: statistics that do not say
    version: int  # of the metric
    flags: tuple[str, ...] = ()
    error: float | None = None  # see the metric's summary
    baseline: float | None = None  # the figure of held-out real images in the fakes' place


def measure(
    ids: Sequence[str],
    train: Side,
    held_out: Side | None,
    fake: Side,
    load: Loader,
    *,
    pairs: Pairs | None = None,
    paths: Mapping[Space, LatentPath] | None = None,
) -> list[Measurement]:
    """Measure ``fake`` by every metric id, in the order given.

    ``load`` turns an extractor's name into the extractor, e.g. ``bench.features.networks.load``; it is called once per name.
    ``pairs`` are what paired metrics compare, ``paths`` the latent spaces for path lengths.
    Raises UserError for an unknown metric or extractor, inputs that a metric needs and that do not exist, fewer samples
    than it needs, NaN or constant real features; all but the last two before any work is done.
    """
    inputs = EvaluationInputs(train, held_out, fake, pairs, paths or {})
    requests = _requests(ids, inputs, load)
    found: dict[int, Measurement] = {}
    for name in dict.fromkeys(request.metric.extractor for request in requests):
        for index, request in enumerate(requests):
            if request.metric.extractor == name:
                found[index] = _measure(find(request.metric.name), request)
    return [found[index] for index in range(len(requests))]


def require(
    ids: Sequence[str],
    train: Side,
    held_out: Side | None,
    fake: Side,
    load: Loader,
    *,
    pairs: Pairs | None = None,
    paths: Mapping[Space, LatentPath] | None = None,
) -> None:
    """Raise the UserError that `measure` would raise before its work.

    No pixel is looked at: of ``fake`` and ``pairs`` the number of images, their shape and their labels must be right.
    """
    _requests(ids, EvaluationInputs(train, held_out, fake, pairs, paths or {}), load)


def _requests(ids: Sequence[str], inputs: EvaluationInputs, load: Loader) -> list[MetricRequest]:
    """What is asked for, once everything was checked that can be checked without work."""
    parsed = [MetricId.parse(text) for text in ids]
    for metric_id in parsed:
        find(metric_id.name)
        preconditions.check(metric_id, inputs)
    loaded = {name: load(name) for name in dict.fromkeys(id_.extractor for id_ in parsed) if name is not None}
    extractors = [None if id_.extractor is None else loaded[id_.extractor] for id_ in parsed]
    for metric_id, extractor in zip(parsed, extractors, strict=True):
        preconditions.check(metric_id, inputs, extractor)
    return [
        MetricRequest(metric_id, find(metric_id.name).facts, inputs, extractor)
        for metric_id, extractor in zip(parsed, extractors, strict=True)
    ]


def _measure(metric: Metric, request: MetricRequest) -> Measurement:
    flags = weaknesses.flags(request)
    estimate = _estimate(metric, request)
    real, fake = _counts(request)
    return Measurement(
        metric=str(request.metric),
        value=estimate.value,
        samples_real=real,
        samples_fake=fake,
        version=metric.facts.version,
        flags=tuple(dict.fromkeys((*flags, *estimate.flags))),
        error=estimate.error,
        baseline=estimate.baseline,
    )


def _estimate(metric: Metric, request: MetricRequest) -> Estimate:
    """What the metric's function gives; whatever else it raises or returns becomes a UserError that names it."""
    inputs = {need: request.value(need) for need in metric.facts.needs}
    try:
        result = metric.function(**inputs)
        estimate = result if isinstance(result, Estimate) else Estimate(float(result))
    except (UserError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:
        raise UserError(
            f"metric {str(request.metric)!r} failed: {type(error).__name__}: {error}. Report this to its author, or leave "
            f"it out."
        ) from error
    if not isfinite(estimate.value) or not metric.facts.holds(estimate.value):
        raise UserError(
            f"metric {str(request.metric)!r} gave {estimate.value} on finite features; a number in {metric.facts.range} was "
            f"expected. Report this to its author."
        )
    return estimate


def _counts(request: MetricRequest) -> tuple[int, int]:
    """Number of real and of fake images behind a value."""
    spaces = spaces_of(request.facts)
    if spaces:
        return count_of(request.side("real")), request.inputs.paths[spaces[0]].count
    paired = "output" in sides_of(request.facts)
    real, fake = ("target", "output") if paired else ("real", "fake")
    return count_of(request.side(real)), count_of(request.side(fake))


def count_of(side: Side) -> int:
    """How many images there are; 0 for statistics that do not say."""
    return side.count if isinstance(side, Statistics) else len(side)
