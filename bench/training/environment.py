"""Where a run happens, described by what it is: processor, memory, versions; never by a host's name."""

import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import torch

from bench.records.record import Environment
from bench.training.loop import Execution

PACKAGES = ("gan-bench", "torch", "torchvision", "numpy", "scipy", "torch-fidelity", "lpips")


def describe(execution: Execution) -> Environment:
    """The machine, the versions and the state of the checkout."""
    commit, dirty = _checkout()
    cuda = execution.device.type == "cuda"
    return Environment(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cpu=_cpu(),
        cores=psutil.cpu_count() or 0,
        memory_bytes=psutil.virtual_memory().total,
        accelerator=torch.cuda.get_device_name(execution.device) if cuda else None,
        threads=torch.get_num_threads(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
        device=execution.device.type,
        processes=execution.processes,
        channels_last=execution.channels_last,
        compiled=execution.compiled,
        commit=commit,
        dirty=dirty,
    )


@contextmanager
def threads_kept() -> Iterator[None]:
    """Give PyTorch its number of threads back at the end: a run that is resumed takes its own."""
    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def reset_peak_memory(device: torch.device) -> None:
    """Begin to measure the peak afresh, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_bytes(device: torch.device) -> int | None:
    """The most that was in use since the reset: on the accelerator, or by this process; None where that is not counted.

    Linux counts it from the reset on, Windows from the start of the process.
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # psutil has no peak on Linux
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) * 1024 if "VmHWM" in lines else None
    return getattr(psutil.Process().memory_info(), "peak_wset", None)


def synchronise(device: torch.device) -> None:
    """Wait for the device. Only clocks do this, before they start and before they stop."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _cpu() -> str:
    """The processor's model: psutil does not know it, and `platform.processor` says "x86_64" or nothing on Linux."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _checkout() -> tuple[str | None, bool]:
    """The commit of the checkout that holds this code and whether it was changed; (None, False) when installed."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None, False
    try:
        commit = _git(root, "rev-parse", "HEAD").strip()
        return commit, bool(_git(root, "status", "--porcelain", "--untracked-files=no", "--", "bench", "zoo").strip())
    except (OSError, subprocess.CalledProcessError):
        return None, False


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout
