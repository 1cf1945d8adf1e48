"""A search finds a good rate that is planted, says what it cost, and ends the same however often it is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench import members
from bench.errors import UserError
from bench.records.record import read_all
from bench.runs.experiment import prepare
from bench.search import search as searches
from bench.search.search import Plan, Search, trial_suite
from bench.search.space import read
from bench.search.study import Study, conclude
from bench.suites.suite import Suite, load, parse
from bench.training.execution import Execution

SUITE = """
name = "brief"
version = "1.0.0"
members = ["toys:matching"]
seeds = [0, 1]
ranking = "fid@random-cnn"
[data]
name = "digits"
resolution = 16
[training]
images = 640
batch_size = 16
[evaluation]
metrics = ["fid@random-cnn"]
samples = 100
every = 160
curve_samples = 100
selection = "fid@random-cnn:held-out"
"""
SPACE = {"lr": {"low": 1e-6, "high": 10.0, "log": True}}
GOOD = (2e-3, 0.15)  # rates; by a grid: FID 28 at 0.003, 24 at 0.01, 30 at 0.1; 49 at 0.001, 68 at 1, 70 at 1e-6


def search_in(folder: Path, trials: int, sampler: searches.Sampler = "tpe", member: str = "toys:matching") -> Search:
    listing = members.find(member)
    place = folder / "tuning"
    experiment = prepare(trial_suite(parse(SUITE, "-"), member), place, Execution())
    return Search.of(Plan(listing, read(SPACE, listing, "-"), trials, sampler), experiment, place)


@pytest.fixture
def folder(tmp_path, monkeypatch, toys) -> Path:
    monkeypatch.setenv("BENCH_HOME", str(tmp_path / "home"))
    return tmp_path


def rate(study: Study) -> float:
    return float(members.find(study.best).given["lr"])


def found(search: Search) -> Study:
    for _ in search.run(wait=0.05):
        pass
    return conclude(search)


def without_times(study: Study) -> Study:
    return study.model_copy(update={"seconds": 0.0})


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_twelve_trials_find_the_planted_rate_and_say_what_they_cost(folder, sampler):
    search = search_in(folder, 12, sampler)
    study = found(search)
    assert GOOD[0] < rate(study) < GOOD[1]
    records = read_all(search.folder / "trials")
    assert len({record.member.name for record in records}) == 12
    assert study.images == sum(record.images_seen for record in records) == 12 * 640
    assert study.best_value == min(record.curve[-1].scores["fid@random-cnn:held-out"] for record in records)
    assert study.best_so_far[-1] == study.best_value
    assert len(study.expected_best) == (6 if sampler == "random" else 0)
    assert Study.model_validate_json((search.folder / "study.json").read_text()) == study


@pytest.mark.slow
def test_trials_see_held_out_images_alone_and_final_rows_fresh_seeds(folder):
    search = search_in(folder, 1)
    study = found(search)
    (record,) = read_all(search.folder / "trials")
    assert {score.metric for score in record.scores} == {"fid@random-cnn:held-out"}
    assert {name for point in record.curve for name in point.scores} == {"fid@random-cnn:held-out"}
    assert record.curve[-1].images == record.images_seen == 640
    assert record.seed == study.training_seed
    assert record.seed not in parse(SUITE, "-").seeds


@pytest.mark.slow
def test_more_trials_go_on_where_fewer_ended_and_another_space_counts_what_was_spent_before(folder):
    first = found(search_in(folder, 2))
    more = found(search_in(folder, 3))
    assert [trial.member for trial in more.trials[:2]] == [trial.member for trial in first.trials]
    other = found(search_in(folder, 1, "random"))
    assert (other.images, other.earlier_images) == (640, 3 * 640)
    assert other.tuning().images == 4 * 640


def _work(folder: Path, trials: int, dies_after: int = 0) -> None:
    """A worker; one that dies gets SIGKILL after so many events."""
    for events, _ in enumerate(search_in(folder, trials).run(wait=0.05), 1):
        if events == dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


def _worker(folder: Path, trials: int, dies_after: int = 0) -> subprocess.Popen[bytes]:
    """A process of its own and no fork, so that nothing that earlier tests did to PyTorch comes along."""
    return subprocess.Popen(
        [sys.executable, __file__, str(folder), str(trials), str(dies_after)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},  # for toys
    )


def _codes(*workers: subprocess.Popen[bytes]) -> list[int]:
    """How the workers ended; none outlives a test that fails."""
    try:
        return [worker.wait(120) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()


@pytest.mark.slow
def test_a_search_that_is_killed_again_and_again_ends_the_same(folder, tmp_path):
    whole = found(search_in(tmp_path / "whole", 4))
    codes: list[int] = []
    while not codes or codes[-1] == -signal.SIGKILL:
        codes += _codes(_worker(tmp_path / "killed", 4, 1 + len(codes)))
    assert len(codes) > 2
    assert codes[-1] == 0
    again = found(search_in(tmp_path / "killed", 4))
    assert without_times(again) == without_times(whole)


@pytest.mark.slow
def test_two_workers_share_the_trials_and_a_killed_workers_trial_is_taken_over(folder):
    assert _codes(_worker(folder, 6, 1)) == [-signal.SIGKILL]
    assert _codes(*[_worker(folder, 6) for _ in range(2)]) == [0, 0]
    study = conclude(search_in(folder, 6))
    assert len(study.trials) == len({trial.member for trial in study.trials}) == 6
    assert all(trial.value is not None for trial in study.trials)


@pytest.mark.slow
def test_trials_that_diverge_or_break_count_as_the_worst(folder, toys, monkeypatch):
    def fragile(spec, *, lr: float = 1e-6):
        return toys.breaking(spec) if lr < 1e-3 else toys.matching(spec, lr=lr)

    monkeypatch.setattr(toys, "fragile", fragile, raising=False)
    study = found(search_in(folder, 5, "random", "toys:fragile"))
    failed = [trial for trial in study.trials if trial.value is None]
    assert 0 < len(failed) < 5
    assert {trial.status for trial in failed} == {"failed"}
    assert study.tuning().failed == len(failed)
    worst = max(trial.value for trial in study.trials if trial.value is not None)
    values = [worst if trial.value is None else trial.value for trial in study.trials]
    assert study.expected_best[0] == pytest.approx(sum(values) / 5)


@pytest.mark.slow
def test_a_search_without_any_result_is_refused(folder, toys, monkeypatch):
    def broken(spec, *, lr: float = 1e-6):
        return toys.breaking(spec)

    monkeypatch.setattr(toys, "broken", broken, raising=False)
    with pytest.raises(UserError, match="none of 2 trials got to its end"):
        found(search_in(folder, 2, member="toys:broken"))


def test_more_trials_than_configurations_are_refused(folder):
    listing = members.find("toys:tunable")
    space = read({"width": {"choices": [8, 16]}}, listing, "-")
    experiment = prepare(trial_suite(parse(SUITE, "-"), "toys:tunable"), folder, Execution())
    with pytest.raises(UserError, match="the space has 2 configurations"):
        next(Search.of(Plan(listing, space, 3), experiment, folder).run())


@pytest.mark.parametrize("name", ["digits", "cifar10", "cifar10-paper", "facades", "mnist-cpu"])
def test_the_trials_of_every_kind_of_suite_have_a_share_of_its_budget(name):
    suite = load(name)
    member = suite.members[0]
    trials = trial_suite(suite, member, 0.25)
    assert Suite.model_validate(trials.model_dump()) == trials
    whole, part = suite.training_of(member), trials.training_of(member)
    assert part.images == pytest.approx((whole.images or 0) * 0.25, abs=1)
    assert not set(trials.seeds) & set(suite.seeds)
    assert trials.evaluation.metrics == (suite.evaluation.selection,)


def test_a_share_in_compute_is_a_share_of_it():
    text = SUITE.replace("images = 640", "flops = 1e12").replace("every = 160", "points = 2")
    suite = parse('track = "matched"\n' + text, "-")
    assert trial_suite(suite, "toys:matching", 0.5).training.flops == 5e11


def test_a_share_of_less_than_a_batch_is_refused():
    with pytest.raises(UserError, match="less than a batch of 16"):
        trial_suite(parse(SUITE, "-"), "toys:matching", 0.01)


if __name__ == "__main__":
    _work(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
