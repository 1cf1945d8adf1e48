"""The metrics that come with the suite. One row each; a third party adds rows by the entry point ``bench.metrics``."""

from math import inf

from bench.metrics import fid, inception_score, kid
from bench.metrics import precision_recall as pr
from bench.metrics.contract import Metric

BOTH = ("real", "fake")

ROWS = [
    Metric(
        "fid", 1, "lower", "squared distance", 0, inf, ("real_statistics", "fake_statistics"), 2,
        "Fréchet distance of Gaussians fitted to features; covariance 1/(N-1), float64 (Heusel et al. 2017)",
        lambda real_statistics, fake_statistics: fid.frechet_distance(real_statistics, fake_statistics),
    ),
    Metric(
        "kid", 1, "lower", "squared MMD", -inf, inf, BOTH, 2,
        "Kernel distance, cubic kernel, unbiased, 100 subsets of 1000; error: sd of subsets (Bińkowski et al. 2018)",
        kid.kid,
    ),
    Metric(
        "kid-full", 1, "lower", "squared MMD", -inf, inf, BOTH, 2,
        "Kernel distance over all pairs (U-statistic), cubic kernel: no subset noise (Bińkowski et al. 2018)",
        kid.kid_full,
    ),
    Metric(
        "inception-score", 1, "higher", "", 1, inf, ("fake",), inception_score.SPLITS,
        "exp of the mean KL of class distributions to their marginal, 10 splits; error: sd (Salimans et al. 2016)",
        inception_score.inception_score,
    ),
    Metric(
        "precision", 1, "higher", "share", 0, 1, BOTH, pr.REACH + 1,
        "Share of fakes inside a real 3rd-neighbour ball, border included (Kynkäänniemi et al. 2019)",
        pr.precision,
    ),
    Metric(
        "recall", 1, "higher", "share", 0, 1, BOTH, pr.REACH + 1,
        "Share of real samples inside a fake 3rd-neighbour ball, border included (Kynkäänniemi et al. 2019)",
        pr.recall,
    ),
    Metric(
        "density", 1, "higher", "", 0, inf, BOTH, pr.REACH + 1,
        "Real 5th-neighbour balls around a fake over 5, border excluded; 1 when equal (Naeem et al. 2020)",
        pr.density,
    ),
    Metric(
        "coverage", 1, "higher", "share", 0, 1, BOTH, pr.REACH + 1,
        "Share of real 5th-neighbour balls that hold a fake, border excluded (Naeem et al. 2020)",
        pr.coverage,
    ),
]  # fmt: skip
