"""Samples and metric ids in, measurements out: each extractor sees each image once, shared work is done once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from bench.errors import UserError, unknown
from bench.metrics import Estimate, Features, Metric, MetricId, find
from bench.metrics.fid import Statistics
from bench.metrics.memo import once
from bench.sample import Extractor, Sample

ROUNDING = (
    1e-5  # relative: features of equal images differ by less, since a network's sums depend on the place in a batch
)

Loader = Callable[[str], Extractor]


@dataclass(frozen=True)
class Measurement:
    """One number, with what is needed to judge it."""

    metric: str  # the id, e.g. "fid@digits-cnn:held-out"
    value: float
    samples_real: int
    samples_fake: int
    version: int  # of the metric
    flags: tuple[str, ...] = ()
    error: float | None = None  # see the metric's summary
    baseline: float | None = None  # the figure of held-out real images in the fakes' place


@dataclass(frozen=True)
class Subject:
    """What is measured against what."""

    train: Sample
    held_out: Sample
    fake: Sample


@dataclass(frozen=True)
class Case:
    """A subject as one metric id sees it: through one extractor (or none), with one of the splits as the real side."""

    subject: Subject
    extractor: Extractor | None
    held_out: bool

    @property
    def real(self) -> Sample:
        return self.subject.held_out if self.held_out else self.subject.train

    def features(self, sample: Sample) -> Features:
        assert self.extractor is not None
        return sample.features(self.extractor)

    def statistics(self, sample: Sample) -> Statistics:
        assert self.extractor is not None
        return sample.statistics(self.extractor)


# What a metric may ask for in ``needs``. REAL_SIDE are those that ":held-out" changes, IMAGES those without an extractor.
INPUTS: Mapping[str, Callable[[Case], object]] = {
    "real": lambda case: case.features(case.real),
    "fake": lambda case: case.features(case.subject.fake),
    "train": lambda case: case.features(case.subject.train),
    "held_out": lambda case: case.features(case.subject.held_out),
    "real_statistics": lambda case: case.statistics(case.real),
    "fake_statistics": lambda case: case.statistics(case.subject.fake),
    "real_images": lambda case: case.real.images,
    "fake_images": lambda case: case.subject.fake.images,
}
IMAGES = {"real_images", "fake_images"}
REAL_SIDE = {"real", "real_statistics", "real_images"}


def measure(ids: Sequence[str], train: Sample, held_out: Sample, fake: Sample, load: Loader) -> list[Measurement]:
    """Measure ``fake`` by every metric id, in the order given.

    ``load`` turns an extractor's name into the extractor, e.g. ``bench.extractors.load``; it is called once per name.
    Raises UserError for an unknown metric or extractor, fewer samples than a metric needs, NaN or constant real features.
    """
    parsed = [MetricId.parse(text) for text in ids]
    metrics = [find(metric_id.name) for metric_id in parsed]
    subject = Subject(train, held_out, fake)
    for metric_id, metric in zip(parsed, metrics, strict=True):
        _check(metric_id, metric, subject)
    names = dict.fromkeys(metric_id.extractor for metric_id in parsed)
    found: dict[int, Measurement] = {}
    for name in names:
        extractor = None if name is None else load(name)
        for index, (metric_id, metric) in enumerate(zip(parsed, metrics, strict=True)):
            if metric_id.extractor == name:
                found[index] = _measure(metric_id, metric, Case(subject, extractor, metric_id.held_out))
    return [found[index] for index in range(len(parsed))]


def _check(metric_id: MetricId, metric: Metric, subject: Subject) -> None:
    """Refuse before any work is done."""
    for need in metric.needs:
        if need not in INPUTS:
            raise unknown(f"input of metric {metric.name!r}", need, INPUTS)
    needs = set(metric.needs)
    if needs - IMAGES and metric_id.extractor is None:
        raise UserError(
            f"metric {str(metric_id)!r} needs an extractor. Write for instance '{metric.name}@digits-cnn' "
            f"(see `bench list extractors`)."
        )
    if metric_id.held_out and not needs & REAL_SIDE:
        raise UserError(f"metric {str(metric_id)!r}: {metric.name} has no real side. Leave ':held-out' away.")
    for sample in _sides(metric, subject, metric_id.held_out):
        if len(sample) < metric.minimum:
            raise UserError(
                f"metric {str(metric_id)!r} needs at least {metric.minimum} samples; {sample.name} has {len(sample)}. "
                f"Draw more samples or leave the metric away."
            )


def _sides(metric: Metric, subject: Subject, held_out: bool) -> list[Sample]:
    """The samples that a metric looks at."""
    real = subject.held_out if held_out else subject.train
    sides = {"real": real, "fake": subject.fake, "train": subject.train, "held": subject.held_out}
    return list({id(side): side for need in metric.needs for side in [sides[need.split("_")[0]]]}.values())


def _measure(metric_id: MetricId, metric: Metric, case: Case) -> Measurement:
    flags = _flags(metric, case)
    result = metric.function(**{need: INPUTS[need](case) for need in metric.needs})
    estimate = result if isinstance(result, Estimate) else Estimate(float(result))
    if not isfinite(estimate.value):
        raise UserError(
            f"metric {str(metric_id)!r} gave {estimate.value} on finite features; report this to its author."
        )
    return Measurement(
        str(metric_id), estimate.value, len(case.real), len(case.subject.fake), metric.version,
        flags + estimate.flags, estimate.error, estimate.baseline,
    )  # fmt: skip


def _flags(metric: Metric, case: Case) -> tuple[str, ...]:
    """What makes this number weaker than it looks."""
    flags: list[str] = []
    for sample in _sides(metric, case.subject, case.held_out):
        if case.extractor is None:
            continue
        is_fake = sample is case.subject.fake
        if not is_fake and sample.keep and "real_statistics" in metric.needs:
            constant, width = _statistics_look(case.statistics(sample))
        else:
            constant, width = _features_look(case.features(sample))
        if constant and not is_fake:
            raise UserError(
                f"{sample.name}: extractor {case.extractor.name!r} gives the same features for all {len(sample)} images. "
                f"Features that differ were expected; check the data set and the weights."
            )
        if constant:
            flags.append("fake features are constant")
        if "real_statistics" in metric.needs and len(sample) <= width:
            flags.append(f"{len(sample)} {'fake' if is_fake else 'real'} samples for {width} feature dimensions")
    return tuple(flags)


def _statistics_look(found: Statistics) -> tuple[bool, int]:
    return bool(found.variances.max() <= ROUNDING**2 * found.mean.square().max()), found.width


@once
def _features_look(found: Features) -> tuple[bool, int]:
    spread = (found.features - found.features[0]).abs().max()
    return bool(spread <= ROUNDING * found.features[0].abs().max()), found.features.shape[1]
