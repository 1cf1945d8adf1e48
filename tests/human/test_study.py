"""The plan of a study, its answers and what they say, against hand-worked cases, closed forms and another implementation."""

import json
from collections import Counter
from collections.abc import Callable
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from bench.errors import UserError
from bench.human import answers as reading
from bench.human import outcome as judging
from bench.human.bradley_terry import PRIOR, strengths
from bench.human.page import make
from bench.human.study import REAL, Study, read
from bench.human.trials import planned

COUNTS = {"a": 200, "b": 200, "c": 200, REAL: 500}


def test_every_pair_meets_equally_often_and_each_side_is_as_often_left():
    trials = planned("pair", COUNTS, 60, 0.1, seed=3)
    asked = [trial for trial in trials if not trial.catch]
    assert Counter(frozenset(trial.shown) for trial in asked) == {frozenset(pair): 20 for pair in ("ab", "ac", "bc")}
    for pair in ("ab", "ac", "bc"):
        assert sum(trial.shown == tuple(pair) for trial in asked) == 10
    assert sum(trial.catch for trial in trials) == 6
    assert [frozenset(trial.shown) for trial in asked[:20]] != [frozenset("ab")] * 20  # in no order


def test_half_of_the_pictures_are_real_and_members_share_the_others():
    trials = planned("real", COUNTS, 60, 0.1, seed=3)
    shown = Counter(trial.shown[0] for trial in trials)
    assert shown == {"a": 10, "b": 10, "c": 10, REAL: 30, "noise": 6}
    assert {trial.right_answer for trial in trials if trial.shown == (REAL,)} == {"real"}
    assert {trial.right_answer for trial in trials if trial.shown != (REAL,)} == {"generated"}


@pytest.mark.parametrize("mode", ["pair", "real"])
def test_no_picture_is_shown_twice_and_the_seed_decides(mode):
    trials = planned(mode, COUNTS, 60, 0.1, seed=3)
    pictures = [(name, index) for trial in trials for name, index in zip(trial.shown, trial.images, strict=True)]
    assert len(set(pictures)) == len(pictures)
    assert planned(mode, COUNTS, 60, 0.1, seed=3) == trials != planned(mode, COUNTS, 60, 0.1, seed=4)


@pytest.mark.parametrize(
    ("mode", "counts", "said"),
    [
        ("pair", {"a": 9, "b": 100, REAL: 9}, "a: the study shows 10 pictures of it, and there are 9"),
        ("pair", {"a": 100, REAL: 9}, "needs two members"),
        ("real", {"a": 100, REAL: 4}, "real: the study shows 5 pictures of it, and there are 4"),
    ],
)
def test_too_few_pictures_or_members_are_refused(mode, counts, said):
    with pytest.raises(UserError, match=said):
        planned(mode, counts, 10, 0.1, seed=0)


