"""Conformance of any member to the contract: what check_estimator is to scikit-learn.

    for finding in check(my_gan):
        print(finding)

Every finding says what is wrong and what to do about it. Images are made up and tiny: nothing here says whether a
member is any good, only that the bench can train and judge it.
"""

from bench.training.conformance.checks import BEHAVIOUR, SPECS, check, findings, specs
from bench.training.conformance.finding import Finding

__all__ = ["BEHAVIOUR", "SPECS", "Finding", "check", "findings", "specs"]
