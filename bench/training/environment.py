"""Where a run happens, described by what it is: processor, memory, versions; never by a host's name."""

import os
import platform
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

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
        cores=os.cpu_count() or 0,
        memory_bytes=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        accelerator=torch.cuda.get_device_name(execution.device) if cuda else None,
        threads=torch.get_num_threads(),
        packages={name: found for name in PACKAGES if (found := _version(name))},
        device=execution.device.type,
        channels_last=execution.channels_last,
        compiled=execution.compiled,
        commit=commit,
        dirty=dirty,
    )


def reset_peak_memory(device: torch.device) -> None:
    """Begin to measure the peak afresh, where the system can."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_bytes(device: torch.device) -> int | None:
    """The most that was in use since the reset: on the accelerator, or by this process (Linux); else None."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(lines["VmHWM"].split()[0]) * 1024 if "VmHWM" in lines else None


def synchronise(device: torch.device) -> None:
    """Wait for the device: what a clock does at its own edges, and nobody else."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    models = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
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