def pictures(count: int = 40, size: int = 8, **names: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {n: random.integers(0, 256, (count, 1, size, size), np.uint8) for n in names or ("sngan", "dcgan", REAL)}


def study_of(mode: Any = "pair", trials: int = 20, **options: Any) -> Study:
    return make(mode, pictures(), trials=trials, **options)[0]


def test_the_page_tells_nobody_whose_a_picture_is():
    for mode in ("pair", "real"):
        study, html = make(mode, pictures(), trials=20)
        data = html[html.index('id="study"') :]
        for name in ("sngan", "dcgan", "noise", "right_answer", "catch"):
            assert name not in data
        assert study.page in html


def test_the_same_study_is_the_same_page_and_another_seed_is_another():
    first, second, other = (make("pair", pictures(), trials=20, seed=seed) for seed in (1, 1, 2))
    assert first == second
    assert first[0].page != other[0].page


def test_pictures_of_two_sizes_are_refused():
    mixed = pictures() | {"big": np.zeros((40, 1, 16, 16), np.uint8)}
    with pytest.raises(UserError, match="big: pictures are 16 x 16 grey, those of sngan 8 x 8 grey"):
        make("pair", mixed, trials=10)


@pytest.mark.parametrize(("mode", "names"), [("real", ("sngan",)), ("pair", (REAL,))])
def test_what_a_study_needs_is_said(mode, names):
    with pytest.raises(UserError, match="Give"):
        make(mode, {name: pictures()["sngan"] for name in names}, trials=10)


def test_a_key_is_read_as_it_was_written_and_nothing_else_is(tmp_path):
    study = study_of()
    study.write(tmp_path / "key.json")
    assert read(tmp_path / "key.json") == study
    for text in ("", "[]", '{"mode": "pair"}', "\x00", '{"format": 2}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(UserError, match="is no key of a study"):
            read(tmp_path / "bad.json")
    with pytest.raises(UserError, match="Give the key"):
        read(tmp_path / "missing.json")


def handed_in(folder: Path, study: Study, rater: str, choose: Callable[[Any, int], str], /, **changes: Any) -> Path:
    """The answers of a rater who sees through catch trials."""
    answers = [
        {"trial": i, "choice": trial.right_answer if trial.catch else choose(trial, i), "milliseconds": 900}
        for i, trial in enumerate(study.trials)
    ]
    path = folder / f"{rater}.json"
    path.write_text(json.dumps({"format": 1, "page": study.page, "rater": rater, "answers": answers} | changes))
    return path


def left(trial: Any, index: int) -> str:
    return "left"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"page": "0" * 64}, "answers of another page"),
        ({"format": 2}, "no answers: format"),
        ({"rater": ""}, "no answers: rater"),
        ({"answers": []}, "no answers: answers"),
        ({"answers": [{"trial": 0, "choice": "left", "milliseconds": 1}]}, "1 different trials are answered"),
        ({"answers": [{"trial": 0, "choice": "up", "milliseconds": 1}]}, "no answers: answers.0.choice"),
        ({"answers": [{"trial": -1, "choice": "left", "milliseconds": 1}]}, "no answers: answers.0.trial"),
        ({"answers": [{"trial": 0, "choice": "left", "milliseconds": -1}]}, "no answers: answers.0.milliseconds"),
        ({"more": 1}, "no answers: more"),
    ],
)
def test_answers_that_do_not_belong_to_the_study_are_refused(tmp_path, changes, said):
    study = study_of()
    with pytest.raises(UserError, match=said):
        reading.collect(study, [handed_in(tmp_path, study, "r", left, **changes)])


def test_answers_of_the_other_kind_of_question_are_refused(tmp_path):
    study = study_of()
    with pytest.raises(UserError, match="the answer 'real' does not belong to this study"):
        reading.collect(study, [handed_in(tmp_path, study, "r", lambda trial, index: "real")])


