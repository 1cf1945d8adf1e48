"""The sentence at the top, and the bars in the cells."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from bench.boards import board
from bench.records.record import Record
from bench.report.leaderboard import groups, verdict

Make = Callable[..., Record]
FID = "fid@digits-cnn"


def board_of(make: Make, scores: Mapping[str, Sequence[float]]) -> board.Board:
    return board.build(
        [make(member, seed, {FID: value}) for member, values in scores.items() for seed, value in enumerate(values)]
    )


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ({"a": [10, 10.1, 9.9], "b": [20, 20.2, 19.8]}, "a leads: FID 50 % lower than b’s, a difference beyond the noise."),
        ({"a": [10, 12, 8], "b": [10.5, 12.5, 8.5], "c": [90, 91, 92]},
         "a and b lead; their difference is inside the noise."),
        ({"a": [10, 12, 8], "b": [10.5, 12.5, 8.5]}, "No winner: both members are inside each other's noise with 3 seeds."),
        ({"a": [10], "b": [20]}, "a scores best, on a single seed: the order of the rows may be luck."),
        ({"a": [10, 11]}, "a is the only member with all its runs; there is nothing to compare it with."),
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
    assert verdict(board_of(make_record, rows)) == "a, b, c, d and 2 more lead; their difference is inside the noise."


def test_bars_stay_inside_and_say_when_the_interval_does_not(make_record: Make) -> None:
    found = board_of(make_record, {"a": [10, 10.1, 9.9], "b": [20, 20.1, 30]})
    ranked = groups(found, {"a": 0, "b": 1})[0]
    bars = [line.last.bar for line in ranked.lines]
    assert all(bar and 0 <= bar.mean <= 100 and all(0 <= seed <= 100 for seed in bar.seeds) for bar in bars)
    assert bars[0]
    assert bars[1]
    assert bars[0].mean < bars[1].mean
    assert bars[1].open_high
    assert bars[1].high == 100
    assert ranked.lines[0].last.text == "10.00"
    assert float(ranked.lines[0].last.sort) == pytest.approx(10.0)
