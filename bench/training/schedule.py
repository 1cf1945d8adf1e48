"""How the stages of a schedule share a budget of images."""

from collections.abc import Sequence

from bench.gan import Stage


def draws(stage: Stage) -> int:
    """Batches that one iteration of a stage draws."""
    return max(update.repeat for update in stage.updates)


def stage_ends(schedule: Sequence[Stage], budget: int) -> list[int]:
    """The images at which each stage ends, by its share."""
    shares = [stage.share for stage in schedule]
    return [round(budget * sum(shares[: index + 1]) / sum(shares)) for index in range(len(shares))]


def payable(schedule: Sequence[Stage], budget: int, batch_size: int) -> int:
    """The images that the budget pays for in whole iterations."""
    drawn = 0
    for end, stage in zip(stage_ends(schedule, budget), schedule, strict=True):
        cost = draws(stage) * batch_size
        drawn += max(end - drawn, 0) // cost * cost
    return drawn
