"""The machine while it is measured: how busy others keep it, how fast its clock runs, what its energy counter says."""

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STAT, CPUINFO, MEMINFO = Path("/proc/stat"), Path("/proc/cpuinfo"), Path("/proc/meminfo")
BUSY_OTHERS = 0.15  # cores in use by others from which on a machine counts as under load


@dataclass(frozen=True)
class Moment:
    """The processors' clocks at one moment; None where the system does not tell."""

    seconds: float
    busy: float | None  # core seconds spent on anything since the start of the system, or taken by a hypervisor


@dataclass(frozen=True)
class Load:
    """What else went on."""

    other_cores: float | None  # mean cores in use by others
    load_average: float  # of the last minute, at the end
    megahertz: float | None  # mean over cores, at the end


def moment(stat: Path = STAT) -> Moment:
    """Now."""
    return Moment(time.monotonic(), _busy(stat))


def _busy(stat: Path) -> float | None:
    if not stat.exists():
        return None
    fields = [float(part) for part in stat.read_text().splitlines()[0].split()[1:]]
    user, nice, system, _, _, irq, softirq, steal, *_ = fields
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def load_between(start: Moment, end: Moment, own_cpu_seconds: float) -> Load:
    """What others did between two moments in which we spent some core seconds."""
    other = None
    if start.busy is not None and end.busy is not None:
        other = max(end.busy - start.busy - own_cpu_seconds, 0.0) / max(end.seconds - start.seconds, 1e-9)
    average = os.getloadavg()[0]
    return Load(other, average, megahertz())


def megahertz(cpuinfo: Path = CPUINFO) -> float | None:
    """The mean clock of the cores, or None where the system does not tell."""
    if not cpuinfo.exists():
        return None
    found = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", cpuinfo.read_text(), re.M)]
    return sum(found) / len(found) if found else None


def available_bytes(meminfo: Path = MEMINFO) -> int | None:
    """Memory that may be taken without hurting others, or None where the system does not tell."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB", meminfo.read_text(), re.M) if meminfo.exists() else None
    return int(found[1]) * 1024 if found else None


def energy_counter(device: Any) -> Callable[[], float] | str:
    """A function that reads the joules the device has used so far, or why there is none."""
    if device.type != "cuda":
        return "not available: only NVIDIA devices report energy, through NVML"
    try:
        import pynvml  # pyright: ignore[reportMissingImports]
    except ImportError:
        return "not available: install nvidia-ml-py"
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(device.index or 0)
        pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
    except pynvml.NVMLError as error:
        return f"not available: NVML: {error}"
    return lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1e3  # millijoules
