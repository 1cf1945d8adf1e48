"""Strengths from comparisons in pairs: Bradley & Terry 1952, Biometrika 39, by the iteration of Hunter 2004, Ann. Stat. 32(1)."""

import numpy as np

PRIOR = 0.5  # wins that every pair has beforehand on each side, so that a member that won all has a finite strength
STEPS = 10_000
CLOSE = 1e-10


def strengths(wins: np.ndarray) -> np.ndarray:
    """Log strengths with a mean of 0: A beats B with probability 1 / (1 + exp(b - a)).

    Args:
        wins: (..., M, M): how often each member (row) beat each other (column); a tie is half a win for both. Leading
            dimensions are studies of their own.

    Returns:
        (..., M).
    """
    members = wins.shape[-1]
    others = 1 - np.eye(members)
    wins = wins * others + PRIOR * others
    met = wins + wins.swapaxes(-1, -2)
    won = wins.sum(-1)
    strength = np.ones(wins.shape[:-1])
    for _ in range(STEPS):
        before = strength
        strength = won / (met / (before[..., :, None] + before[..., None, :])).sum(-1)
        strength = strength / np.exp(np.log(strength).mean(-1, keepdims=True))
        if np.abs(np.log(strength / before)).max() < CLOSE:
            break
    return np.log(strength)
