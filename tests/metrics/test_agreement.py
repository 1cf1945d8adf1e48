"""The same features through the libraries that others publish with: equal where they are right, documented where not."""

import numpy as np
import pytest
import torch

from bench.features.features import Features
from bench.features.sample import Sample
from bench.features.statistics import statistics_of
from bench.metrics.fid import fid
from bench.metrics.kid import squared_mmd
from bench.metrics.measure import measure

pytestmark = pytest.mark.slow

RANDOM = np.random.RandomState(0)
REAL = RANDOM.randn(500, 16)
FAKE = 1.2 * RANDOM.randn(500, 16) + 0.3


def ours(real: np.ndarray, fake: np.ndarray) -> float:
    return fid(*(Features(torch.from_numpy(x)) for x in (real, fake)))


def moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return features.mean(0), np.cov(features, rowvar=False)


def test_fid_of_the_published_golden_value():
    """Both of RandomState(0): a value that torch-fidelity, pytorch-fid, clean-fid and torchmetrics share."""
    assert ours(REAL, FAKE) == pytest.approx(2.5483909545977, rel=1e-9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fid_agrees_with_pytorch_fid():
    fid_score = pytest.importorskip("pytorch_fid.fid_score")
    theirs = fid_score.calculate_frechet_distance(*moments(REAL), *moments(FAKE))
    assert ours(REAL, FAKE) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fid_agrees_with_clean_fid():
    cleanfid = pytest.importorskip("cleanfid.fid")
    assert ours(REAL, FAKE) == pytest.approx(cleanfid.frechet_distance(*moments(REAL), *moments(FAKE)), rel=1e-9)


def test_fid_agrees_with_torchmetrics():
    module = pytest.importorskip("torchmetrics.image.fid")
    metric = module.FrechetInceptionDistance(feature=torch.nn.Flatten(), normalize=True, input_img_size=(1, 4, 4))
    metric.set_dtype(torch.float64)
    for features, real in ((REAL, True), (FAKE, False)):
        metric.update(torch.from_numpy(features).view(-1, 1, 4, 4), real=real)
    assert ours(REAL, FAKE) == pytest.approx(float(metric.compute()), rel=1e-9)


def test_kid_agrees_with_torchmetrics():
    module = pytest.importorskip("torchmetrics.image.kid")
    x, y = (torch.from_numpy(f) for f in (REAL, FAKE))
    assert squared_mmd(x, y) == pytest.approx(float(module.poly_mmd(x, y)), rel=1e-9)


def test_float32_statistics_of_torch_fidelity_are_off_where_the_features_lie_far_out():
    """Its mean stays in float32; ours is the float64 truth."""
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid")
    far = [torch.from_numpy(x + 1e4).float() for x in (REAL, FAKE)]
    truth = ours(*(x.double().numpy() for x in far))
    theirs = metric_fid.fid_statistics_to_metric(*map(metric_fid.fid_features_to_statistics, far), verbose=False)
    assert fid(*map(Features, far)) == pytest.approx(truth, rel=1e-12)
    assert abs(theirs["frechet_inception_distance"] / truth - 1) > 1e-3


@pytest.mark.parametrize(("n", "d"), [(4, 4), (2, 256), (64, 256), (300, 128)])
def test_no_shape_gives_nan(n, d):
    """torch-fidelity's regression: a small negative eigenvalue must not become NaN; nor do n <= d or equal sets."""
    generator = torch.Generator().manual_seed(2023)
    x, y = (torch.randn(n, d, generator=generator, dtype=torch.float64) for _ in range(2))
    for other in (x.clone(), y):
        assert np.isfinite(fid(Features(x), Features(other)))
    assert statistics_of(x).count == n


def test_the_whole_way_agrees_with_torch_fidelity(tmp_path, monkeypatch):
    """From images to FID, KID, IS, precision and recall in one call of each."""
    fidelity = pytest.importorskip("torch_fidelity")
    base = pytest.importorskip("torch_fidelity.feature_extractor_base")
    monkeypatch.setenv("BENCH_HOME", str(tmp_path))
    weights = torch.randn(48, 10, generator=torch.Generator().manual_seed(0)) / 50

    class Projection(base.FeatureExtractorBase):
        digest, preprocessing = "projection", "none"
        classes = 8

        def __init__(self, name, features_list, **_):
            super().__init__(name, features_list)

        def forward(self, images):
            return (images.flatten(1).float() @ weights,)

        get_provided_features_list = staticmethod(lambda: ("only",))
        get_default_feature_layer_for_metric = staticmethod(lambda metric: "only")
        can_be_compiled = staticmethod(lambda: False)
        get_dummy_input_for_compile = staticmethod(lambda: torch.zeros(1, 3, 4, 4, dtype=torch.uint8))

    class Ours(Projection):
        def forward(self, images):  # pyright: ignore[reportIncompatibleMethodOverride]  # one layer more
            features = super().forward(images)[0]
            return features, features

    class Images(torch.utils.data.Dataset):
        def __init__(self, images):
            self.images = images

        def __len__(self):
            return len(self.images)

        def __getitem__(self, index):
            return self.images[index]

    random = torch.Generator().manual_seed(1)
    real = torch.randint(0, 256, (400, 3, 4, 4), generator=random, dtype=torch.uint8)
    fake = (torch.randint(0, 230, (300, 3, 4, 4), generator=random)).to(torch.uint8)
    fidelity.register_feature_extractor("projection-of-tests", Projection)
    theirs = fidelity.calculate_metrics(
        input1=Images(fake), input2=Images(real), fid=True, isc=True, kid=True, prc=True, cuda=False, cache=False,
        save_cpu_ram=True, verbose=False, kid_subset_size=300, feature_extractor="projection-of-tests",
    )  # fmt: skip
    train, sample = Sample.of(real, name="train"), Sample.of(fake, name="fake")
    ids = ["fid@p", "kid@p", "inception-score@p", "precision@p", "recall@p"]
    found = measure(ids, train, train, sample, lambda name: Ours("projection-of-tests", ["only"]))
    keys = [
        "frechet_inception_distance",
        "kernel_inception_distance_mean",
        "inception_score_mean",
        "precision",
        "recall",
    ]
    assert [item.value for item in found] == pytest.approx([theirs[key] for key in keys], rel=1e-4)
