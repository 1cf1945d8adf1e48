"""Statistics against scipy.stats, closed forms and simulation."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from numpy.random import default_rng

from bench import metric_facts
from bench.boards import statistics as st
from bench.boards.scales import scale_of

stats: Any = scipy.stats  # its results have no useful types

A = [10.1, 9.4, 11.3, 10.0, 9.7]
B = [11.9, 12.4, 10.8, 13.0, 11.1, 12.2]


def test_t_interval_agrees_with_scipy():
    expected = stats.t.interval(0.95, len(A) - 1, loc=np.mean(A), scale=stats.sem(A))
    assert st.t_interval(A) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_welch_agrees_with_scipy(confidence):
    found, expected = st.welch(A, B), stats.ttest_ind(B, A, equal_var=False)
    assert found.p_differs() == pytest.approx(expected.pvalue, rel=1e-10)
    assert found.df == pytest.approx(expected.df, rel=1e-12)
    assert found.interval(confidence) == pytest.approx(tuple(expected.confidence_interval(confidence)), rel=1e-10)
    one_sided = stats.ttest_ind(B, A, equal_var=False, alternative="greater")
    assert found.p_above() == pytest.approx(one_sided.pvalue, rel=1e-10)


def test_paired_agrees_with_scipy():
    after = [value * 1.1 + 0.1 * (-1) ** i for i, value in enumerate(A)]
    found, expected = st.paired(A, after), stats.ttest_rel(after, A)
    assert found.p_differs() == pytest.approx(expected.pvalue, rel=1e-10)
    assert found.interval() == pytest.approx(tuple(expected.confidence_interval(0.95)), rel=1e-10)
    assert st.correlation(A, after) == pytest.approx(stats.pearsonr(A, after).statistic, rel=1e-12)


def test_matrix_of_welch_is_the_single_test_for_every_pair():
    samples = [A, B, [3.0, 3.0], [3.0, 3.0, 3.0], [4.0, 4.0], [1.0]]
    found = st.welch_p_matrix(samples)
    assert found[0, 1] == pytest.approx(st.welch(A, B).p_differs(), rel=1e-12)
    assert found[2, 3] == 1.0  # equal, without noise
    assert found[2, 4] == 0.0  # different, without noise
    assert (found[5] == 1.0).all()  # one seed proves nothing
    assert (found == found.T).all()


@pytest.mark.parametrize("alternative_first", [False, True])
def test_mann_whitney_agrees_with_scipy(alternative_first):
    a, b = (B, A) if alternative_first else (A, B)
    expected = stats.mannwhitneyu(b, a, alternative="less", method="exact")
    assert st.mann_whitney_p(a, b) == pytest.approx(expected.pvalue, rel=1e-12)
    assert st.probability_of_improvement(a, b) == pytest.approx(1 - expected.statistic / (len(a) * len(b)), rel=1e-12)


def test_mann_whitney_with_ties_is_the_permutation_distribution():
    a, b = [1.0, 2.0, 2.0, math.inf], [1.0, 1.0, 2.0, math.inf]
    method = stats.PermutationMethod(n_resamples=np.inf)  # every permutation: 70 of them
    ranks = [1e9 if math.isinf(value) else value for value in a], [1e9 if math.isinf(value) else value for value in b]
    expected = stats.mannwhitneyu(ranks[1], ranks[0], alternative="less", method=method)
    assert st.mann_whitney_p(a, b) == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize(("n", "smallest"), [(3, 0.05), (4, 1 / 70), (5, 1 / 252)])
def test_three_seeds_cannot_support_a_rank_test(n, smallest):
    assert st.mann_whitney_p([10.0 + i for i in range(n)], [1.0 + i for i in range(n)]) == pytest.approx(smallest)


def test_holm_by_hand():
    assert st.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert st.holm([]) == []
    assert st.holm([0.9, 0.8]) == [1.0, 1.0]


def test_detectable_effect_has_the_power_it_claims():
    sd, n = 0.05, 5
    effect = st.minimum_detectable(sd, n, n)
    df, shift = 2 * n - 2, effect / (sd * math.sqrt(2 / n))
    assert stats.nct.sf(stats.t.ppf(0.975, df), df, shift) == pytest.approx(0.8, abs=1e-6)
    rng = default_rng(0)
    a, b = rng.normal(0, sd, (4000, n)), rng.normal(effect, sd, (4000, n))
    assert (stats.ttest_ind(b, a, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.02)


def test_seeds_needed_is_the_smallest_that_suffices():
    needed = st.seeds_needed(0.05, 0.05)
    assert needed is not None
    assert st.minimum_detectable(0.05, needed, needed) <= 0.05 < st.minimum_detectable(0.05, needed - 1, needed - 1)
    assert st.seeds_needed(1e-6, 1.0) is None
    assert st.seeds_needed(0.0, 1.0) is None
    assert st.minimum_detectable(0.05, 1, 1) == math.inf


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize("cv", [0.03, 0.3])
def test_intervals_cover_what_they_claim_on_log_normal_fids(n, cv):
    rng = default_rng(n)
    fids = 20 * rng.lognormal(0, cv, (4000, n))
    scale = scale_of("fid@digits-cnn")
    summaries = [st.summary(row, scale) for row in fids.tolist()]
    covered = [found.low <= 20 <= found.high for found in summaries if found.low is not None and found.high is not None]
    assert len(covered) == 4000
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize("n", [3, 5, 10])
def test_intervals_cover_what_they_claim_on_proportions(n):
    rng = default_rng(n)
    proportions = 1 / (1 + np.exp(-rng.normal(1.5, 0.2, (4000, n))))
    scale, truth = scale_of("recall@digits-cnn"), 1 / (1 + math.exp(-1.5))
    summaries = [st.summary(row, scale) for row in proportions.tolist()]
    covered = [
        found.low <= truth <= found.high for found in summaries if found.low is not None and found.high is not None
    ]
    assert 0.93 <= np.mean(covered) <= 0.97


@pytest.mark.parametrize(
    ("metric", "kind"),
    [
        ("fid@inception-v3:held-out", "log"),
        ("precision@digits-cnn", "logit"),
        ("kid@digits-cnn", "identity"),
        ("own", "identity"),
    ],
)
def test_scale_follows_the_metric_and_inverts(metric, kind):
    scale = scale_of(metric)
    assert scale.kind == kind
    assert scale.inverse(scale.forward(0.25)) == pytest.approx(0.25, rel=1e-12)


def test_values_at_a_bound_stay_finite():
    for metric, value in [("fid@x", 0.0), ("recall@x", 0.0), ("recall@x", 1.0)]:
        found = st.summary([value, value, 0.5], scale_of(metric, 100))
        assert found.low is not None
        assert math.isfinite(found.low)
    assert scale_of("recall@x", 100).inverse(scale_of("recall@x", 100).forward(0.0)) == pytest.approx(0.005)


def test_summary_of_one_seed_claims_nothing():
    found = st.summary([12.5], scale_of("fid@x"))
    assert (found.n, found.mean, found.sd, found.low, found.high) == (1, 12.5, None, None, None)


def test_components_by_hand():
    # Two runs, two samples each: within variance (0.5 + 0.5) / 2 = 0.5; means 1.5 and 5.5, variance 8; 8 - 0.5 / 2.
    found = st.variance_components([[1.0, 2.0], [5.0, 6.0]])
    assert found.sample_sd == pytest.approx(math.sqrt(0.5))
    assert found.training_sd == pytest.approx(math.sqrt(7.75))
    assert st.variance_components([[1.0], [2.0]]) == st.Components(None, None)
    assert st.variance_components([[1.0, 2.0]]).training_sd is None


def test_components_recover_the_truth():
    rng = default_rng(1)
    runs = rng.normal(0, 3.0, (2000, 1)) + rng.normal(0, 1.0, (2000, 4))
    found = st.variance_components(runs.tolist())
    assert found.training_sd == pytest.approx(3.0, rel=0.05)
    assert found.sample_sd == pytest.approx(1.0, rel=0.05)


def test_pooled_sd_is_that_of_the_t_test():
    pooled = math.sqrt((4 * np.var(A, ddof=1) + 5 * np.var(B, ddof=1)) / 9)
    assert st.pooled_sd(A, B) == pytest.approx(pooled, rel=1e-12)
    assert st.pooled_sd([1.0], A) == pytest.approx(np.std(A, ddof=1), rel=1e-12)
    assert st.pooled_sd([1.0], [2.0]) is None


def test_every_metric_of_ours_is_on_a_scale_that_its_range_allows():
    for name, facts in metric_facts.BUILT_IN.items():
        kind = scale_of(name).kind
        assert (kind == "logit") == (facts.unit == "share"), name
        assert kind != "log" or (facts.low is not None and facts.low >= 0), name
    assert {
        name
        for name, facts in metric_facts.BUILT_IN.items()
        if facts.low == 0 and facts.high != 1 and scale_of(name).kind == "identity"
    } == {
        "density",
        "modes",
        "stacked-modes",
        "auth-pct",
        "psnr",
    }


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.0, 0.0, 0.0], (0.0, 0.0005)), ([1.0, 1.0], (0.9995, 1.0)), ([0.0, 0.0004], (0.0, 0.0005))],
)
def test_an_interval_at_a_bound_holds_the_bound(values: list[float], expected: tuple[float, float]) -> None:
    """Half an image of 1,000 cannot be told from none: the end is the bound, and the mean lies inside."""
    found = st.summary(values, scale_of("precision@x", samples=1000))
    assert found.low is not None
    assert found.high is not None
    assert (found.low, found.high) == pytest.approx(expected)
    assert found.low <= found.mean <= found.high