def test_a_file_that_is_no_json_or_missing_is_named(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(UserError, match=r"x\.json: no answers: it is not JSON"):
        reading.collect(study_of(), [tmp_path / "x.json"])
    with pytest.raises(UserError, match=r"y\.json: No such file"):
        reading.collect(study_of(), [tmp_path / "y.json"])


def test_a_rater_counts_once(tmp_path):
    study = study_of()
    first = handed_in(tmp_path, study, "ada", left)
    again = tmp_path / "copy.json"
    again.write_bytes(first.read_bytes())
    with pytest.raises(UserError, match=r"copy\.json: answers of 'ada', who has handed in .*ada\.json too"):
        reading.collect(study, [first, again])


def test_who_does_not_look_does_not_count(tmp_path):
    study = study_of(catch=0.5)
    careless = json.loads(handed_in(tmp_path, study, "careless", left).read_text())
    for answer in careless["answers"]:
        answer["choice"] = "left"
    (tmp_path / "careless.json").write_text(json.dumps(careless))
    found = reading.collect(study, [tmp_path / "careless.json", handed_in(tmp_path, study, "careful", left)])
    assert [answers.rater for answers in found.counted] == ["careful"]
    assert found.left_out == ("careless: 5 of 10 catch trials right",)
    with pytest.raises(UserError, match="nobody's answers count: careless: 5 of 10"):
        reading.collect(study, [tmp_path / "careless.json"])


def test_two_members_have_the_log_of_their_wins_as_difference():
    a, b = strengths(np.array([[0.0, 30.0], [10.0, 0.0]]))
    assert a - b == pytest.approx(log((30 + PRIOR) / (10 + PRIOR)))
    assert a + b == pytest.approx(0)


def test_strengths_are_those_of_a_logistic_regression():
    wins = np.array([[0, 14, 18, 9], [6, 0, 12, 11], [2, 8, 0, 7], [11, 9, 13, 0]], float)
    rows, weights = [], []
    for i in range(4):
        for j in range(4):
            if i != j:
                rows.append(np.eye(4)[i] - np.eye(4)[j])
                weights.append(wins[i, j] + PRIOR)
    both = np.array([*rows, *(-np.array(rows))])
    fit = LogisticRegression(C=1e8, fit_intercept=False, tol=1e-10, max_iter=10_000)
    fit.fit(both, [1] * 12 + [0] * 12, sample_weight=weights * 2)
    expected = fit.coef_[0] - fit.coef_[0].mean()
    np.testing.assert_allclose(strengths(wins), expected, atol=1e-4)


def test_many_studies_at_once_are_the_same_as_one_by_one():
    wins = np.random.default_rng(0).integers(0, 20, (5, 3, 3)).astype(float)
    np.testing.assert_allclose(strengths(wins), [strengths(one) for one in wins], atol=1e-8)


def test_a_planted_preference_is_found_again(tmp_path):
    """People prefer b to a with probability 0.8 and a to c with 0.7."""
    truth = {"a": 0.0, "b": log(0.8 / 0.2), "c": -log(0.7 / 0.3)}
    study = make("pair", pictures(a=1, b=1, c=1, real=1, count=200), trials=90)[0]
    random = np.random.default_rng(1)

    def choose(trial: Any, index: int) -> str:
        one, other = (truth[name] for name in trial.shown)
        return "left" if random.random() < 1 / (1 + exp(other - one)) else "right"

    paths = [handed_in(tmp_path, study, f"r{number}", choose) for number in range(20)]
    found = judging.outcome(study, reading.collect(study, paths))
    assert [row.name for row in found.rows] == ["b", "a", "c"]
    mean = sum(truth.values()) / 3
    for row in found.rows:
        assert row.interval[0] < truth[row.name] - mean < row.interval[1]
        assert row.interval[1] - row.interval[0] < 0.6
        assert row.ranks == ({"b": 1, "a": 2, "c": 3}[row.name],) * 2
        assert row.judgements == 20 * 60


def test_where_nobody_can_tell_ranks_are_shared(tmp_path):
    study = study_of(trials=20)
    paths = [handed_in(tmp_path, study, f"r{n}", lambda trial, index: "tie") for n in range(3)]
    found = judging.outcome(study, reading.collect(study, paths))
    assert [row.value for row in found.rows] == pytest.approx([0, 0])
    assert [row.share for row in found.rows] == [0.5, 0.5]
    assert "3 raters" in next(judging.summary(found))


def test_error_rates_by_hand(tmp_path):
    """Of ten pictures of sngan 5 are taken for real, of dcgan 1; of twenty real ones 4 for generated."""
    study = make("real", pictures(), trials=40)[0]
    taken = {"sngan": 5, "dcgan": 1, REAL: 16}
    seen: Counter[str] = Counter()

    def choose(trial: Any, index: int) -> str:
        (name,) = trial.shown
        seen[name] += 1
        return "real" if seen[name] <= taken[name] else "generated"

    found = judging.outcome(study, reading.collect(study, [handed_in(tmp_path, study, "r", choose)]))
    first, second = found.rows
    assert (first.name, first.value, first.share, first.judgements) == ("sngan", pytest.approx(0.35), 0.5, 10)
    assert (second.name, second.value, second.share, second.judgements) == ("dcgan", pytest.approx(0.15), 0.1, 10)
    assert first.interval[0] < 0.35 < first.interval[1]
    assert any("this person alone" in line for line in judging.summary(found))


def test_raters_that_differ_widen_the_interval(tmp_path):
    """Ten raters of one mind each way say less than ten that toss coins, although the counts are the same."""
    study = study_of(trials=20)

    def width(choose: Callable[[int], Callable[[Any, int], str]], name: str) -> float:
        paths = [handed_in(tmp_path, study, f"{name}{rater}", choose(rater)) for rater in range(10)]
        row = judging.outcome(study, reading.collect(study, paths)).rows[0]
        return row.interval[1] - row.interval[0]

    def prefers(rater: int) -> Callable[[Any, int], str]:
        liked = "sngan" if rater % 2 else "dcgan"
        return lambda trial, index: "left" if trial.shown[0] == liked else "right"

    def tosses(rater: int) -> Callable[[Any, int], str]:
        random = np.random.default_rng(rater)
        return lambda trial, index: "left" if random.random() < 0.5 else "right"

    assert width(prefers, "p") > 2 * width(tosses, "t")
