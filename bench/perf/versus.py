"""`bench perf A --against B`: both in processes of their own, in interleaved rounds; B may be a revision of the checkout."""

import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench import members
from bench.errors import UserError
from bench.gan import ImageSpec
from bench.perf.case import What, WorkloadSpec
from bench.perf.machine import Load, load_between, moment
from bench.perf.member import PerfOptions, case_of, under_load
from bench.perf.process import ROOT, Worker
from bench.perf.rounds import calls_for, interleave, warm_up
from bench.perf.verdict import Comparison, compare
from bench.records import speed_figures


@dataclass(frozen=True)
class Versus:
    """One quantity of two members."""

    what: What
    batch: int
    mode: str
    candidate: str
    baseline: str
    comparison: Comparison
    load: Load

    @property
    def words(self) -> str:
        """The verdict in a line."""
        unit = "training iteration" if self.what == "training" else "generation"
        head = f"{self.candidate} against {self.baseline}, {unit}, batch {self.batch}, {self.mode}"
        return "\n".join(
            [f"{head}: {self.comparison.words}", *(f"  WARNING: {words}" for words in under_load(self.load))]
        )

    def as_json(self) -> str:
        """Everything, with every raw round, on one line."""
        found = self.comparison
        return json.dumps(
            {
                **{key: value for key, value in asdict(self).items() if key != "comparison"},
                "verdict": found.verdict,
                "settled": found.settled,
                "log_ratio": asdict(found.difference),
                "log_ratio_to_itself": asdict(found.itself),
                "log_floor": found.floor,
                "summary": {lane: self._summary(rounds) for lane, rounds in found.lanes.items()},
                "rounds_ms": found.lanes,
                "warnings": under_load(self.load),
            }
        )

    def _summary(self, rounds: Sequence[Sequence[float]]) -> dict[str, float]:
        """Milliseconds of a call of one lane (b is the candidate), and images generated per second at the median."""
        times = speed_figures.percentiles([ms for times in rounds for ms in times])
        found = {f"{name}_ms": ms for name, ms in asdict(times).items()}
        return found if self.what == "training" else found | {"images_per_second": self.batch * 1e3 / times.p50}


@dataclass(frozen=True)
class Side:
    """What is timed, from which code."""

    name: str
    case: WorkloadSpec
    root: Path = ROOT


def versus(side: Side, against: Side, seed: int = 0) -> Versus:
    """Time two sides against each other, and the baseline against itself, until the verdict is settled.

    Raises NoMemoryError, UnsupportedError or UserError when one of them cannot be run.
    """
    before, own = moment(), sum(os.times()[:4])
    with ExitStack() as stack:
        lanes = {"a": against, "b": side, "again": against}
        workers = {lane: stack.enter_context(Worker(chosen.root)) for lane, chosen in lanes.items()}
        for lane, worker in workers.items():
            worker.open(lane, lanes[lane].case)
        timers = {lane: worker.timer(lane) for lane, worker in workers.items()}
        calls = {lane: calls_for(warm_up(timer).ms) for lane, timer in timers.items()}
        found = compare(lambda blocks: interleave(timers, calls, blocks), seed)
    load = load_between(before, moment(), sum(os.times()[:4]) - own)
    case = side.case
    return Versus(case.what, case.batch, case.mode, side.name, against.name, found, load)


def rows(side: Side, against: Side, asked: PerfOptions) -> Iterator[Versus]:
    """Every mode, generating each batch size and training: one verdict each, as soon as it is found."""
    for mode in asked.modes:
        kinds: list[tuple[What, int]] = [("generation", batch) for batch in asked.batches]
        if mode != "onnx":
            kinds.append(("training", asked.training_batch))
        for what, batch in kinds:
            candidate, baseline = (
                replace(one, case=replace(one.case, mode=mode, what=what, batch=batch)) for one in (side, against)
            )
            yield versus(candidate, baseline)


def sides(name: str, against: str, asked: PerfOptions, root: Path | None = None) -> tuple[Side, Side]:
    """The candidate and the baseline: another member of the same size, or, with `root`, the candidate's code in there.

    Raises UserError for members that are unknown or refuse the size.
    """
    listing = members.find(name)
    case = case_of(listing, asked)
    if root is not None:
        return Side(listing.name, case), Side(f"{listing.name} at {against}", case, root)
    other = members.find(against)
    return Side(listing.name, case), Side(other.name, case_of(other, asked, _spec_if_taken(case)))


def _spec_if_taken(case: WorkloadSpec) -> ImageSpec | None:
    """The candidate's own spec where it says more than the size (classes, sources)."""
    if not (case.classes or case.source_channels):
        return None
    return ImageSpec(case.channels, case.resolution, case.classes, case.source_channels)


@contextmanager
def checkout(revision: str, root: Path = ROOT) -> Iterator[Path]:
    """The code of a revision in a folder of its own, gone when the block ends.

    Raises UserError when there is no such revision, this is not a checkout, or the revision cannot be timed.
    """
    if not revision or revision.startswith("-"):  # git would take it for an option
        raise UserError(f"--against {revision!r} is neither a member nor a revision. Give a commit, branch or tag.")
    found = subprocess.run(
        ["git", "-C", str(root), "archive", "--format=tar", revision, "--", "bench", "zoo"],
        capture_output=True,
        check=False,
    )
    if found.returncode:
        reason = found.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise UserError(
            f"--against {revision}: neither a member nor a revision of this checkout: {' '.join(reason)}. "
            "Give a member's name, module:function, or a commit, branch or tag."
        )
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(found.stdout)) as tar:
            tar.extractall(folder, filter="data")
        if not (Path(folder) / "bench" / "perf" / "worker.py").is_file():
            raise UserError(
                f"--against {revision}: that revision is older than `bench perf` and cannot be timed. Give a later one."
            )
        yield Path(folder)
