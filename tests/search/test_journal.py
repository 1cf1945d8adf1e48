"""The journal: what several processes propose, what killed ones leave, and what a full or broken file says."""

import multiprocessing
import resource
import sys
from pathlib import Path

import pytest

from bench import members
from bench.errors import UserError
from bench.files import NotWritten
from bench.search.journal import Journal, Sampler
from bench.search.space import Space, read

DCGAN = members.find("dcgan")
RATE = {"lr": {"low": 1e-5, "high": 1.0, "log": True}}
FEW = {"width": {"choices": [16, 32, 64]}, "critic_steps": {"low": 1, "high": 2}}


def space(tables: dict[str, dict[str, object]]) -> Space:
    return read(tables, DCGAN, "-")


def journal(
    folder: Path, tables: dict[str, dict[str, object]] = RATE, sampler: Sampler = "tpe", seed: int = 0
) -> Journal:
    return Journal(folder, space(tables), sampler, seed)


def filled(folder: Path, count: int, reopened: bool = False, sampler: Sampler = "tpe") -> list[dict[str, str]]:
    """What is proposed when rates are judged by their distance from 0.01."""
    book = journal(folder, sampler=sampler)
    for _ in range(count):
        book = journal(folder, sampler=sampler) if reopened else book
        trial = book.propose(count)
        assert trial is not None
        book.tell(trial, abs(float(trial.given["lr"]) - 0.01))
    assert book.propose(count) is None
    return [trial.given for trial in book.trials()]


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_what_is_proposed_depends_on_the_file_and_not_on_the_process(tmp_path, sampler):
    assert filled(tmp_path / "a", 9, sampler=sampler) == filled(tmp_path / "b", 9, reopened=True, sampler=sampler)


def test_another_seed_proposes_something_else(tmp_path):
    first, second = (journal(tmp_path / str(seed), seed=seed).propose(1) for seed in (0, 1))
    assert first is not None
    assert second is not None
    assert first.given != second.given


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_finite_space_is_gone_through_without_proposing_anything_twice(tmp_path, sampler):
    book = journal(tmp_path, FEW, sampler)
    while trial := book.propose(6):
        book.tell(trial, float(trial.given["width"]))
    given = [tuple(trial.given.items()) for trial in book.trials()]
    assert len(given) == len(set(given)) == 6


def _propose(folder: Path) -> None:
    book = journal(folder, FEW)
    while trial := book.propose(6):
        book.tell(trial, 1.0)


def test_two_workers_never_propose_the_same(tmp_path):
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_propose, args=(tmp_path,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    given = [tuple(trial.given.items()) for trial in journal(tmp_path, FEW).trials()]
    assert len(given) == len(set(given)) == 6


def test_a_proposal_whose_process_was_killed_is_kept_to_be_run(tmp_path):
    first = journal(tmp_path).propose(2)
    (left,) = journal(tmp_path).trials()
    assert left == first
    assert left.value is None


@pytest.mark.parametrize("lost", range(1, 9))
def test_a_journal_that_was_cut_anywhere_goes_on_as_if_it_had_not_been(tmp_path, lost):
    """A process is killed while it proposes: the last lines are missing, the last that is left in half."""
    book = journal(tmp_path / "whole", RATE | FEW)
    for _ in range(3):
        trial = book.propose(3)
        assert trial is not None
        book.tell(trial, 1.0)
    lines = (tmp_path / "whole/journal.log").read_bytes().splitlines(keepends=True)
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut/journal.log").write_bytes(b"".join(lines[:-lost]) + lines[-lost][: len(lines[-lost]) // 2])
    again = journal(tmp_path / "cut", RATE | FEW)
    for trial in again.trials():
        if trial.value is None:
            again.tell(trial, 1.0)
    while trial := again.propose(3):
        again.tell(trial, 1.0)
    assert [trial.given for trial in again.trials()] == [trial.given for trial in book.trials()]


def test_what_was_told_stands(tmp_path):
    book = journal(tmp_path)
    trial = book.propose(1)
    assert trial is not None
    book.tell(trial, 1.0)
    book.tell(trial, 2.0)
    assert [trial.value for trial in book.trials()] == [1.0]


def test_a_full_disk_is_said_in_one_line_and_the_journal_goes_on_later(tmp_path):
    """No file may grow beyond a limit that half of the next line fits in."""
    book = journal(tmp_path)
    trial = book.propose(2)
    assert trial is not None
    before, ceiling = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (book.path.stat().st_size + 20, ceiling))
    try:
        with pytest.raises(NotWritten, match=r"journal\.log: cannot be written") as said:
            book.tell(trial, 1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, ceiling))
    assert "run the same command again" in str(said.value)
    assert not book.path.read_bytes().endswith(b"\n")
    again = journal(tmp_path)
    again.tell(trial, 1.0)
    assert [trial.value for trial in again.trials()] == [1.0]


@pytest.mark.parametrize("content", [b"not json\nat all\n", b"[]\n[]\n", b"{}\n{}\n", b"\xff\xfe\n\n"])
def test_a_file_that_is_no_journal_is_refused(tmp_path, content):
    (tmp_path / "journal.log").write_bytes(content)
    with pytest.raises(UserError, match="is not the journal of a search"):
        journal(tmp_path)


def test_without_optuna_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UserError, match=r"gan-bench\[tune\]"):
        journal(tmp_path)
