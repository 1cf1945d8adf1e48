"""Comparisons, from synthetic records."""

import json
import math
from typing import Any

import pytest
import scipy.stats

from bench.boards import board
from bench.boards.verdicts import compare, compare_text
from bench.errors import UserError

stats: Any = scipy.stats  # its results have no useful types

FID, PRECISION, KID = "fid@digits-cnn", "precision@digits-cnn", "kid@digits-cnn"


@pytest.fixture
def board_of(make_record):
    """``board_of(dcgan=[10, 11], sngan=[8, None])``: None diverges."""

    def build(**members):
        return board.build(
            make_record(name, seed, {FID: value} if value else None, status="ok" if value else "diverged")
            for name, values in members.items()
            for seed, value in enumerate(values)
        )

    return build


def only(comparison):
    return comparison.pairs[0].overall


def test_a_clear_win_in_words(board_of):
    baseline, variant = [10.0, 10.4, 9.8, 10.1, 9.9], [8.8, 9.1, 8.6, 8.9, 8.7]
    found = only(compare.compare(board_of(dcgan=baseline, mine=variant), "mine", ["dcgan"]))
    test = stats.ttest_ind([math.log(x) for x in variant], [math.log(x) for x in baseline], equal_var=False)
    low, high = test.confidence_interval(0.95)
    assert found.verdict == "better"
    assert found.p == pytest.approx(test.pvalue, rel=1e-9)
    assert (found.low, found.high) == pytest.approx((100 * (1 - math.exp(high)), 100 * (1 - math.exp(low))))
    assert found.words == "better by 12 % (9.2 to 15 %), 5 seeds"
    assert found.probability == 1.0
    assert found.rank_p == pytest.approx(1 / 252)


def test_a_loss_in_words(board_of):
    found = only(compare.compare(board_of(dcgan=[8.8, 9.1, 8.6], mine=[12, 12.1, 12.3]), "mine", ["dcgan"]))
    assert found.verdict == "worse"
    assert found.words.startswith("worse by 37 % (")
    assert found.gain == pytest.approx(-37.3, abs=0.1)
    assert found.probability == 0.0


def test_noise_says_how_many_seeds_it_would_take(board_of):
    noisy = board_of(dcgan=[10.0, 10.5, 9.5], mine=[9.9, 10.4, 9.6])
    found = only(compare.compare(noisy, "mine", ["dcgan"]))
    assert found.verdict == "cannot tell"
    assert found.words.startswith("cannot tell: would need ")
    assert "seeds to see 5 %" in found.words
    assert found.needed is not None
    assert found.needed > 3
    assert found.detectable is not None
    assert found.detectable > 5


def test_enough_seeds_and_no_difference(board_of):
    steady = [10.0, 10.01, 9.99, 10.0, 10.02]
    found = only(compare.compare(board_of(dcgan=steady, mine=steady[::-1]), "mine", ["dcgan"]))
    assert found.words.startswith("cannot tell: no difference seen, and 0.23 % would have been")


def test_one_seed_claims_nothing(board_of):
    found = only(compare.compare(board_of(dcgan=[10], mine=[5]), "mine", ["dcgan"]))
    assert found.verdict == "cannot tell"
    assert found.words == "cannot tell from 1 seed: measured better by 50 %; an interval needs two seeds each"


def test_a_variant_that_diverges_cannot_win(board_of):
    built = board_of(dcgan=[10.0, 10.1, 10.2, 9.9], mine=[5.0, 5.1, 5.2, None])
    found = only(compare.compare(built, "mine", ["dcgan"]))
    assert found.verdict == "cannot tell"
    assert found.words.endswith("where it finishes, but diverged in 1 of 4 runs, dcgan in 0 of 4")
    assert found.probability == pytest.approx(12 / 16)  # the diverged run loses against all four


def test_all_runs_diverged(board_of):
    found = only(compare.compare(board_of(dcgan=[10.0, 10.1], mine=[None, None]), "mine", ["dcgan"]))
    assert found.words == "cannot tell: no run of mine has this score"
    text = compare_text.render_text(compare.compare(board_of(dcgan=[10.0, 10.1], mine=[None, None]), "mine", ["dcgan"]))
    assert "finished runs: 0/2 against 2/2" in text


def test_pairs_gain_where_seeds_correlate(board_of):
    level = [10.0, 14.0, 8.0, 12.0]
    built = board_of(
        dcgan=level, mine=[value * gain for value, gain in zip(level, [0.95, 0.94, 0.95, 0.96], strict=True)]
    )
    apart, together = (only(compare.compare(built, "mine", ["dcgan"], paired=paired)) for paired in (False, True))
    assert apart.verdict == "cannot tell"
    assert together.verdict == "better"
    assert together.correlation == pytest.approx(0.999, abs=0.001)
    assert together.detectable is not None
    assert apart.detectable is not None
    assert together.detectable < apart.detectable
    with pytest.raises(UserError, match="seeds in common"):
        compare.compare(board_of(dcgan=[10.0], mine=[9.0]), "mine", ["dcgan"], paired=True)


