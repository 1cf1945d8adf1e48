"""The metrics beside the libraries people use, on the same features in one run: `make benchmark`.

pytest --benchmark-only tests/benchmarks/test_metrics_speed.py

CPU seconds of this process are measured, not wall time, so that a busy machine does not decide. Threads are pinned to one
unless BENCH_THREADS says otherwise. Nothing is asserted about time; values are compared, so that nobody is fast by being
wrong. ``BENCH_SAMPLES`` and ``BENCH_WIDTH`` make the features smaller (10,000 x 2048 are the figures of docs/metrics.md).
"""

import os
import resource
import time
from typing import Any

import pytest
import torch

from bench.features.features import Features
from bench.features.statistics import statistics_of
from bench.metrics.fid import fid, frechet_distance
from bench.metrics.kid import kid
from bench.metrics.precision_recall import coverage, density, precision, recall

SAMPLES = int(os.environ.get("BENCH_SAMPLES", "10000"))
WIDTH = int(os.environ.get("BENCH_WIDTH", "2048"))


def group(name: str) -> pytest.MarkDecorator:
    """Rows of one table, in CPU seconds (a mark on the module would be hidden by one on the test)."""
    return pytest.mark.benchmark(group=name, timer=time.process_time)


ALL = group("all: FID + KID + precision + recall + density + coverage")
FID = group("FID from statistics")
KID = group("KID, 100 subsets of 1000")
NEIGHBOURS = group("precision, recall, density, coverage")


@pytest.fixture(scope="module", autouse=True)
def threads():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    before, count = torch.get_num_threads(), int(os.environ.get("BENCH_THREADS", "1"))
    torch.set_num_threads(count)
    with threadpoolctl.threadpool_limits(count):
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    """Features like those of Inception: non-negative, with a spectrum that falls as a power."""
    generator = torch.Generator().manual_seed(0)
    scale = torch.arange(1, WIDTH + 1) ** -0.5
    real, fake = ((torch.randn(SAMPLES, WIDTH, generator=generator) * scale * s).relu() for s in (1.0, 1.05))
    return real, fake


def report(benchmark, value: object) -> None:
    """Keep the values and the process's peak memory beside the time."""
    benchmark.extra_info["value"] = value
    benchmark.extra_info["peak_megabytes_of_process"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@ALL
def test_all_ours(benchmark, pair):
    def run():
        real, fake = (Features(features) for features in pair)  # new objects, so that nothing is remembered
        shares = [metric(real, fake) for metric in (precision, recall, density, coverage)]
        return fid(real, fake), kid(real, fake).value, *shares

    report(benchmark, benchmark.pedantic(run, rounds=1))


@ALL
def test_all_theirs(benchmark, pair, capsys):
    """torch-fidelity's FID, KID, precision and recall plus prdc's density and coverage."""
    from prdc import compute_prdc
    from torch_fidelity import metric_fid, metric_kid, metric_prc

    real, fake = pair

    def run():
        both = [metric_fid.fid_features_to_statistics(features) for features in (fake, real)]
        return (
            metric_fid.fid_statistics_to_metric(*both, verbose=False),
            metric_kid.kid_features_to_metric(fake, real, verbose=False)["kernel_inception_distance_mean"],
            metric_prc.prc_features_to_metric(fake, real, verbose=False),
            compute_prdc(real.numpy(), fake.numpy(), 5),
        )

    report(benchmark, str(benchmark.pedantic(run, rounds=1)))


@pytest.fixture(scope="module")
def gaussians(pair):
    return tuple(statistics_of(features) for features in pair)


@FID
def test_fid_ours(benchmark, gaussians):
    report(benchmark, benchmark.pedantic(frechet_distance, gaussians, rounds=3))


@FID
def test_fid_torch_fidelity(benchmark, gaussians):
    from torch_fidelity import metric_fid

    both = [dict(mu=s.mean.numpy(), sigma=s.covariance.numpy()) for s in gaussians]
    report(benchmark, benchmark.pedantic(metric_fid.fid_statistics_to_metric, (*both, False), rounds=1))


@FID
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fid_scipy_sqrtm(benchmark, gaussians):
    """As pytorch-fid and clean-fid do it."""
    from scipy.linalg import sqrtm

    first, second = gaussians

    def run():
        product: Any = sqrtm(first.covariance.numpy() @ second.covariance.numpy())
        root = product.real.trace()
        trace = first.covariance.trace() + second.covariance.trace()
        return float((first.mean - second.mean).square().sum() + trace - 2 * root)

    value = benchmark.pedantic(run, rounds=1)
    report(benchmark, value)
    assert frechet_distance(first, second) == pytest.approx(value, rel=1e-6)


@KID
def test_kid_ours(benchmark, pair):
    report(benchmark, benchmark.pedantic(lambda: kid(*map(Features, pair)).value, rounds=1))


@KID
def test_kid_torch_fidelity(benchmark, pair):
    from torch_fidelity import metric_kid

    real, fake = pair
    report(
        benchmark, benchmark.pedantic(lambda: metric_kid.kid_features_to_metric(fake, real, verbose=False), rounds=1)
    )


@NEIGHBOURS
def test_neighbours_ours(benchmark, pair):
    def run():
        real, fake = map(Features, pair)
        return [metric(real, fake) for metric in (precision, recall, density, coverage)]

    report(benchmark, benchmark.pedantic(run, rounds=1))


@NEIGHBOURS
def test_neighbours_prdc(benchmark, pair, capsys):
    from prdc import compute_prdc

    real, fake = (features.numpy() for features in pair)
    report(benchmark, str(benchmark.pedantic(compute_prdc, (real, fake, 5), rounds=1)))


@NEIGHBOURS
def test_neighbours_torch_fidelity(benchmark, pair):
    """Precision and recall only."""
    from torch_fidelity import metric_prc

    real, fake = pair
    run = lambda: metric_prc.prc_features_to_metric(fake, real, verbose=False)  # noqa: E731
    report(benchmark, str(benchmark.pedantic(run, rounds=1)))
