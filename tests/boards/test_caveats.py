"""Caveats are found where they are and nowhere else."""

import pytest

from bench.boards import board
from bench.boards.caveats import caveats

FID, RECALL, PRECISION = "fid@digits-cnn", "recall@digits-cnn", "precision@digits-cnn"


def found(make_record, rows, seeds=5, floor=None, **costs):
    records = []
    for place, (member, scores) in enumerate(rows.items()):
        for seed in range(seeds):
            noisy = {metric: value * (1 + seed / 1000) for metric, value in scores.items()}
            record = make_record(
                member, seed, noisy, parameters={"generator": costs.get("parameters", [1000] * 9)[place]}
            )
            records.append(record.model_copy(update={"seconds": {"train": costs.get("seconds", [10.0] * 9)[place]}}))
    if floor is not None:
        records.append(make_record("gaussian", 0, {FID: floor}, role="calibration"))
    return caveats(board.build(records))


def test_a_sound_board_has_none(make_record):
    assert found(make_record, {"a": {FID: 10.0}, "b": {FID: 20.0}}, floor=97.0) == ()
    assert caveats(board.build([make_record("a", 0, status="failed")])) == ()


def test_members_below_the_floor_are_named(make_record):
    said = found(make_record, {"a": {FID: 10.0}, "b": {FID: 120.0}}, floor=97.4)
    assert said == ("1 of 2 members scores worse than a Gaussian of the pixels (FID 97.4): b.",)


@pytest.mark.parametrize(
    ("seeds", "words"), [(1, "One training seed cannot rank"), (2, "Two training seeds can hardly rank")]
)
def test_few_seeds_are_said(make_record, seeds, words):
    assert found(make_record, {"a": {FID: 10.0}, "b": {FID: 20.0}}, seeds=seeds)[0].startswith(words)


def test_a_leader_without_recall_is_said(make_record):
    (said,) = found(make_record, {"a": {FID: 10.0, RECALL: 0.01}, "b": {FID: 20.0, RECALL: 0.5}})
    assert said.startswith("a leads with a recall of 0.01")
    assert found(make_record, {"a": {FID: 10.0, RECALL: 0.5}, "b": {FID: 20.0, RECALL: 0.01}}) == ()


def test_a_leader_with_much_less_recall_than_another_is_said(make_record):
    (said,) = found(make_record, {"a": {FID: 10.0, RECALL: 0.2}, "b": {FID: 20.0, RECALL: 0.5}})
    assert said == "a leads with a recall of 0.20, b has 0.50: the leader's samples lack much of the data's variety."
    assert found(make_record, {"a": {FID: 10.0, RECALL: 0.3}, "b": {FID: 20.0, RECALL: 0.5}}) == ()


def test_metrics_that_order_the_members_otherwise_are_said(make_record):
    rows = {name: {FID: 10.0 + place, PRECISION: 0.3 + place / 10} for place, name in enumerate("abcde")}
    (said,) = found(make_record, rows)  # precision grows where FID gets worse: exactly the other way round
    assert "Precision" in said
    assert "(-1.00)" in said
    agreed = {name: {FID: 10.0 + place, PRECISION: 0.9 - place / 10} for place, name in enumerate("abcde")}
    assert found(make_record, agreed) == ()


def test_costs_that_differ_are_said(make_record):
    (said,) = found(make_record, {"a": {FID: 10.0}, "b": {FID: 20.0}}, seconds=[40.0, 10.0])
    assert said == "Training times differ by a factor of 4.0: 10 s (b) to 40 s (a)."
    (said,) = found(make_record, {"a": {FID: 10.0}, "b": {FID: 20.0}}, parameters=[1_000, 3_001])
    assert said.startswith("Numbers of parameters differ by a factor of 3.0")
    assert found(make_record, {"a": {FID: 10.0}, "b": {FID: 20.0}}, parameters=[1_000, 3_000]) == ()
