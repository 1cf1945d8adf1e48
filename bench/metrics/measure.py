"""Samples and metric ids in, measurements out: each extractor sees each image once, shared work is done once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from bench.errors import UserError
from bench.features.memoise import cached_by_identity
from bench.features.sample import Extractor, Sample
from bench.features.statistics import Statistics
from bench.metrics import Estimate, Features, Metric, MetricId, find
from bench.metrics.inputs import EXTRACTED, EvaluationInputs, MetricRequest, Pairs, needs_extractor, parse, resolve
from bench.metrics.path_length import LatentPath
from bench.metrics.perceptual import LPIPS_NETWORKS

__all__ = ["LatentPath", "Measurement", "Pairs", "measure"]

ROUNDING = (
    1e-5  # relative: features of equal images differ by less, since a network's sums depend on the place in a batch
)

Loader = Callable[[str], Extractor]


@dataclass(frozen=True)
class Measurement:
    """One number, with what is needed to judge it."""

    metric: str  # the id, e.g. "fid@digits-cnn:held-out"
    value: float
    samples_real: int  # 0: reference statistics that do not say
    samples_fake: int
    version: int  # of the metric
    flags: tuple[str, ...] = ()
    error: float | None = None  # see the metric's summary
    baseline: float | None = None  # the figure of held-out real images in the fakes' place


def measure(
    ids: Sequence[str],
    train: Sample | Statistics,
    held_out: Sample | Statistics,
    fake: Sample,
    load: Loader,
    *,
    pairs: Pairs | None = None,
    paths: Mapping[Literal["z", "w"], LatentPath] | None = None,
) -> list[Measurement]:
    """Measure ``fake`` by every metric id, in the order given.

    ``load`` turns an extractor's name into the extractor, e.g. ``bench.features.networks.load``; it is called once per name.
    ``pairs`` are what paired metrics compare, ``paths`` the latent spaces for path lengths.
    Raises UserError for an unknown metric or extractor, inputs that a metric needs and that are not there, fewer samples
    than it needs, NaN or constant real features; all but the last before any work is done.
    """
    subject = EvaluationInputs(train, held_out, fake, pairs, paths or {})
    parsed = [MetricId.parse(text) for text in ids]
    metrics = [find(metric_id.name) for metric_id in parsed]
    _check_all(parsed, subject)
    found: dict[int, Measurement] = {}
    for name in dict.fromkeys(metric_id.extractor for metric_id in parsed):
        extractor = None if name is None else load(name)
        for index, (metric_id, metric) in enumerate(zip(parsed, metrics, strict=True)):
            if metric_id.extractor == name:
                found[index] = _measure(metric, MetricRequest(str(metric_id), subject, extractor, metric_id.held_out))
    return [found[index] for index in range(len(parsed))]


def require(
    ids: Sequence[str],
    train: Sample | Statistics,
    held_out: Sample | Statistics,
    fake: Sample,
    *,
    pairs: Pairs | None = None,
) -> None:
    """Raise the UserError that `measure` would raise before its work. No pixel is looked at: only how much of what there is."""
    _check_all([MetricId.parse(text) for text in ids], EvaluationInputs(train, held_out, fake, pairs))


def _check_all(ids: Sequence[MetricId], subject: EvaluationInputs) -> None:
    for metric_id in ids:
        _check(find(metric_id.name), metric_id, MetricRequest(str(metric_id), subject, None, metric_id.held_out))


def _check(metric: Metric, metric_id: MetricId, case: MetricRequest) -> None:
    """Refuse before any work is done."""
    if metric_id.extractor is None and any(needs_extractor(need) for need in metric.facts.needs):
        case.features_by()
    if metric_id.extractor and not any(needs_extractor(need) for need in metric.facts.needs):
        raise UserError(f"metric {case.metric!r}: {metric.name} looks at pixels. Leave '@{metric_id.extractor}' away.")
    if metric_id.extractor in LPIPS_NETWORKS and any(parse(need)[1] in EXTRACTED for need in metric.facts.needs):
        raise UserError(
            f"metric {case.metric!r}: {metric_id.extractor} measures distances of images, its features are not kept. It "
            f"serves lpips, lpips-diversity and the path lengths."
        )
    if case.held_out and not any(parse(need)[0] == "real" for need in metric.facts.needs):
        raise UserError(f"metric {case.metric!r}: {metric.name} has no real side to choose. Leave ':held-out' away.")
    for need in metric.facts.needs:
        side, form = parse(need)
        if not side:
            if form != "extractor":
                resolve(case, need)
            continue
        sample = case.side(side) if form == "statistics" else case.sample(side)
        if isinstance(sample, Sample) and len(sample) < metric.facts.minimum:
            raise UserError(
                f"metric {case.metric!r} needs at least {metric.facts.minimum} samples; {sample.name} has {len(sample)}. "
                f"Draw more samples or leave the metric away."
            )


def _measure(metric: Metric, case: MetricRequest) -> Measurement:
    flags = _flags(metric, case)
    result = metric.function(**{need: resolve(case, need) for need in metric.facts.needs})
    estimate = result if isinstance(result, Estimate) else Estimate(float(result))
    if not isfinite(estimate.value):
        raise UserError(f"metric {case.metric!r} gave {estimate.value} on finite features; report this to its author.")
    real, fake = _counts(metric, case)
    return Measurement(
        case.metric,
        estimate.value,
        real,
        fake,
        metric.facts.version,
        flags + estimate.flags,
        estimate.error,
        estimate.baseline,
    )


def _counts(metric: Metric, case: MetricRequest) -> tuple[int, int]:
    """Number of real and of fake images behind a value."""
    if any(parse(need)[0] == "output" for need in metric.facts.needs):
        return len(case.sample("target")), len(case.sample("output"))
    real = case.side("real")
    return real.count if isinstance(real, Statistics) else len(real), len(case.sample("fake"))


def _flags(metric: Metric, case: MetricRequest) -> tuple[str, ...]:
    """What makes this number weaker than it looks. Raises UserError for real features without any spread."""
    flags: list[str] = []
    for side, form in dict.fromkeys(parse(need) for need in metric.facts.needs):
        if side == "" or form not in ("", "statistics"):
            continue
        name = side if side in ("fake", "output") else "real"
        constant, count, width = _look(case, side, form)
        if constant and name == "real":
            raise UserError(
                f"metric {case.metric!r}: the features of all {count} real images are the same. Features that differ were "
                f"expected; check the data set and the extractor's weights."
            )
        if constant:
            flags.append(f"{name} features are constant")
        if form == "statistics" and 0 < count <= width:
            flags.append(f"{count} {name} samples for {width} feature dimensions")
    return tuple(flags)


def _look(case: MetricRequest, side: str, form: str) -> tuple[bool, int, int]:
    """Whether the features of a side are constant, how many they are, how wide they are."""
    value = resolve(case, side if form == "" else f"{side}_{form}")
    if isinstance(value, Statistics):
        return bool(value.variances.max() <= ROUNDING**2 * value.mean.square().max()), value.count, value.width
    assert isinstance(value, Features)
    return _is_constant(value), len(value), value.features.shape[1]


@cached_by_identity
def _is_constant(found: Features) -> bool:
    spread = (found.features - found.features[0]).abs().max()
    return bool(spread <= ROUNDING * found.features[0].abs().max())
