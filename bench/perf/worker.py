"""The process in which everything is timed: one request per line on standard input, one answer per line, both JSON.

A process of its own gives each side of a comparison the same surroundings, gives memory a peak that belongs to one thing,
lets an old revision of the code be timed beside the new one, and turns a batch that the system kills into an answer.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO

SPAWNED = time.perf_counter_ns()  # before anything heavy is imported


class Bench:
    """What is open in this process."""

    def __init__(self) -> None:
        self.subjects: dict[str, Any] = {}
        self.slowdown: dict[str, float] = {}
        self.device = "cpu"  # of what was opened last: a process times on one device

    def open(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Build a subject and call it once. Answers what each phase took, in seconds."""
        started = time.perf_counter_ns()
        import torch

        from bench import members
        from bench.perf.case import WorkloadSpec
        from bench.perf.subjects import subject
        from bench.training.allocator import keep_freed_memory

        case = WorkloadSpec(**asked["case"])
        self.device = case.device
        torch.set_num_threads(case.threads)
        if case.device == "cpu":
            keep_freed_memory()  # as `bench run` does
        _limit_memory(asked.get("memory_limit_bytes"))
        members.builder(members.called(case.call))  # imports the member
        imported = time.perf_counter_ns()
        made: Any = subject(case)
        built = time.perf_counter_ns()
        _first_call(made)
        called = time.perf_counter_ns()
        made.verify()
        self.subjects[asked["name"]], self.slowdown[asked["name"]] = made, case.slowdown
        phases = {"import": imported - started, "build": built - imported, "first_call": called - built}
        return {"seconds": {name: value / 1e9 for name, value in phases.items()}, "images": _images(made, case.batch)}

    def round(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Time some calls: milliseconds of each."""
        from bench.perf.clock import time_calls

        made, slowdown = self.subjects[asked["name"]], self.slowdown[asked["name"]]
        call = slowed(made, slowdown) if slowdown else made
        return {"ms": time_calls(call, asked["calls"], made.device)}

    def updates(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Time each player's updates over some iterations."""
        return {"ms": self.subjects[asked["name"]].updates(asked["calls"])}

    def peak(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """The most memory that was in use since this process began: on the accelerator, or resident here."""
        import torch

        if self.device.startswith("cuda"):
            return {"bytes": torch.cuda.max_memory_allocated(self.device)}
        unit = 1 if sys.platform == "darwin" else 1024
        return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}

    def energy(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The joules of some calls, where the device counts them."""
        from bench.perf.clock import wait
        from bench.perf.machine import energy_counter

        made = self.subjects[asked["name"]]
        read = energy_counter(made.device)
        if isinstance(read, str):
            return {"reason": read}
        wait(made.device)
        before = read()
        for _ in range(asked["calls"]):
            made()
        wait(made.device)
        return {"joules": read() - before}

    def close(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Forget a subject."""
        del self.subjects[asked["name"]]
        return {}


def slowed(call: Callable[[], object], share: float) -> Callable[[], object]:
    """The call made slower by a share of its own time, by waiting: for testing the measurement."""

    def slow() -> object:
        start = time.perf_counter_ns()
        value = call()
        end = time.perf_counter_ns()
        while time.perf_counter_ns() < end + share * (end - start):
            pass
        return value

    return slow


def _images(made: Any, batch: int) -> int:
    from bench.perf.subjects import TrainingSubject

    return made.images_per_call if isinstance(made, TrainingSubject) else batch


def _first_call(made: Any) -> None:
    from bench.perf.clock import wait

    made()
    wait(made.device)


def _limit_memory(limit: int | None) -> None:
    """Make a batch that does not fit an error here instead of a shortage for everybody on the machine."""
    if limit is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def answer(bench: Bench, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Do what is asked; whatever goes wrong becomes words."""
    from bench.errors import UserError

    try:
        return getattr(bench, asked["do"])(asked)
    except UserError as error:
        return {"error": "user", "message": str(error)}
    except Exception as error:
        from bench.perf.faults import classify

        kind, words = classify(error)
        return {"error": kind, "message": words}


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer until there is nothing more to read."""
    bench = Bench()
    for line in requests:
        asked = json.loads(line)
        answers.write(json.dumps({"spawned_ns": SPAWNED, **answer(bench, asked)}) + "\n")
        answers.flush()


def main() -> None:
    """Serve on the standard streams; whatever else prints goes to the error stream."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
