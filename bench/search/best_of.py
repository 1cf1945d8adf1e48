"""What the best of n trials is expected to be. Dodge et al., "Show Your Work", EMNLP 2019, arXiv:1909.03004; the estimator
without bias of Tang et al., "Showing Your Work Doesn't Always Work", ACL 2020, arXiv:2004.13705.
"""

from collections.abc import Sequence
from math import comb


def expected_best(values: Sequence[float]) -> tuple[float, ...]:
    """The expected lowest of n of the N values, drawn without replacement, for n = 1 to N/2.

    Over all combinations the i-th lowest value is the lowest of n in C(N - i, n - 1) of C(N, n) (Tang et al., eq. 9). Beyond
    N/2 too few combinations differ. It describes trials that were drawn independently: of random search, not of TPE.
    """
    ordered, total = sorted(values), len(values)
    return tuple(
        sum(value * comb(total - i, n - 1) for i, value in enumerate(ordered, 1)) / comb(total, n)
        for n in range(1, total // 2 + 1)
    )
