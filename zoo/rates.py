"""Learning-rate factors over the budget: from the share that is spent, in [0, 1], to a factor."""


def linear_decay(fraction: float) -> float:
    """From 1 at the start to 0 at the end."""
    return 1.0 - fraction
