"""One member to its speed record. Everything is timed in processes of its own; this one only asks and keeps."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.perf.case import WorkloadSpec
from bench.perf.machine import available_bytes
from bench.perf.process import NoMemoryError, UnsupportedError, Worker, WorkerError
from bench.perf.rounds import calls_for, warm_up
from bench.records import speed as records

ROUNDS = 8  # of generation and of training, each kept raw
FRESH = 3  # processes whose first image is timed
UPDATES = 8  # iterations whose updates are timed one by one
HEADROOM = 0.9  # share of the free memory that a batch may take
SATURATED = 1.03  # a larger batch that gains less than this is the last


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    batches: tuple[int, ...]
    training_batch: int
    stages: tuple[float, ...]  # share of each stage of the schedule
    rounds: int = ROUNDS
    fresh: int = FRESH
    warm_up_seconds: float = 5.0
    memory_limit_bytes: int | None = None  # None: what the machine has to spare


class ModeRun:
    """One mode while it is measured."""

    def __init__(self, case: WorkloadSpec, effort: Effort):
        self.case, self.effort = case, effort
        self.why: dict[str, str] = {}

    def run(self) -> records.ModeResult:
        """Everything that this mode allows. What cannot be measured is named with the reason; the rest is measured."""
        first = self._first_images()
        if "generation" in self.why:
            return records.ModeResult(mode=self.case.mode, not_measured=self.why)
        generation, limit, generation_peak = self._sweep()
        training, training_peak = self._training()
        joules, images = self._energy(generation[-1].batch if generation else 1)
        return records.ModeResult(
            mode=self.case.mode,
            generation=generation,
            batch_limit=limit,
            training=training,
            first_image=first,
            generation_peak_bytes=generation_peak,
            training_peak_bytes=training_peak,
            energy_joules=joules,
            energy_images=images,
            not_measured=self.why,
        )

    def _first_images(self) -> tuple[records.FirstImage, ...]:
        found: list[records.FirstImage] = []
        for _ in range(self.effort.fresh):
            try:
                with Worker() as worker:
                    seconds = worker.open("first", replace(self.case, what="generation", batch=1)).seconds
                    found.append(
                        records.FirstImage(
                            interpreter=worker.interpreter_seconds,
                            imports=seconds["import"],
                            build=seconds["build"],
                            first_call=seconds["first_call"],
                        )
                    )
            except (UnsupportedError, NoMemoryError, WorkerError) as error:
                self.why["generation"] = explain(self.case.mode, error)
                break
        return tuple(found)

    def _sweep(self) -> tuple[tuple[records.Generation, ...], int | None, int | None]:
        """Batch after batch in one process, until memory or the list ends, or two in a row gain nothing.

        Also gives the batch that does not fit, and the peak of memory, which is that of the largest batch that does.
        """
        found: list[records.Generation] = []
        peak = None
        best, idle = 0.0, 0
        with Worker() as worker:
            for batch in self.effort.batches:
                try:
                    entry, rate = self._generation(worker, batch)
                except (NoMemoryError, WorkerError) as error:
                    self.why[f"batch {batch}"] = f"{explain(self.case.mode, error)}; {_largest(found)}"
                    return tuple(found), batch if isinstance(error, NoMemoryError) else None, peak
                found.append(entry)
                peak = worker.peak_bytes()
                idle = 0 if rate > best * SATURATED else idle + 1
                best = max(best, rate)
                if idle == 2:
                    break
        return tuple(found), None, peak

    def _generation(self, worker: Worker, batch: int) -> tuple[records.Generation, float]:
        worker.open("generation", replace(self.case, what="generation", batch=batch), self._memory_limit())
        timer = worker.timer("generation")
        warm = warm_up(timer, self.effort.warm_up_seconds)
        rounds = tuple(_kept(timer(calls_for(warm.ms))) for _ in range(self.effort.rounds))
        worker.close("generation")
        return records.Generation(batch=batch, rounds=rounds, stable=warm.stable), batch / warm.ms

    def _training(self) -> tuple[tuple[records.StageTraining, ...], int | None]:
        """Every stage in a process of its own; the peak is the largest of them."""
        if "onnx" in self.case.parts:
            self.why["training"] = "ONNX Runtime only generates"
            return (), None
        found: list[records.StageTraining] = []
        peaks: list[int] = []
        for stage, share in enumerate(self.effort.stages):
            try:
                entry, peak = self._stage(stage, share)
            except (NoMemoryError, UnsupportedError, WorkerError) as error:
                self.why["training"] = explain(self.case.mode, error)
                return (), None
            found.append(entry)
            peaks.append(peak)
        return tuple(found), max(peaks)

    def _stage(self, stage: int, share: float) -> tuple[records.StageTraining, int]:
        case = replace(self.case, what="training", batch=self.effort.training_batch, stage=stage)
        with Worker() as worker:
            images = worker.open("training", case, self._memory_limit()).images
            timer = worker.timer("training")
            warm = warm_up(timer, self.effort.warm_up_seconds)
            rounds = tuple(_kept(timer(calls_for(warm.ms))) for _ in range(self.effort.rounds))
            updates = worker.updates("training", UPDATES)
            peak = worker.peak_bytes()
        entry = records.StageTraining(
            share=share,
            batch=self.effort.training_batch,
            images=images,
            rounds=rounds,
            updates={player: _kept(times) for player, times in updates.items()},
            stable=warm.stable,
        )
        return entry, peak

    def _energy(self, batch: int) -> tuple[float | None, int | None]:
        if not self.case.device.startswith("cuda"):
            self.why["energy"] = "not available: only NVIDIA devices report energy, through NVML"
            return None, None
        with Worker() as worker:
            worker.open("generation", replace(self.case, what="generation", batch=batch))
            calls = max(1000 // batch, 10)
            found = worker.energy("generation", calls)
        if isinstance(found, str):
            self.why["energy"] = found
            return None, None
        return found, calls * batch

    def _memory_limit(self) -> int | None:
        """On the CPU a batch that does not fit must fail alone; an accelerator says so itself."""
        if self.effort.memory_limit_bytes is not None or self.case.device != "cpu":
            return self.effort.memory_limit_bytes
        return int(available_bytes() * HEADROOM)


def explain(mode: str, error: Exception) -> str:
    """Why a mode was not measured."""
    if isinstance(error, UnsupportedError):
        return f"this member cannot run as {mode}: {error}"
    return f"does not fit in memory: {error}" if isinstance(error, NoMemoryError) else str(error)


def unstable(modes: Sequence[records.ModeResult]) -> list[str]:
    """What never came to rest before it was timed."""
    return [
        f"{found.mode}: {what} did not become stable before it was timed"
        for found in modes
        for what, entries in (("generation", found.generation), ("training", found.training))
        if not all(entry.stable for entry in entries)
    ]


def compiler_missing(mode: str) -> str | None:
    """Why nothing can be compiled here, or None: on the CPU PyTorch's compiler writes C++."""
    if "compile" not in mode.split("+"):
        return None
    named = os.environ.get("CXX")
    if named or any(shutil.which(name) for name in ("g++", "clang++", "cl")):
        return None
    return "no C++ compiler is installed, and torch.compile needs one"


def _largest(found: Sequence[records.Generation]) -> str:
    return f"the largest that was measured is {found[-1].batch}" if found else "nothing smaller was asked for"


def _kept(times: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(ms, 4) for ms in times)
