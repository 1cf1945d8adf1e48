"""Learning-rate factors over the budget: from the share that is spent, in [0, 1], to a factor."""

from math import cos, pi


def linear_decay(fraction: float) -> float:
    """From 1 at the start to 0 at the end."""
    return 1.0 - fraction


def hold_then_decay(fraction: float) -> float:
    """1 for the first half of the budget, then linearly to 0: the 100 + 100 epochs of several papers."""
    return min(1.0, 2.0 * (1.0 - fraction))


def cosine(fraction: float, end: float, share: float = 1.0) -> float:
    """From 1 at the start to `end` along half a cosine that lasts a `share` of the budget, then constant."""
    return end + (1 - end) * (1 + cos(pi * min(fraction / share, 1.0))) / 2
