"""The page of what the zoo learns on digits, from lines that tools/measure_zoo.py has measured."""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from bench.files import write_atomically
from bench.suites import suite

State = Literal["current", "earlier"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "zoo_on_digits.md"
LINES = PAGE.with_suffix(".jsonl")
TRACES = ROOT / "tests" / "zoo" / "traces"  # the losses of each member's first ten iterations, which a test holds
TIMES = 5.0  # the first bar: how many times lower than at initialisation the FID is
RECOGNISED = 0.8  # the second one, of conditional members: the share of samples of their class
LATE = "Its untrained samples score {} where dcgan's score 577, which raises the bar."
FEW_STEPS = "Its critic takes five batches for one step of the generator, which leaves 600 steps in this budget."
COLLAPSED = (
    "It collapses to one picture. k, the weight of generated images in its critic's loss, is 0 after 250 steps and 0.06 after 500: "
    "the critic hardly looks at them, while the generator finds the one image that is rebuilt best."
)
REASONS = {  # why a member misses a bar, where it is known; shown for those that do
    "apa": LATE.format(351)
    + " It is stylegan2, whose FID falls 4.0 times, with a deception that takes 500,000 images to rise.",
    "began": COLLAPSED,
    "gan": "A perceptron under dropout learns slowly: its authors' schedule is over 250 epochs of 50,000 digits, this one is one.",
    "r3gan": LATE.format(355) + " Its conditional twin passes.",
    "sngan-projection": FEW_STEPS
    + " Its rate falls from 2e-4 to 0, so that a class's scale and shift move by some 0.06: the classes stay alike.",
    "progan": LATE.format(309) + " Trained, it is ahead of dcgan's 93.5.",
    "stylegan": LATE.format(304),
    "stylegan2": LATE.format(351) + " Trained, it is ahead of dcgan's 93.5, and its conditional twin passes.",
    "stylegan2-ada": LATE.format(484)
    + " Its constants are the paper's for 100 million images: an augmentation that takes 500,000 to rise.",
    "unrolled-gan": "The steps ahead cost speed: without them the same networks reach 108.9 with this budget and seed.",
    "vae": "Not a GAN: the blurred baseline that boards show as calibration.",
    "wgan": FEW_STEPS + " Its rate is the lowest of all, 5e-5.",
    "wgan-gp": FEW_STEPS,
}
ABLATION = "An ablation of dcgan, whose FID falls 6.2 times: what the change gives or costs at this budget is what the family is for."
UNKNOWN = "The reason is not known."
HEAD = """\
# The zoo on digits

Made by `python tools/measure_zoo.py`: one seed of every member that generates digits from noise or from a class, under the
rules of the suite `digits` ({images:,} images in batches of {batch}, 16 px, the last checkpoint, {samples:,} samples; FID
against the training split). One seed says that a member learns, not which member is better: that is what the suite's five
seeds and `bench leaderboard` are for. A member passes when its FID falls to a fifth of that of its untrained networks and,
if it is conditional, the extractor's classifier finds the class that was asked for in 80 % of its samples.
A member without a line has not been measured yet. Below the tables stand 24 samples of each, uncurated.

A row was made by the code of its time, whose digest is in docs/zoo_on_digits.jsonl. That code may have been edited since; as
long as a row is "current", the losses of its first ten iterations, which a test holds, are still the same to four digits. An
"earlier" row is of code that computed other losses: it waits to be measured again.

| member | images | FID untrained | FID trained | times lower | class found | passes | code |
| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |
"""
LONGER = """
## With a budget of its own

What a member learns when it is given more: whether it is the budget or the member that misses the bar.

| member | images | FID untrained | FID trained | times lower | class found | passes | code |
| --- | ---: | ---: | ---: | ---: | ---: | --- | --- |
"""
SAMPLES = """
## Samples

![The first 24 samples of every member, seed 0](figures/zoo_on_digits.png)
"""
MISSES = "\n## What misses its bar\n\n"


@dataclass(frozen=True)
class Line:
    """What was measured of a member."""

    member: str
    source_digest: str  # of the member's code
    images: int
    seed: int
    conditional: bool
    fid_before: float
    fid_after: float | None  # None: training diverged
    accuracy: float | None  # share of samples recognised as the class asked for; None: unconditional or diverged
    trace: str = ""  # sha256 of the member's trace at the time

    @property
    def place(self) -> tuple[str, int, int]:
        """Equal: the same row of the page."""
        return self.member, self.images, self.seed

    @property
    def state(self) -> State:
        """Whether the member's first losses are what they were when this line was made."""
        return "current" if self.trace and self.trace == current_trace(self.member) else "earlier"

    @property
    def times(self) -> float:
        """How many times lower the FID has become."""
        return self.fid_before / self.fid_after if self.fid_after else 0.0

    @property
    def passes(self) -> bool:
        """Whether both bars are met."""
        return self.times >= TIMES and (not self.conditional or (self.accuracy or 0.0) >= RECOGNISED)


@cache
def current_trace(member: str) -> str | None:
    """The digest of a member's trace as it stands; None where there is none."""
    path = TRACES / f"{member}.json"
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def read(path: Path) -> list[Line]:
    """The lines of the file, if there is one."""
    rows = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Line(**json.loads(row)) for row in rows]


def keep(line: Line, path: Path) -> None:
    """Add a line in the place of an older one of the same member, budget and seed."""
    kept = [other for other in read(path) if other.place != line.place]
    rows = sorted([*kept, line], key=lambda one: one.place)
    write_atomically(path, "".join(f"{json.dumps(asdict(row))}\n" for row in rows).encode())


def page(lines: list[Line]) -> str:
    """The table, then what misses its bar and why."""
    rules = suite.load("digits")
    budget = rules.training.images
    head = HEAD.format(images=budget, batch=rules.training.batch_size, samples=rules.evaluation.samples)
    usual, longer = ([line for line in lines if (line.images == budget) is same] for same in (True, False))
    parts = [head, *map(_row, usual)]
    if longer:
        parts += [LONGER, *map(_row, longer)]
    misses = [line for line in usual if not line.passes]
    if misses:
        parts += [MISSES, *(_miss(line, [other for other in longer if other.member == line.member]) for line in misses)]
    parts.append(SAMPLES)
    return "".join(parts)


def _row(line: Line) -> str:
    after = "diverged" if line.fid_after is None else f"{line.fid_after:.1f}"
    found = "" if line.accuracy is None else f"{line.accuracy:.1%}"
    cells = [f"`{line.member}`", f"{line.images:,}", f"{line.fid_before:.1f}", after, f"{line.times:.1f}", found]
    return f"| {' | '.join(cells)} | {'yes' if line.passes else 'no'} | {line.state} |\n"


def _miss(line: Line, longer: list[Line]) -> str:
    other = ABLATION if line.member.startswith("dcgan-") else UNKNOWN
    more = "".join(f" With {one.images:,} images: {_figures(one)}." for one in longer)
    return f"- `{line.member}`: {_figures(line)}. {REASONS.get(line.member, other)}{more}\n"


def _figures(line: Line) -> str:
    if line.fid_after is None:
        return "diverged"
    found = "" if line.accuracy is None else f", {line.accuracy:.1%} of the samples of their class"
    return f"FID {line.times:.1f} times lower{found}"
