"""What every member of the zoo learns on the embedded digits: python tools/measure_zoo.py

Trains each member that needs no pictures to translate with one seed under the rules of the suite `digits`, and measures
its samples before the first step and after the last one. A line of docs/zoo_on_digits.jsonl for each; the same command
resumes, and trains again only what has no line for its code, budget and seed. docs/zoo_on_digits.md is made from the lines.

    python tools/measure_zoo.py                            every member
    python tools/measure_zoo.py dcgan biggan               these
    python tools/measure_zoo.py sngan --images 240_000     with a budget of its own, beside the usual one
    python tools/measure_zoo.py --page                     the page alone
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import nn

from bench import members
from bench.errors import UserError
from bench.features.sample import Sample
from bench.files import write_atomically
from bench.gan import GAN
from bench.members import Listing
from bench.metrics.measure import measure
from bench.records.grid import COLUMNS
from bench.runs.experiment import Experiment, prefer, prepare
from bench.runs.gallery.image_files import write_grid
from bench.runs.starting import start_training
from bench.suites import suite
from bench.training.loop import Execution, Training
from bench.training.sampling import generate, grid_request, request

PAGE = Path(__file__).parents[1] / "docs" / "zoo_on_digits.md"
LINES = PAGE.with_suffix(".jsonl")
FID, ACCURACY = "fid@digits-cnn", "gan-test@digits-cnn"
TIMES, RECOGNISED = (
    5.0,
    0.8,
)  # the bars: FID so many times lower than at initialisation, share of samples of their class
LATE = "Its untrained samples score {} where dcgan's score 577, which raises the bar."
FEW_STEPS = "Its critic takes five batches for one step of the generator, which leaves 600 steps in this budget."
REASONS = {  # why a member misses a bar, where it is known; shown for those that do
    "gan": "A perceptron under dropout learns slowly: its authors' schedule is over 250 epochs of 50,000 digits, this one is one.",
    "r3gan": LATE.format(337) + " Its conditional twin passes.",
    "sngan-projection": FEW_STEPS
    + " Its rate falls from 2e-4 to 0, so that a class's scale and shift move by some 0.06: the classes stay alike.",
    "progan": LATE.format(309) + " Trained, it is ahead of dcgan's 93.5.",
    "stylegan": LATE.format(304),
    "stylegan2": LATE.format(351) + " Trained, it is ahead of dcgan's 93.5, and its conditional twin passes.",
    "stylegan2-ada": LATE.format(484)
    + " Its constants are the paper's for 100 million images: an augmentation that takes 500,000 to rise.",
    "unrolled-gan": "The steps ahead cost speed: without them the same networks reach 108.9 with this budget and seed.",
    "vae": "No GAN: the blurred baseline that boards show as calibration.",
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

| member | images | FID untrained | FID trained | times lower | class found | passes |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
"""
LONGER = """
## With a budget of its own

What a member learns when it is given more: whether it is the budget or the member that misses the bar.

| member | images | FID untrained | FID trained | times lower | class found | passes |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
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

    @property
    def key(self) -> tuple[str, str, int, int]:
        """Equal: the same training."""
        return self.member, self.source_digest, self.images, self.seed

    @property
    def place(self) -> tuple[str, int, int]:
        """Equal: the same row of the page."""
        return self.member, self.images, self.seed

    @property
    def times(self) -> float:
        """How many times lower the FID has become."""
        return self.fid_before / self.fid_after if self.fid_after else 0.0

    @property
    def passes(self) -> bool:
        """Whether both bars are met."""
        return self.times >= TIMES and (not self.conditional or (self.accuracy or 0.0) >= RECOGNISED)


def main(arguments: list[str]) -> None:
    """Measure what is missing, then write the page."""
    asked = _parse(arguments)
    digits, cpu = suite.load("digits"), torch.device("cpu")
    digits, execution = prefer(digits, Execution(cpu))
    experiment = prepare(digits, asked.results, execution)
    for listing in [] if asked.page else generative(experiment, asked.members):
        images = asked.images or experiment.suite.training.images
        wanted = (listing.name, members.source_digest(listing), images, asked.seed)
        if wanted not in {line.key for line in read(asked.lines)}:
            line = train(experiment, listing, images, asked.seed, asked.grids)
            keep(line, asked.lines)
            print(json.dumps(asdict(line)), flush=True)
    lines = read(asked.lines)
    write_atomically(asked.lines.with_suffix(".md"), page(lines).encode())
    if asked.sheet:
        sheet([line for line in lines if line.images == experiment.suite.training.images], asked.grids).save(
            asked.sheet
        )


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("members", nargs="*", help="registered names; all of the zoo if none is given")
    parser.add_argument("--images", type=int, help="real images shown to every member, instead of the suite's budget")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", type=Path, default=LINES, help="where the lines go; the page goes beside them")
    parser.add_argument("--grids", type=Path, help="a folder for one grid of samples per member")
    parser.add_argument("--sheet", type=Path, help="one picture of the members' samples, from the grids in --grids")
    parser.add_argument("--page", action="store_true", help="only write the page from the lines there are")
    asked = parser.parse_args(arguments)
    asked.results = asked.lines.parent
    if asked.sheet and not asked.grids:
        parser.error("--sheet takes its pictures from a folder: give --grids too")
    return asked


def generative(experiment: Experiment, names: list[str]) -> Iterator[Listing]:
    """Members of the zoo that start from latents; in the order of their names unless names are given."""
    zoo = [listing for listing in members.listings().values() if listing.entry_point.startswith("zoo.")]
    for listing in [members.find(name) for name in names] or zoo:
        try:
            with torch.device("meta"):
                gan: GAN = members.builder(listing)(experiment.spec)
        except UserError as refusal:
            print(f"{listing.name}: {refusal}", file=sys.stderr)
            continue
        if gan.latents is not None:
            yield listing


def train(experiment: Experiment, listing: Listing, images: int, seed: int, grids: Path | None) -> Line:
    """One member from its first image to its line, seeded as a run of the suite is."""
    job = experiment.jobs([listing.name], [seed])[0]
    training = start_training(experiment, job, images)
    gan = training.gan
    line = Line(
        member=listing.name,
        source_digest=members.source_digest(listing),
        images=images,
        seed=seed,
        conditional=gan.task == "conditional",
        fid_before=scores(experiment, training, [FID])[FID],
        fid_after=None,
        accuracy=None,
    )
    for _ in training.steps():
        pass
    if training.diverged_at_step is not None:
        return line
    found = scores(experiment, training, [FID, ACCURACY] if line.conditional else [FID])
    if grids is not None:
        _write_grid(experiment, gan, training.sampling_nets(), grids / f"{listing.name}.png")
    return replace(line, fid_after=found[FID], accuracy=found.get(ACCURACY))


def scores(experiment: Experiment, training: Training, ids: list[str]) -> dict[str, float]:
    """The metrics of a sample of the networks as they are; training goes on as if nobody had looked."""
    with torch.random.fork_rng():
        nets = training.sampling_nets()
        asked = request(training.gan, experiment.dataset, experiment.suite.evaluation.samples, seed=0)
        images = generate(training.gan, nets, asked, experiment.spec, experiment.execution)
        training.resume_training_mode()
    fake = Sample.of(images, asked.labels, name="sample")
    found = measure(ids, experiment.real.train, experiment.real.held_out, fake, experiment.rules.extractor)
    return {item.metric: item.value for item in found}


def _write_grid(experiment: Experiment, gan: GAN, nets: dict[str, nn.Module], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    images = generate(gan, nets, grid_request(gan, experiment.dataset), experiment.spec, experiment.execution)
    write_grid(images, path, COLUMNS)


def sheet(lines: list[Line], grids: Path, columns: int = 4) -> Image.Image:
    """The first three rows of every member's grid, under its name; members without a grid are left out."""
    tiles = [(line.member, Image.open(path)) for line in lines if (path := grids / f"{line.member}.png").is_file()]
    width, height = tiles[0][1].width, tiles[0][1].width * 3 // 8
    rows = -(-len(tiles) // columns)
    whole = Image.new("RGB", (columns * (2 * width + 12), rows * (2 * height + 26)), "white")
    pen = ImageDraw.Draw(whole)
    for index, (name, grid) in enumerate(tiles):
        left, top = index % columns * (2 * width + 12), index // columns * (2 * height + 26)
        pen.text((left, top + 4), name, "black", font_size=14)
        rows_of_it = (
            grid.convert("RGB").crop((0, 0, width, height)).resize((2 * width, 2 * height), Image.Resampling.NEAREST)
        )
        whole.paste(rows_of_it, (left, top + 22))
    return whole


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
    return f"| {' | '.join(cells)} | {'yes' if line.passes else 'no'} |\n"


def _miss(line: Line, longer: list[Line]) -> str:
    other = ABLATION if line.member.startswith("dcgan-") else UNKNOWN
    more = "".join(f" With {one.images:,} images: {_figures(one)}." for one in longer)
    return f"- `{line.member}`: {_figures(line)}. {REASONS.get(line.member, other)}{more}\n"


def _figures(line: Line) -> str:
    if line.fid_after is None:
        return "diverged"
    found = "" if line.accuracy is None else f", {line.accuracy:.1%} of the samples of their class"
    return f"FID {line.times:.1f} times lower{found}"


if __name__ == "__main__":
    main(sys.argv[1:])
