"""Does `bench plan` know what a run takes? python tools/plan_accuracy.py

Plans a short run of every member at 32 x 32 pixels and makes it, one after the other, on one thread, in CPU seconds, so that
other work on the machine disturbs the comparison little. Writes the table between the markers in docs/performance.md; what
was measured is kept in the folder given by --kept, so that the same command goes on.

    python tools/plan_accuracy.py                 every member, and the table
    python tools/plan_accuracy.py dcgan sngan     these, without the table
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from bench import members
from bench.errors import UserError
from bench.files import write_atomically
from bench.runs.clock import running
from bench.runs.estimate import estimate
from bench.runs.experiment import Experiment, prefer, prepare
from bench.runs.pace import pace
from bench.runs.run import Finished, run
from bench.runs.starting import build
from bench.suites.suite import Suite, parse
from bench.training.loop import Execution
from bench.training.schedule import draws

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- plan:begin -->", "<!-- plan:end -->"
SECONDS = 1.5  # of training, at least
ITERATIONS = 16  # of every stage, at least: every lazy update of the zoo once
BATCH = 16
SUITE = """
name = "plan-accuracy"
version = "1.0.0"
members = ["{member}"]
seeds = [0]
ranking = "fid@random-cnn"
[data]
name = "{data}"
resolution = 32
[training]
images = {images}
batch_size = {batch}
width = 0.25
[evaluation]
metrics = ["fid@random-cnn", "fid@random-cnn:held-out", "precision@random-cnn", "coverage@random-cnn"]
samples = {samples}
points = 2
curve_samples = {samples}
selection = "fid@random-cnn:held-out"
"""


@dataclass(frozen=True)
class Line:
    """What was said, and what came; CPU seconds."""

    member: str
    iterations: int
    train: tuple[float, float]  # planned, measured
    evaluate: tuple[float, float]

    @property
    def off(self) -> float:
        """How far the whole is from the plan, as a share of the plan."""
        planned, measured = (self.train[side] + self.evaluate[side] for side in (0, 1))
        return measured / planned - 1


def main(arguments: list[str]) -> None:
    """Measure what is asked for and not kept, then write the table."""
    parser = argparse.ArgumentParser(description="Hold the plans of members against runs.")
    parser.add_argument("members", nargs="*")
    parser.add_argument("--kept", type=Path, default=Path(tempfile.gettempdir()) / "plan_accuracy")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    running.now = time.process_time
    lines = list(measured(asked.members or list(members.listings()), asked.kept))
    for line in lines:
        print(f"{line.member}: {line.off:+.0%}")
    if not asked.members:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
        _, _, after = rest.partition(END)
        write_atomically(PAGE, f"{before}{BEGIN}\n{table(lines)}\n{END}{after}".encode())


def measured(names: list[str], kept: Path) -> Iterator[Line]:
    """A line for each member, from the folder where it is there."""
    for name in names:
        path = kept / f"{name}.json"
        if not path.exists():
            write_atomically(path, json.dumps(asdict(line_of(name, kept))).encode())
        found = json.loads(path.read_text(encoding="utf-8"))
        yield Line(found["member"], found["iterations"], tuple(found["train"]), tuple(found["evaluate"]))


def line_of(name: str, kept: Path) -> Line:
    """Plan a run whose training takes some seconds, and make it."""
    with tempfile.TemporaryDirectory() as folder:
        data = "digits" if _draws_digits(name, Path(folder)) else f"pairs:{_pairs(kept)}"
        first = experiment_of(name, data, 10**9, Path(folder))
        (job,) = first.jobs()
        stages = pace(first, job, again=True).training
        gan = build(first, job)
        least = max(draws(stage) for stage in gan.schedule) * BATCH * ITERATIONS * len(stages)
        slowest = max(stage.mean for stage in stages)
        experiment = experiment_of(name, data, max(least, int(SECONDS / slowest)), Path(folder))
        (job,) = experiment.jobs()
        train, evaluate = estimate(experiment, job)
        (record,) = (event.record for event in run(experiment, [job]) if isinstance(event, Finished))
    if record.status != "ok":
        raise UserError(f"{name}: ended as {record.status}: {record.failure}")
    seconds = record.seconds
    return Line(job.member.name, record.steps, (train.mean, seconds["train"]), (evaluate.mean, seconds["evaluate"]))


def experiment_of(name: str, data: str, images: int, results: Path) -> Experiment:
    """A suite of this one member."""
    samples = 300 if data == "digits" else 64
    suite: Suite = parse(SUITE.format(member=name, data=data, images=images, batch=BATCH, samples=samples), "-")
    suite, execution = prefer(suite, Execution())
    return prepare(suite, results, execution)


def _draws_digits(name: str, results: Path) -> bool:
    """Whether the member can be built for images of classes without a source."""
    experiment = experiment_of(name, "digits", 10**9, results)
    try:
        gan = build(experiment, experiment.jobs()[0])
    except UserError:
        return False
    return gan.task not in ("paired", "unpaired")


def _pairs(kept: Path) -> Path:
    """Made-up pairs side by side, 64 for training and 64 held out."""
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        folder = kept / "pairs" / split
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(64):
            Image.fromarray(random.integers(0, 256, (32, 64, 3), dtype=np.uint8)).save(folder / f"{index}.png")
    return kept / "pairs"


def table(lines: list[Line]) -> str:
    """The lines as Markdown, and how many of them are near."""
    near = sum(abs(line.off) <= 0.3 for line in lines)
    rows = [
        f"| {line.member} | {line.iterations} | {line.train[0]:.1f} | {line.train[1]:.1f} | {line.evaluate[0]:.1f} | "
        f"{line.evaluate[1]:.1f} | {100 * line.off:+.0f} % |"
        for line in lines
    ]
    head = ["| member | iterations | training: planned | measured | evaluation: planned | measured | off |"]
    said = f"{near} of {len(lines)} members are within 30 % of the plan."
    return "\n".join([said, "", *head, "| :-- | --: | --: | --: | --: | --: | --: |", *rows])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"plan_accuracy: {error}")