def test_other_metrics_are_corrected_and_points_are_points(make_record):
    rows = [("dcgan", 10.0, 0.60), ("mine", 10.1, 0.66)]
    records = [
        make_record(name, seed, {FID: fid + seed / 10, PRECISION: share + seed / 100, KID: fid / 1000 + seed / 1e4})
        for name, fid, share in rows
        for seed in range(5)
    ]
    effects = {
        found.metric: found for found in compare.compare(board.build(records), "mine", ["dcgan"]).pairs[0].effects
    }
    assert list(effects) == [FID, PRECISION, KID]
    assert effects[PRECISION].unit == "points"
    assert effects[PRECISION].gain == pytest.approx(6.0, abs=0.1)
    raw = stats.ttest_ind(
        [math.log(x / (1 - x)) for x in (0.66, 0.67, 0.68, 0.69, 0.70)],
        [math.log(x / (1 - x)) for x in (0.60, 0.61, 0.62, 0.63, 0.64)],
        equal_var=False,
    ).pvalue
    assert effects[PRECISION].p == pytest.approx(2 * raw, rel=1e-9)  # Holm over the two that are not the ranking metric
    assert effects[KID].unit == ""
    assert effects[KID].gain == pytest.approx(-0.0001, rel=1e-6)


def test_unknown_members_get_a_hint(board_of):
    built = board_of(dcgan=[10.0], sngan=[9.0])
    with pytest.raises(UserError, match="Did you mean 'dcgan'"):
        compare.compare(built, "sngan", ["dcgam"])
    with pytest.raises(UserError, match="Give --against"):
        compare.compare(built, "sngan", ["sngan"])


def test_missing_cells_are_listed_and_divergence_is_a_result(make_record):
    records = [
        make_record("dcgan", 0),
        make_record("dcgan", 1, status="diverged"),
        make_record("mine", 0, status="failed"),
    ]
    assert compare.missing(records, ["dcgan", "mine"], [0, 1]) == [("mine", 0), ("mine", 1)]


def test_renderings_agree(board_of):
    found = compare.compare(board_of(dcgan=[10.0, 10.1], **{"a|b": [9.0, 9.1]}), "a|b", ["dcgan"])
    content = json.loads(compare_text.render_json(found))
    assert content["pairs"][0]["words"] == only(found).words
    assert content["pairs"][0]["effects"][0]["variant"] == [9.0, 9.1]
    assert "a&#124;b" in compare_text.render_markdown(found)
    assert only(found).words in compare_text.render_text(found)
    assert "detectable" in compare_text.render_text(found)


MEMORISED = "memorised: 100% of fakes are nearer to a training image than 99% of held-out images are"


def test_a_memoriser_does_not_win_and_is_named(make_record):
    honest = [make_record("dcgan", seed, {FID: 10.0 + seed / 10}) for seed in range(3)]
    thief = [make_record("thief", seed, {FID: 0.7 + seed / 100}) for seed in range(3)]
    flagged = [
        item.model_copy(
            update={"scores": tuple(s.model_copy(update={"flags": (MEMORISED,)}) for s in item.scores)}
        ).sealed()
        for item in thief
    ]
    found = compare.compare(board.build(honest + flagged), "thief", ["dcgan"])
    assert only(found).verdict == "cannot tell"
    assert only(found).words.startswith("cannot tell: thief is flagged: memorised in 3 of 3 runs")
    for text in (compare_text.render_text(found), compare_text.render_markdown(found), compare_text.render_json(found)):
        assert "memorised in 3 of 3 runs" in text
    loser = compare.compare(board.build(honest + flagged), "dcgan", ["thief"])
    assert only(loser).verdict == "cannot tell"


def test_equal_to_the_bit_is_identical(board_of):
    values = [0.1 + 0.2, 10.3, 9.7]
    found = compare.compare(board_of(dcgan=values, mine=values), "mine", ["dcgan"])
    assert (only(found).verdict, only(found).words) == ("identical", "identical in all 3 seeds")
    assert "detectable" not in compare_text.render_text(found)
    turned = compare.compare(board_of(dcgan=values, mine=values[::-1]), "mine", ["dcgan"])
    assert only(turned).verdict == "cannot tell", "the same values of other seeds are other runs"


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.7, 12.3])
def test_equal_values_leave_no_rounding_noise(make_record, value):
    metric = PRECISION if value < 1 else FID
    records = [make_record(name, seed, {metric: value}, ranking=metric) for name in ("a", "b") for seed in (0, 1, 2)]
    records += [make_record("b", 3, {metric: value}, ranking=metric)]
    effect = only(compare.compare(board.build(records), "b", ["a"]))
    assert (effect.gain, effect.detectable) == (0.0, 0.0)
    assert "e-" not in effect.words
