"""The journal of a search: what was proposed and how it went, in a file that several processes add to (Optuna).

Whoever proposes or tells holds the lock of the folder, which is free again when its process ends. What a proposal is
drawn from depends on the search's seed and on what stands in the journal, never on the process: a search that was killed goes
on as if it had not been, and two workers cannot propose the same.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from filelock import FileLock

from bench.errors import UserError
from bench.files import NotWritten, digest
from bench.search.space import Space

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial

Sampler = Literal["tpe", "random"]
STARTUP = 5  # trials that TPE draws at random before it models them
NAME = "search"


@dataclass(frozen=True)
class Trial:
    """One configuration that was proposed."""

    number: int
    given: dict[str, str]  # parameters as they stand in a member's name
    value: float | None = None  # lower is better, infinite for a failure; None: not ended


class _Held:
    """The journal's own lock is not needed: the folder's is held, and no killed process can leave it locked."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class Journal:
    """A search's file. Raises UserError where Optuna is missing or the file is no journal, NotWritten where the disk is full."""

    def __init__(self, folder: Path, space: Space, sampler: Sampler, seed: int):
        _require_optuna()
        self.path, self.space, self.sampler, self.seed = folder / "journal.log", space, sampler, seed
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / ".lock", mode=0o666)
        with self._locked():
            self._study = self._opened()

    def propose(self, most: int) -> Trial | None:
        """A configuration that was not proposed before; None when there are `most` of them."""
        with self._locked():
            self._reap()
            before = self._sound()
            if len(before) >= most:
                return None
            redraws = self._redraws()
            while True:
                self._study.sampler = self._sampler(len(before), redraws)
                trial = self._study.ask(self.space.distributions())
                given = self.space.written(trial.params)
                if given not in [other.given for other in before]:
                    return Trial(trial.number, given)
                self._fail(trial.number)
                redraws += 1

    def tell(self, trial: Trial, value: float) -> None:
        """How a trial ended; what was told before stands."""
        with self._locked():
            self._study.tell(trial.number, value, skip_if_finished=True)

    def trials(self) -> list[Trial]:
        """All that were proposed, in their order, without those that are no trials (duplicates, torn ones)."""
        with self._locked():
            self._reap()
            return self._sound()

    def _sound(self) -> list[Trial]:
        found = [trial for trial in self._all() if trial.state.name != "FAIL"]
        return [Trial(trial.number, self.space.written(trial.params), trial.value) for trial in found]

    def _all(self) -> "Sequence[FrozenTrial]":
        return self._study.get_trials(deepcopy=False)

    def _reap(self) -> None:
        """A trial that is torn, or that repeats another, is of a process that was killed while it proposed: the lock is ours."""
        seen: list[dict[str, str]] = []
        for trial in list(self._all()):
            if trial.state.name == "FAIL":
                continue
            given = self.space.written(trial.params)
            if trial.state.name == "RUNNING" and (given.keys() != self.space.kinds.keys() or given in seen):
                self._fail(trial.number)
            else:
                seen.append(given)

    def _redraws(self) -> int:
        """Duplicates that were drawn since the last trial."""
        count = 0
        for trial in self._all():
            if trial.state.name != "FAIL":
                count = 0
            elif trial.params.keys() == self.space.kinds.keys():
                count += 1
        return count

    def _fail(self, number: int) -> None:
        from optuna.trial import TrialState

        self._study.tell(number, state=TrialState.FAIL)

    def _sampler(self, before: int, redraws: int) -> "BaseSampler":
        from optuna.samplers import RandomSampler, TPESampler

        seed = int(digest([self.seed, before, redraws])[:8], 16)
        if self.sampler == "random" or redraws:
            return RandomSampler(seed=seed)
        return TPESampler(seed=seed, n_startup_trials=STARTUP, constant_liar=True)

    def _opened(self) -> "Study":
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        held: Any = _Held()
        try:
            storage = JournalStorage(JournalFileBackend(str(self.path), lock_obj=held))
            return optuna.create_study(storage=storage, study_name=NAME, direction="minimize", load_if_exists=True)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
            raise UserError(
                f"{self.path}: is not the journal of a search: {error}. Restore it, or remove its folder to begin again."
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            with self._lock:
                _mend(self.path)
                yield
        except OSError as error:
            raise NotWritten(
                f"{self.path}: cannot be written: {error.strerror or error}. What was told before stands. Free space or give "
                "another --tuning-dir, then run the same command again."
            ) from None


def _mend(path: Path) -> None:
    """Take back a line that was not written to its end, by a process that was killed or a disk that was full."""
    if not path.exists() or path.stat().st_size == 0:
        return
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def _require_optuna() -> None:
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise UserError("bench tune needs optuna. Install it: pip install 'gan-bench[tune]'.") from error
