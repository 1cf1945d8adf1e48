"""No shipped suite changes without the version that its change needs."""

import pytest

from bench.suites import lock, suite
from bench.suites.suite import Suite

DEMO = suite.load("demo").model_copy(update={"version": "1.0.0"})


def test_the_committed_lock_is_that_of_the_suites():
    now = lock.current()
    assert lock.faults(lock.read(), now) == []
    assert lock.read() == now, "run `python -m bench.suites.lock` and commit bench/suites/shipped/lock.json"


def changed(version: str, **fields: object) -> Suite:
    return DEMO.model_copy(update={"version": version, **fields})


TRAINING = DEMO.training.model_copy(update={"images": 1})


@pytest.mark.parametrize(
    ("fields", "needed", "too_little"),
    [
        ({"training": TRAINING}, "2.0.0", "1.1.0"),
        ({"ranking": "kid-full@digits-cnn"}, "2.0.0", "1.0.1"),
        ({"members": (*DEMO.members, "sngan")}, "1.1.0", "1.0.1"),
        ({"seeds": (0, 1, 2)}, "1.1.0", "1.0.0"),
        ({"title": "another"}, "1.0.1", "1.0.0"),
    ],
)
def test_each_kind_of_change_needs_its_kind_of_version(fields, needed, too_little):
    locked = {"demo": lock.entry(DEMO)}
    assert lock.faults(locked, {"demo": lock.entry(changed(needed, **fields))}) == []
    (words,) = lock.faults(locked, {"demo": lock.entry(changed(too_little, **fields))})
    assert words.startswith("suite demo: its ")
    assert "Raise the" in words


def test_no_change_and_a_new_suite_need_nothing():
    now = {"demo": lock.entry(DEMO), "new": lock.entry(DEMO)}
    assert lock.faults({"demo": lock.entry(DEMO)}, now) == []


def test_a_suite_cannot_go_back():
    locked = {"demo": lock.entry(changed("2.0.0"))}
    assert lock.faults(locked, {"demo": lock.entry(DEMO)})
