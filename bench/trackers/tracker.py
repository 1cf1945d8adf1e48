"""What an experiment tracker is: four methods. Write one, register it under the entry-point group `bench.trackers`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.records.record import Record

Value = str | int | float | bool


@dataclass(frozen=True)
class TrackedRun:
    """One training of one member with one seed."""

    id: str  # the same when the run goes on after an interruption
    suite: str
    member: str
    seed: int
    config: Mapping[str, Value] = field(default_factory=dict)  # the protocol's rules and the member's parameters, flat

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.suite}/{self.member}/{self.seed}"


class Tracker(Protocol):
    """Is told what goes on. Runs come one after another; whatever a method raises ends the tracking and nothing else.

    The factory that is registered takes the folder for the tracker's files, which exists.
    """

    def start(self, run: TrackedRun) -> None:
        """A run begins, or goes on."""
        ...

    def log(self, images: int, values: Mapping[str, float]) -> None:
        """Numbers after so many real images: "train/PLAYER/TERM", "score/METRIC", "images_per_second"."""
        ...

    def picture(self, images: int, name: str, path: Path) -> None:
        """A PNG file that was kept, such as "grid": samples from the same latents, after so many images."""
        ...

    def finish(self, record: Record | None) -> None:
        """The run has its record; None: it was interrupted, and goes on with another process."""
        ...
