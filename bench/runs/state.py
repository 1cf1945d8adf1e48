"""What a run knows while it goes on: means, curve, times, its best networks. Saved with every checkpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn

from bench.records.record import Point
from bench.runs.clock import running
from bench.runs.gallery.image_files import KeptFile
from bench.training.environment import synchronise


@dataclass
class RunningMeans:
    """Means of losses and diagnostics since the last point of the curve. Sums stay on the device."""

    sums: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, terms: Mapping[str, Tensor]) -> None:
        """Count one look."""
        for name, value in terms.items():
            self.sums[name] = self.sums[name] + value if name in self.sums else value
            self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """The means that are finite. Waits for the device."""
        values = {name: float(total) / self.counts[name] for name, total in self.sums.items()}
        return {name: value for name, value in values.items() if isfinite(value)}


@dataclass(frozen=True)
class Best:
    """The best checkpoint so far, by the suite's selection metric."""

    images: int  # real images drawn when it was taken
    value: float  # of the selection metric
    nets: dict[str, dict[str, Tensor]]  # name -> weights to sample from, on the CPU


@dataclass
class RunState:
    """Everything of a run that is not in its networks and optimisers."""

    started: str  # UTC, ISO 8601
    curve: list[Point] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)  # phase -> seconds, over all interruptions
    meter: RunningMeans = field(default_factory=RunningMeans)
    best: Best | None = None
    pictures: list[KeptFile] = field(default_factory=list)
    peak_memory_bytes: int = 0  # over all interruptions; 0: not known
    evaluated: int = 0  # generated images that were measured so far

    def saved(self) -> dict[str, Any]:
        """As plain values and tensors."""
        return {
            **vars(self),
            "curve": [point.model_dump() for point in self.curve],
            "meter": vars(self.meter),
            "best": None if self.best is None else vars(self.best),
            "pictures": [asdict(kept) for kept in self.pictures],
        }

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "RunState":
        """From what `saved` gave."""
        best = saved["best"]
        typed = {
            "curve": [Point(**point) for point in saved["curve"]],
            "meter": RunningMeans(**saved["meter"]),
            "best": None if best is None else Best(**best),
            "pictures": [KeptFile(**kept) for kept in saved["pictures"]],
        }
        return cls(**{**saved, **typed})


class Stopwatch:
    """Adds the seconds between start and stop to a phase, but for those in which the process was stopped.

    It waits for the device at these edges, and nowhere else.
    """

    def __init__(self, device: torch.device, seconds: dict[str, float], phase: str):
        self.device, self.seconds, self.phase = device, seconds, phase
        self.begin = 0.0

    def start(self) -> None:
        """Begin to count."""
        synchronise(self.device)
        self.begin = running()

    def stop(self) -> None:
        """Add what has passed since the start."""
        synchronise(self.device)
        self.seconds[self.phase] = self.seconds.get(self.phase, 0.0) + running() - self.begin

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def weights_of(nets: Mapping[str, nn.Module]) -> dict[str, dict[str, Tensor]]:
    """Copies of all weights on the CPU, by network."""
    return {
        name: {key: value.detach().cpu().clone() for key, value in net.state_dict().items()}
        for name, net in nets.items()
    }
