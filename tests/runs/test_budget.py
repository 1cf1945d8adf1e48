"""Budgets in compute: the images that they pay for, the curve at equal shares of them, and what the record says."""

from fractions import Fraction
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records.record import Record
from bench.runs.experiment import Experiment, prepare
from bench.runs.run import Finished, run
from bench.suites.suite import parse
from bench.training import flops
from bench.training.loop import Execution

pytestmark = pytest.mark.slow

SUITE = """
name = "equal"
version = "1.0.0"
track = "matched"
members = [{members}]
seeds = [0]
ranking = "fid@random-cnn"
[data]
name = "digits"
resolution = 16
[training]
flops = {budget}
batch_size = 16
[evaluation]
metrics = ["fid@random-cnn"]
samples = 100
points = 3
curve_samples = 50
selection = "fid@random-cnn:held-out"
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch, toys):
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))


def experiment(tmp_path: Path, *members: str, budget: float = 3e7) -> Experiment:
    names = ", ".join(f'"{name}"' for name in members)
    return prepare(parse(SUITE.format(members=names, budget=budget), "-"), tmp_path / "results", Execution())


def trained(found: Experiment) -> list[Record]:
    return [event.record for event in run(found, found.jobs()) if isinstance(event, Finished)]


def test_the_budget_pays_for_as_many_images_as_a_member_is_cheap(tmp_path):
    found = experiment(tmp_path, "dcgan(width=8)", "dcgan(width=16)", budget=1e10)
    narrow, wide = (found.budget(job) for job in found.jobs())
    assert narrow.images > 2 * wide.images
    for budget in (narrow, wide):
        assert budget.compute is not None
        cost = budget.compute.flops_per_image
        assert budget.images * cost <= 1e10 < (budget.images + 1) * cost


def test_a_record_states_the_budget_and_the_curve_ends_where_it_is_spent(tmp_path):
    found = experiment(tmp_path, "toys:toy")
    (record,) = trained(found)
    (job,) = found.jobs()
    compute = record.compute
    assert record.status == "ok"
    assert record.track == "matched"
    assert compute is not None
    assert compute.flops == 3e7
    assert compute.images == int(Fraction(30_000_000) / Fraction(compute.flops_per_image)) == found.budget(job).images
    assert compute.images - record.images_seen < 2 * 16 * 5  # what is left pays for no further iteration
    assert len(record.curve) == 3
    assert record.curve[-1].images == record.images_seen
    steps = [point.images / record.images_seen for point in record.curve]
    assert steps == pytest.approx([1 / 3, 2 / 3, 1], abs=0.1)


def test_more_points_than_iterations_give_a_point_after_each_and_no_more(tmp_path):
    found = experiment(tmp_path, "toys:toy")
    crowded = found.suite.evaluation.model_copy(update={"points": 1000})
    suite = found.suite.model_copy(update={"evaluation": crowded})
    (record,) = trained(prepare(suite, tmp_path / "results", Execution()))
    assert record.status == "ok", record.failure
    assert [point.step for point in record.curve] == list(range(1, record.steps + 1))


def test_a_member_is_counted_once_for_all_its_seeds(tmp_path, monkeypatch):
    calls = []
    counted = flops.per_image
    monkeypatch.setattr(flops, "per_image", lambda *given: calls.append(given) or counted(*given))
    found = experiment(tmp_path, "toys:toy")
    for job in found.jobs(seeds=[0, 1, 2]):
        found.budget(job)
    assert len(calls) == 1


def test_a_budget_below_one_image_or_one_iteration_is_refused(tmp_path):
    tiny = experiment(tmp_path, "toys:toy", budget=10)
    with pytest.raises(UserError, match=r"FLOPs per training image, and the budget is 10\. Raise \[training\] flops"):
        tiny.budget(tiny.jobs()[0])
    small = experiment(tmp_path, "toys:toy", budget=3e5)
    with pytest.raises(UserError, match="does not pay for one iteration"):
        list(run(small, small.jobs()))


def test_a_member_whose_training_fails_is_named(tmp_path, monkeypatch, toys):
    def broken(spec):
        gan = toys.toy(spec)
        gan.schedule[0].updates[0].losses["bad"] = lambda turn: 1 / 0
        return gan

    monkeypatch.setattr(toys, "broken", broken, raising=False)
    found = experiment(tmp_path, "toys:broken")
    with pytest.raises(UserError, match=r"member 'broken': its FLOPs could not be counted.*ZeroDivisionError"):
        found.budget(found.jobs()[0])
