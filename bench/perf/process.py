"""The parent's end of a worker process."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.errors import UserError
from bench.perf.case import WorkloadSpec

ROOT = Path(__file__).resolve().parents[2]


class NoMemoryError(Exception):
    """A batch does not fit."""


class UnsupportedError(Exception):
    """A member cannot run in a mode; the message names the operator."""


@dataclass(frozen=True)
class Opened:
    """A subject is ready."""

    seconds: dict[str, float]  # phase -> seconds: import, build, first_call
    images: int  # per call


class Worker:
    """A process that times cases. Use it as a context manager: it ends with the block."""

    def __init__(self, root: Path = ROOT):
        self.spawned = time.perf_counter_ns()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.perf.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=environment(root),
            cwd=None if root == ROOT else root,  # a loose member is found in the working directory
        )
        self.interpreter_seconds = 0.0

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.end()

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                stream.close()

    def open(self, name: str, case: WorkloadSpec, memory_limit_bytes: int | None = None) -> Opened:
        """Build a case under a name and call it once.

        Raises NoMemoryError, UnsupportedError, or UserError for what the user can fix.
        """
        found = self._ask("open", name=name, case=asdict(case), memory_limit_bytes=memory_limit_bytes)
        self.interpreter_seconds = max(found["spawned_ns"] - self.spawned, 0) / 1e9
        return Opened(found["seconds"], found["images"])

    def round(self, name: str, calls: int) -> list[float]:
        """The milliseconds of some calls."""
        return self._ask("round", name=name, calls=calls)["ms"]

    def timer(self, name: str) -> Callable[[int], list[float]]:
        """`round` of one subject."""
        return lambda calls: self.round(name, calls)

    def updates(self, name: str, calls: int) -> dict[str, list[float]]:
        """The milliseconds of each player's updates."""
        return self._ask("updates", name=name, calls=calls)["ms"]

    def peak_bytes(self) -> int:
        """The most memory in use since the process began."""
        return self._ask("peak")["bytes"]

    def energy(self, name: str, calls: int) -> float | str:
        """The joules of some calls, or why they cannot be measured."""
        found = self._ask("energy", name=name, calls=calls)
        return found.get("joules", found.get("reason", ""))

    def close(self, name: str) -> None:
        """Forget a subject."""
        self._ask("close", name=name)

    def _ask(self, do: str, **about: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": do, **about}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise self._death()
        found = json.loads(line)
        if "error" in found:
            raise {"memory": NoMemoryError, "unsupported": UnsupportedError, "user": UserError}.get(
                found["error"], WorkerError
            )(found["message"])
        return found

    def _death(self) -> Exception:
        """Why the process is gone: killed for its memory (Linux), or a crash with its last words."""
        code = self.process.wait()
        self.errors.seek(0)
        words = self.errors.read().decode(errors="replace").strip().splitlines()
        if code == -9:
            return NoMemoryError("the system ended the process: out of memory")
        return WorkerError(f"the timing process ended with code {code}: {words[-1] if words else 'no message'}")


class WorkerError(Exception):
    """The member, or the process that timed it, failed."""


def environment(root: Path) -> dict[str, str]:
    """This environment, with the code of a checkout before any that is installed."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    }
