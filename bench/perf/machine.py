"""The machine while it is measured: how busy others keep it, how fast its clock runs, what its energy counter says."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

BUSY = ("user", "nice", "system", "irq", "softirq", "steal", "interrupt", "dpc")  # of psutil.cpu_times, by platform
BUSY_OTHERS = 0.15  # cores in use by others from which on a machine counts as under load


@dataclass(frozen=True)
class Moment:
    """The processors' clocks at one moment."""

    seconds: float
    busy: float  # core seconds spent on anything since the start of the system, or taken by a hypervisor


@dataclass(frozen=True)
class Load:
    """What else went on."""

    other_cores: float | None  # mean cores in use by others; None: not measured
    load_average: float  # of the last minute, at the end
    megahertz: float | None  # mean over cores, at the end; None where the system does not tell


def moment() -> Moment:
    """Now."""
    times = psutil.cpu_times()
    return Moment(time.monotonic(), sum(getattr(times, kind, 0.0) for kind in BUSY))


def load_between(start: Moment, end: Moment, own_cpu_seconds: float) -> Load:
    """What others did between two moments in which we spent some core seconds."""
    other = max(end.busy - start.busy - own_cpu_seconds, 0.0) / max(end.seconds - start.seconds, 1e-9)
    return Load(other, psutil.getloadavg()[0], megahertz())


def megahertz() -> float | None:
    """The mean clock of the cores, or None where the system does not tell."""
    with suppress(OSError, NotImplementedError, RuntimeError):
        frequency = psutil.cpu_freq()
        return frequency.current if frequency and frequency.current else None
    return None


def available_bytes() -> int:
    """Memory that may be taken without hurting others."""
    return psutil.virtual_memory().available


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
