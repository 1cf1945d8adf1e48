"""Scores of images and of features: against a data set, or one array against another."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from bench.api.images import Images, Range, image_set
from bench.errors import UserError
from bench.features import networks
from bench.features.features import Features
from bench.features.sample import Sample
from bench.features.statistics import statistics
from bench.metrics import Estimate, MetricId, find
from bench.metrics import measure as measuring
from bench.metrics import score as scoring
from bench.training.execution import device_of

if TYPE_CHECKING:
    import pandas as pd

DEFAULT = "inception-v3"  # what the field means by FID; its weights are fetched on first use
Source = str | Path | Images


def score(
    images: Source,
    real: Source,
    metrics: Sequence[str] | None = None,
    *,
    value_range: Range | None = None,
    resolution: int | None = None,
    device: str = "auto",
) -> "pd.DataFrame":
    """Score images made anywhere, as `bench score` does.

    Args:
        images: A path (folder, .npz, .npy, .zip, .tar, parquet), or images in memory, see `bench.api.images.image_set`.
        real: A data set ("cifar10"), or images as above, which are used whole and have no held-out split.
        metrics: Ids as in "fid@digits-cnn:held-out". None: the defaults that can be measured on what there is.
        value_range: Black and white of floating-point images, e.g. (-1, 1); of both sides.
        resolution: The central square of every image is resized to so many pixels, on both sides; of files only.
        device: Where features are computed: cpu, cuda, cuda:1, mps, or auto.

    Returns:
        One row per metric (the index): value, error, baseline, samples_real, samples_fake, flags. What was understood of the
        files is in ``.attrs["notes"]``. Raises UserError for anything that the caller can fix; nothing is scored then.
    """
    notes: list[str] = []
    truth, made = _side(real, "real", value_range), _side(images, "images", value_range)
    target = device_of(device)
    return _table(scoring.score(truth, made, metrics, resolution=resolution, device=target, say=notes.append), notes)


def _side(source: Source, name: str, value_range: Range | None) -> scoring.Source:
    return source if isinstance(source, str | Path) else image_set(source, name, value_range)


def _table(found: Sequence[measuring.Measurement], notes: list[str]) -> "pd.DataFrame":
    import pandas as pd

    frame = pd.DataFrame([asdict(item) for item in found]).set_index("metric").drop(columns="version")
    frame.attrs["notes"] = notes
    return frame


def measure(
    metric: str,
    fake: Images,
    real: Images | None = None,
    *,
    value_range: Range | None = None,
    device: str = "auto",
) -> float:
    """One metric of arrays.

    Args:
        metric: With its network for images, "fid@digits-cnn"; without for features, "fid".
        fake: Images (N, C, H, W) or (N, H, W, C), see `bench.api.images.image_set`; or features (N, D) of any network.
        real: The same of the real side; None for metrics that look at the fakes alone.
        value_range: Black and white of floating-point images, e.g. (0, 1).
        device: Where features are computed.

    Raises:
        UserError: An unknown metric, too few rows, or what the metric needs and was not given.
    """
    if _flat(fake):
        return _of_features(metric, fake, real)
    made, truth = (
        Sample.of(found.images, found.labels, name=found.name)
        for found in (
            image_set(side, name, value_range)
            for side, name in ((fake, "fake"), (fake if real is None else real, "real"))
        )
    )
    _require_real(metric, real)
    (found,) = measuring.measure([metric], truth, None, made, partial(networks.load, device=str(device_of(device))))
    return found.value


def fid(fake: Any, real: Any, *, extractor: str = DEFAULT, **options: Any) -> float:
    """Fréchet inception distance, >= 0, lower is better (Heusel et al. 2017). Arguments as of `measure`; options too."""
    return _named("fid", fake, real, extractor, options)


def kid(fake: Any, real: Any, *, extractor: str = DEFAULT, **options: Any) -> float:
    """Kernel inception distance: unbiased MMD^2 with the cubic kernel over all samples (Binkowski et al. 2018); lower is better."""
    return _named("kid-full", fake, real, extractor, options)


def precision(fake: Any, real: Any, *, extractor: str = DEFAULT, **options: Any) -> float:
    """The share of fakes inside the real images' manifold, in [0, 1] (Kynkaanniemi et al. 2019)."""
    return _named("precision", fake, real, extractor, options)


def recall(fake: Any, real: Any, *, extractor: str = DEFAULT, **options: Any) -> float:
    """The share of real images inside the fakes' manifold, in [0, 1] (Kynkaanniemi et al. 2019)."""
    return _named("recall", fake, real, extractor, options)


def density(fake: Any, real: Any, *, extractor: str = DEFAULT, **options: Any) -> float:
    """How many real neighbourhoods hold a fake, on average, >= 0 (Naeem et al. 2020)."""
    return _named("density", fake, real, extractor, options)


def coverage(fake: Any, real: Any, *, extractor: str = DEFAULT, **options: Any) -> float:
    """The share of real neighbourhoods that hold a fake, in [0, 1] (Naeem et al. 2020)."""
    return _named("coverage", fake, real, extractor, options)


def inception_score(fake: Any, *, extractor: str = DEFAULT, **options: Any) -> float:
    """exp of the mean KL divergence of class probabilities, >= 1, higher is better (Salimans et al. 2016). Images only."""
    return _named("inception-score", fake, None, extractor, options)


def _flat(given: object) -> bool:
    """Whether these are features, (N, D), not images."""
    return getattr(given, "ndim", 0) == 2


def _named(metric: str, fake: Any, real: Any, extractor: str, options: dict[str, Any]) -> float:
    name = metric if _flat(fake) else str(MetricId(metric, extractor, False))
    return measure(name, fake, real, **options)


def _of_features(text: str, fake: Any, real: Any) -> float:
    """A metric of features that the caller has computed."""
    name = MetricId.parse(text)
    if name.extractor is not None:
        raise UserError(f"metric {text!r}: features were given, (N, D). Leave out '@{name.extractor}', or give images.")
    metric = find(name.name)
    _require_real(text, real)
    sides = {side: _features(given, side) for side, given in (("fake", fake), ("real", real)) if given is not None}
    inputs: dict[str, Any] = {}
    for need in metric.facts.needs:
        side, _, form = need.partition("_")
        if side not in sides or form not in ("", "statistics") or metric.facts.classifier:
            raise UserError(
                f"metric {text!r} needs more than features ({need}). Give images and a network, '{text}@NETWORK'."
            )
        inputs[need] = statistics(sides[side]) if form else sides[side]
    found = metric.function(**inputs)
    return found.value if isinstance(found, Estimate) else float(found)


def _features(given: Any, side: str) -> Features:
    found = torch.as_tensor(given).detach().cpu()
    if found.ndim != 2 or len(found) < 2 or not found.is_floating_point() or not found.isfinite().all():
        raise UserError(
            f"{side}: {found.dtype} of shape {tuple(found.shape)}. Features were expected: (N, D), two rows at least, finite "
            f"floating-point numbers."
        )
    return Features(found)


def _require_real(metric: str, real: object) -> None:
    facts = find(MetricId.parse(metric).name).facts
    if real is None and any(need.startswith(("real", "train", "held_out")) for need in facts.needs):
        raise UserError(f"metric {metric!r} compares with real images. Give them too: measure({metric!r}, fake, real).")
