"""What every member of the zoo learns on the embedded digits: python tools/measure_zoo.py

Trains each member that needs no pictures to translate with one seed under the rules of the suite `digits`, and measures
its samples before the first step and after the last one. A line of docs/zoo_on_digits.jsonl for each; the same command
resumes, and trains again what has no line for its budget and seed, or one of code whose first losses were others (--again:
one of any other code). docs/zoo_on_digits.md is made from the lines.

    python tools/measure_zoo.py                            every member
    python tools/measure_zoo.py dcgan biggan               these
    python tools/measure_zoo.py sngan --images 240_000     with another budget, in a table of its own
    python tools/measure_zoo.py --page                     the page alone
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo
from torch import nn
from zoo_page import LINES, Line, current_trace, keep, page, read

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

NAMES = "members"  # the text chunk of a sheet with the names of its tiles
FID, ACCURACY = "fid@digits-cnn", "gan-test@digits-cnn"


def main(arguments: list[str]) -> None:
    """Measure what is missing, then write the page."""
    asked = _parse(arguments)
    digits, cpu = suite.load("digits"), torch.device("cpu")
    digits, execution = prefer(digits, Execution(cpu))
    experiment = prepare(digits, asked.results, execution)
    usual = digits.training.images
    assert usual is not None, "the suite has a budget in images"
    for listing in [] if asked.page else generative(experiment, asked.members):
        images = asked.images or usual
        kept = {line.place: line for line in read(asked.lines)}.get((listing.name, images, asked.seed))
        edited = kept is not None and kept.source_digest != members.source_digest(listing)
        if kept is None or kept.state == "earlier" or (asked.again and edited):
            line = train(experiment, listing, images, asked.seed, asked.grids)
            keep(line, asked.lines)
            print(json.dumps(asdict(line)), flush=True)
    lines = read(asked.lines)
    write_atomically(asked.lines.with_suffix(".md"), page(lines).encode())
    if asked.sheet:
        usual = [line for line in lines if line.images == experiment.suite.training.images]
        before = _opened(asked.sheet) if asked.sheet.is_file() else None
        made = sheet(usual, asked.grids, before)
        names = PngInfo()
        names.add_text(NAMES, made.info[NAMES])
        made.save(asked.sheet, pnginfo=names)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("members", nargs="*", help="registered names; all of the zoo if none is given")
    parser.add_argument("--images", type=int, help="real images shown to every member, instead of the suite's budget")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lines", type=Path, default=LINES, help="where the lines go; the page goes next to them")
    parser.add_argument("--grids", type=Path, help="a folder for one grid of samples per member")
    parser.add_argument(
        "--sheet", type=Path, help="one picture of the members' samples, renewed from the grids in --grids"
    )
    parser.add_argument(
        "--again", action="store_true", help="train again what was edited since, even if its first losses are the same"
    )
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
        trace=current_trace(listing.name) or "",
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
    """The metrics of a sample of the networks as they are; training is not affected."""
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


def sheet(lines: list[Line], grids: Path, before: Image.Image | None = None, columns: int = 4) -> Image.Image:
    """The first three rows of every member's grid, under its name.

    A member without a grid keeps its tile of the sheet `before`; without one it is left out. A sheet holds the names of its tiles
    in order, so that new members may stand between old ones.
    """
    paths = {line.member: path for line in lines if (path := grids / f"{line.member}.png").is_file()}
    side = next(_opened(path).width for path in paths.values())
    width, height = 2 * side + 12, 2 * (side * 3 // 8) + 26
    old = before.info[NAMES].split() if before is not None else []
    names = [line.member for line in lines if line.member in old or line.member in paths]
    whole = Image.new("RGB", (columns * width, -(-len(names) // columns) * height), "white")
    for index, name in enumerate(names):
        if name in paths:
            tile = _tile(name, _opened(paths[name]), (width, height))
        else:
            assert before is not None
            x, y = old.index(name) % columns * width, old.index(name) // columns * height
            tile = before.crop((x, y, x + width, y + height))
        whole.paste(tile, (index % columns * width, index // columns * height))
    whole.info[NAMES] = " ".join(names)
    return whole


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def _tile(name: str, grid: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The name, and below it the grid's upper rows at twice the size."""
    tile = Image.new("RGB", size, "white")
    ImageDraw.Draw(tile).text((0, 4), name, "black", font_size=14)
    rows = grid.crop((0, 0, grid.width, grid.width * 3 // 8))  # eight columns: three rows
    tile.paste(rows.resize((2 * rows.width, 2 * rows.height), Image.Resampling.NEAREST), (0, 22))
    return tile


if __name__ == "__main__":
    main(sys.argv[1:])
