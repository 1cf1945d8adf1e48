"""The parts of a record: scores, points of the curve, files beside it, how it ended, which code ran, and where."""

from typing import Literal

from pydantic import Field

from bench.parameters import Value
from bench.records.fields import Author, Below, Count, Finite, FolderName, Line, Message, Name, Seconds, Traceback
from bench.suites.frozen import Frozen

Role = Literal["member", "calibration", "adopted", "variant"]
Kept = Literal["kept", "not kept", "not made"]


class Score(Frozen):
    """One metric of one checkpoint, on one sample."""

    metric: Name  # NAME@EXTRACTOR, or NAME@EXTRACTOR:held-out
    version: int  # of the metric's definition
    better: Literal["lower", "higher"]
    value: Finite
    checkpoint: Literal["last", "best"]  # "best" was chosen by the protocol's selection metric on the curve
    samples_real: Count
    samples_fake: Count
    sample_seed: Count
    flags: tuple[Line, ...] = ()  # e.g. "100 fake samples for 192 feature dimensions"
    error: Finite | None = None  # what the metric knows of its own error; its summary says of what kind
    baseline: Finite | None = None  # the figure of held-out real images in the fakes' place


class Point(Frozen):
    """One point of the training curve."""

    images: Count  # real images drawn so far
    step: Count
    train_seconds: Seconds
    terms: dict[str, Finite]  # "player/term" -> mean since the last point, and diagnostics
    scores: dict[str, Finite]  # metric id -> value on the selection sample


class Artifact(Frozen):
    """A file beside the record, or a checkpoint in the cache; or the reason why there is no such file."""

    kind: Name  # "grid", "nearest-distances", "checkpoint": see docs/report.md
    path: Below = ""  # relative to the record's folder; for checkpoints to the cache's; "" where there is no file
    sha256: str = ""
    images: Count | None = None  # where in training it was made
    note: str = ""  # what a reader must know of it, e.g. the classes of its rows
    status: Kept = "kept"
    reason: Message = ""  # why it was not kept, or not made


class Compute(Frozen):
    """A budget in compute, and the images that it paid for."""

    flops: Finite  # the budget
    flops_per_image: Finite  # of training, by real image drawn: convolutions and matrix products, forward and backward
    images: Count  # the first over the second, rounded down


class Tuning(Frozen):
    """The search that chose the member's parameters, and what it cost."""

    study: Name  # digest of its file
    sampler: Name
    seed: Count  # of the sampler
    space: dict[Name, Line]  # parameter -> what it was searched over
    metric: Name  # that chose: on held-out images, at the end of a trial's budget
    trials: Count
    failed: Count  # trials that did not get to their end
    images: Count  # real images drawn by all trials, those of earlier searches for the same row too
    seconds: Seconds  # of training and evaluation, of this search


class Failure(Frozen):
    """Why a run ended without a result."""

    phase: Line
    type: Line
    message: Message  # the beginning, where it is long
    traceback_tail: Traceback = ()  # the end, where it is long


class Member(Frozen):
    """Which code ran."""

    name: FolderName
    entry_point: Line  # "module:function"
    distribution: Line  # "gan-bench 0.1.0", or "" for a loose file
    source_digest: Name  # over the syntax trees of the module and of what it imports from its own package
    task: str
    role: Role = "member"
    author: Author = ""  # who stands for it, where two people's members share a name
    commit: str | None = None  # of the repository that holds the member's code; None: in none
    dirty: bool = False  # its files differ from that commit, or are not in it
    libraries: dict[str, str] = Field(default_factory=dict)  # distributions that the code imports -> versions
    parameters: dict[Name, Value] = Field(default_factory=dict)  # of its builder, those at their default too

    @property
    def label(self) -> str:
        """What a board calls it: its name, and its author where one is given."""
        return f"{self.name} ({self.author})" if self.author else self.name


class Environment(Frozen):
    """Where it ran, described by what it is."""

    python: str
    system: str
    cpu: str
    cores: Count
    memory_bytes: Count
    accelerator: str | None
    threads: Count
    packages: dict[str, str]
    device: str
    processes: Count = Field(default=1, exclude_if=lambda count: count == 1)  # that shared the parts of a batch
    channels_last: bool
    compiled: bool
    commit: str | None  # of the checkout that ran
    dirty: bool
