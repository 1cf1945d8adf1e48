"""Flags: what makes a number weaker than it looks, found from its inputs before its value is.

small       fewer images than the metric's facts call enough, or fewer than twice as many as the features have
            dimensions where a covariance is fitted to them
collapsed   the fakes hardly differ from each other, see ``collapse``

What depends on the value is flagged by the metric itself ("memorised", KID's subsets, classes that no real image has).
"""

import torch

from bench.errors import UserError
from bench.features.features import Features
from bench.features.memoise import cached_by_identity
from bench.features.sample import Sample
from bench.features.statistics import Statistics
from bench.metrics.inputs import MetricRequest, sides_of
from bench.metrics.precision_recall import REACH, squared_radii

FITTED = {"statistics", "spatial"}  # forms of which only mean and covariance are known
CHUNK = 4096  # rows per pass: bounds memory
ROUNDING = (
    1e-5  # relative: features of equal images differ by less, since a network's sums depend on the place in a batch
)
PER_DIMENSION = 2  # images per feature dimension: at one the fitted covariance is singular, at two its condition is 34
ALIKE = 0.01  # share of the real images' variance below which fakes are all alike
NEAR = 0.1  # share of the real images' typical distance within which one fake repeats another
MOST = 0.5  # share of fakes that are repeated from which a sample counts as collapsed


def flags(request: MetricRequest) -> tuple[str, ...]:
    """The flags of one metric on its inputs. Raises UserError for real features without any spread."""
    found = [*_small(request), *_narrow(request), *_alike(request)]
    if {"real", "fake"} <= sides_of(request.facts).keys() and request.facts.minimum > REACH:
        found += _repeated(request)
    return tuple(dict.fromkeys(found))


def _small(request: MetricRequest) -> list[str]:
    found: list[str] = []
    for side in sides_of(request.facts):
        sample = request.side(side)
        if isinstance(sample, Sample) and len(sample) < request.facts.enough:
            found.append(f"{len(sample)} {_kind(side)} samples: at least {request.facts.enough} are needed to trust it")
    return found


def _narrow(request: MetricRequest) -> list[str]:
    """Too few images for the covariance that is fitted to their features."""
    found: list[str] = []
    for side, forms in sides_of(request.facts).items():
        for form in FITTED & forms:
            fitted = request.value(f"{side}_{form}")
            assert isinstance(fitted, Statistics)
            if 0 < fitted.count < PER_DIMENSION * fitted.width:
                found.append(f"{fitted.count} {_kind(side)} samples for {fitted.width} feature dimensions")
    return found


def _alike(request: MetricRequest) -> list[str]:
    """Real features without spread are refused; fakes that differ far less than real images do are flagged.

    The mean squared distance of two samples of one distribution is twice the trace of its covariance: that of the fakes
    is compared with that of the real images.
    """
    spreads = {side: _spread(request, side) for side in sides_of(request.facts)}
    known = {side: spread for side, spread in spreads.items() if spread is not None}
    for side, (constant, _) in known.items():
        if constant and _kind(side) == "real":
            raise UserError(
                f"metric {str(request.metric)!r}: the features of all real images are the same. Features that differ were "
                f"expected; check the data set and the extractor's weights."
            )
    real = [variance for side, (_, variance) in known.items() if _kind(side) == "real"]
    for side, (constant, variance) in known.items():
        if _kind(side) == "fake" and constant:
            return ["collapsed: fake features are constant"]
        if _kind(side) == "fake" and real and variance < ALIKE * real[0]:
            return [f"collapsed: fakes differ {variance / real[0]:.2%} as much as real images do"]
    return []


def _spread(request: MetricRequest, side: str) -> tuple[bool, float] | None:
    """Whether the features of a side are constant, and the trace of their covariance; None where none are used."""
    forms = sides_of(request.facts)[side]
    if "" in forms:
        features = request.value(side)
        assert isinstance(features, Features)
        return _is_constant(features), _variance(features)
    for form in FITTED & forms:
        fitted = request.value(f"{side}_{form}")
        assert isinstance(fitted, Statistics)
        constant = fitted.variances.max() <= ROUNDING**2 * fitted.mean.square().max()
        return bool(constant), float(fitted.variances.sum())
    return None


def _repeated(request: MetricRequest) -> list[str]:
    """Fakes that are the same few images again and again.

    Arora, Risteski & Zhang 2018 (ICLR, "Do GANs learn the distribution?") bound the support of a generator by the
    near-duplicates in a sample. Here a fake is repeated when five others (REACH) lie within a tenth of the median
    distance at which a real image has its fifth neighbour. Of k equally likely images in N fakes nearly all are
    repeated when k < N / 12, and nearly none when k > N; so are none of real images, of noise or of blurred images.
    """
    real, fake = request.value("real"), request.value("fake")
    assert isinstance(real, Features)
    assert isinstance(fake, Features)
    share = repeated(real, fake)
    return [f"collapsed: {share:.0%} of fakes have five others that are nearly the same"] if share >= MOST else []


@cached_by_identity
def repeated(real: Features, fake: Features) -> float:
    """The share of fakes that five other fakes repeat, see `_repeated`."""
    typical = squared_radii(real)[:, REACH - 1].sqrt().median()
    return float((squared_radii(fake)[:, REACH - 1].sqrt() < NEAR * typical).double().mean())


@cached_by_identity
def _is_constant(found: Features) -> bool:
    spread = (found.features - found.features[0]).abs().max()
    return bool(spread <= ROUNDING * found.features[0].abs().max())


@cached_by_identity
def _variance(found: Features) -> float:
    """The trace of the covariance, with 1/N."""
    mean = found.features.mean(0, dtype=torch.float64)
    total = sum(float((rows.double() - mean).square().sum()) for rows in found.features.split(CHUNK))
    return total / len(found)


def _kind(side: str) -> str:
    return "fake" if side in ("fake", "output") else "real"
