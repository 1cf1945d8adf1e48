"""Ranks as intervals: cases worked by hand, and what holds whatever the scores."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from bench.boards.ranks import RANK_RULE, Ranks, rank_intervals
from bench.boards.statistics import mean


def around(centre: float, spread: float, seeds: int = 5) -> list[float]:
    """Seeds evenly around a centre."""
    return [centre + spread * (2 * index / (seeds - 1) - 1) for index in range(seeds)]


def shown(losses: list[list[float]]) -> list[str]:
    return [str(ranks) for ranks in rank_intervals(losses)]


def test_clear_differences_settle_every_rank() -> None:
    assert shown([around(1, 0.01), around(2, 0.01), around(3, 0.01)]) == ["1", "2", "3"]


def test_what_is_not_proven_leaves_an_interval() -> None:
    assert shown([around(1, 0.01), around(2, 0.5), around(2.1, 0.5)]) == ["1", "2–3", "2–3"]
    assert shown([around(2, 0.5), around(2.1, 0.5), around(9, 0.01)]) == ["1–2", "1–2", "3"]


def test_proofs_that_are_not_transitive() -> None:
    """The middle row varies so much that nothing is proven of it; the outer two differ beyond doubt."""
    assert shown([around(1, 0.01), around(1.5, 5.0), around(2, 0.01)]) == ["1–2", "1–3", "2–3"]


def test_one_seed_proves_nothing() -> None:
    assert shown([[1.0], [2.0], [3.0]]) == ["1–3", "1–3", "1–3"]
    assert shown([[1.0]]) == ["1"]
    assert shown([]) == []


def test_equal_rows_without_noise_are_not_told_apart() -> None:
    assert shown([[1.0, 1.0], [1.0, 1.0], [2.0, 2.0]]) == ["1–2", "1–2", "3"]


def test_the_rule_says_what_is_computed() -> None:
    assert "at best 1 + the members proven better" in RANK_RULE
    assert "the number of ranked members minus those proven worse" in RANK_RULE


SCORES = some.lists(some.lists(some.floats(-100, 100, allow_nan=False), min_size=1, max_size=6), min_size=1, max_size=7)


@settings(max_examples=150, deadline=None)
@given(SCORES)
def test_intervals_hold_the_place_by_mean(losses: list[list[float]]) -> None:
    found = rank_intervals(losses)
    order = sorted(range(len(losses)), key=lambda row: mean(losses[row]))
    for place, row in enumerate(order, start=1):
        assert 1 <= found[row].best <= place <= found[row].worst <= len(losses)
    assert sum(ranks.best - 1 for ranks in found) == sum(len(losses) - ranks.worst for ranks in found), (
        "proofs have two ends"
    )
    assert any(ranks.best == 1 for ranks in found)
    assert any(ranks.worst == len(losses) for ranks in found)


@settings(max_examples=50, deadline=None)
@given(SCORES, some.randoms())
def test_the_order_of_the_rows_does_not_matter(losses: list[list[float]], random) -> None:
    places = list(range(len(losses)))
    random.shuffle(places)
    assert rank_intervals([losses[place] for place in places]) == [rank_intervals(losses)[place] for place in places]


@pytest.mark.parametrize(("ranks", "text"), [(Ranks(1, 1), "1"), (Ranks(2, 4), "2–4")])
def test_ranks_as_text(ranks: Ranks, text: str) -> None:
    assert str(ranks) == text
