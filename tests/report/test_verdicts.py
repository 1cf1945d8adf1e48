"""The sentence at the top, and the bars in the cells."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from bench.boards import board
from bench.boards.columns import columns
from bench.boards.headline import cost, verdict
from bench.records.record import Record
from bench.report.leaderboard import groups

Make = Callable[..., Record]
FID = "fid@digits-cnn"


def board_of(make: Make, scores: Mapping[str, Sequence[float]]) -> board.Board:
    return board.build(
        [make(member, seed, {FID: value}) for member, values in scores.items() for seed, value in enumerate(values)]
    )


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"a": [10, 10.1, 9.9], "b": [20, 20.2, 19.8]},
         "a leads, FID 10.0 (9.75 to 10.3): 50 % lower than b’s, a difference beyond the noise."),
        ({"a": [10, 12, 8], "b": [10.5, 12.5, 8.5], "c": [90, 91, 92]},
         "a has the best mean, FID 10.0 (5.96 to 16.3); no difference to b is proven."),
        ({"a": [10, 12, 8], "b": [10.5, 12.5, 8.5]},
         "No winner: no difference between the two members is proven with 3 seeds. a has the best mean, FID 10.0 (5.96 to 16.3)."),
        ({"a": [10], "b": [20]}, "a scores best, FID 10.0, on a single seed: the order of the rows may be luck."),
        ({"a": [10, 11]}, "a, FID 10.5 (5.72 to 19.2), is the only member that can be ranked; there is nothing to compare it with."),
    ],
)  # fmt: skip
def test_the_verdict_claims_what_can_be_claimed(
    make_record: Make, scores: Mapping[str, Sequence[float]], expected: str
) -> None:
    assert verdict(board_of(make_record, scores)) == expected


def test_the_verdict_of_nothing(make_record: Make) -> None:
    assert verdict(board.build([make_record("a", 0, status="failed")])).startswith("Nothing can be ranked yet")


def test_many_leaders_are_counted(make_record: Make) -> None:
    rows = {name: [10.0, 12.0, 8.0] for name in "abcdef"} | {"z": [900.0, 910.0, 920.0]}
    assert verdict(board_of(make_record, rows)) == (
        "a has the best mean, FID 10.0 (5.96 to 16.3); no difference to b, c, d and 2 more is proven."
    )


def test_bars_stay_inside_and_say_when_the_interval_does_not(make_record: Make) -> None:
    found = board_of(make_record, {"a": [10, 10.1, 9.9], "b": [20, 20.1, 30]})
    ranked = groups(found, columns(found), {"a": 0, "b": 1})[0]
    cells = [next(cell for cell in line.cells if cell.column.key == "score_last") for line in ranked.lines]
    bars = [cell.bar for cell in cells]
    assert all(bar and 0 <= bar.mean <= 100 and all(0 <= seed <= 100 for seed in bar.seeds) for bar in bars)
    assert bars[0]
    assert bars[1]
    assert bars[0].mean < bars[1].mean
    assert bars[1].open_high
    assert bars[1].high == 100
    assert cells[0].text == "10.00"
    assert float(cells[0].sort) == pytest.approx(10.0)


def test_what_cannot_be_trusted_is_named_first(make_record: Make) -> None:
    flag = "memorised: 100% of fakes are nearer to a training image than 99% of held-out images are"
    records = [make_record("honest", seed, {FID: 20.0 + seed}) for seed in range(3)]
    records += [with_flag(make_record("thief", seed, {FID: 1.0 + seed}), flag) for seed in range(3)]
    found = board.build(records)
    assert verdict(found).startswith("Not ranked: thief, memorised in 3 of 3 runs (100% of fakes are nearer")
    assert [(row.kind, row.member) for row in found.rows] == [("ranked", "honest"), ("flagged", "thief")]


def with_flag(item: Record, flag: str) -> Record:
    scores = tuple(score.model_copy(update={"flags": (flag,)}) for score in item.scores)
    return item.model_copy(update={"scores": scores}).sealed()


def test_the_cost_is_the_leaders_time_over_the_median(make_record: Make) -> None:
    """Three members of 10, 20 and 40 s: the median is 20 s."""
    records = [
        make_record(member, seed, {FID: value}, parameters={"generator": 600, "critic": 400}).model_copy(
            update={"seconds": {"train": seconds}}
        )
        for member, value, seconds in (("a", 10.0, 40.0), ("b", 20.0, 10.0), ("c", 30.0, 20.0))
        for seed in range(3)
    ]
    assert (
        cost(board.build(records))
        == "A run of a trains for 40 s, 2.0 times the median member, and has 1,000 parameters."
    )
    assert cost(board.build([make_record("a", 0, status="failed")])) == ""
