"""bench human ..."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.grouping import examples
from bench.cli.options import AsJson, DataRoot
from bench.errors import UserError

if TYPE_CHECKING:
    import numpy as np

KEY = ".key.json"  # beside the page
MOST = 1_000  # trials of a page


@examples(
    "bench human page sngan=sngan.npz dcgan=dcgan.npz --real cifar10 --out study.html",
    "bench human page results/demo/lsgan/0-abc.json --ask real --real digits --trials 100 --out study.html",
)
def page(
    members: Annotated[
        list[str],
        typer.Argument(metavar="[NAME=]PATH", help="Pictures of each member: a record, an .npz, a folder, an archive."),
    ],
    out: Annotated[Path, typer.Option(metavar="PATH", help="The page, an .html; its key is written beside it.")],
    ask: Annotated[
        Literal["real", "pair"],
        typer.Option(metavar="real|pair", help="Real or generated; which of two looks more real."),
    ] = "pair",
    real: Annotated[
        str | None,
        typer.Option(metavar="SET", help="Real pictures: a data set, whose held-out part is used, or files."),
    ] = None,
    trials: Annotated[int, typer.Option(metavar="N", min=1, max=MOST, help="Questions, without catch trials.")] = 60,
    catch: Annotated[float, typer.Option(metavar="SHARE", min=0, max=1, help="Catch trials for each question.")] = 0.1,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the order, the sides and the pictures.")] = 0,
    question: Annotated[str, typer.Option(metavar="TEXT", help="Instead of the usual question.")] = "",
    data_root: DataRoot = None,
) -> None:
    """Make one offline page that asks people: which pictures are real, or which of two look more real."""
    from bench.files import write_atomically
    from bench.human.page import make
    from bench.human.study import REAL

    if out.suffix != ".html":
        raise UserError(f"--out {out}: a page is written as .html.")
    pictures: dict[str, np.ndarray] = {}
    for text in members:
        name, images = _member(text, trials + round(catch * trials) + 1)
        if name in pictures or name == REAL:
            raise UserError(f"{text}: the name {name!r} is taken. Write NAME=PATH with another one.")
        pictures[name] = images
    if real is not None:
        pictures[REAL] = _real(real, next(iter(pictures.values())).shape[-1], data_root)
    study, html = make(ask, pictures, trials=trials, catch=catch, seed=seed, question=question)
    key = out.with_name(out.stem + KEY)
    study.write(key)
    write_atomically(out, html.encode())
    catches = sum(trial.catch for trial in study.trials)
    typer.echo(f"{out}: {len(study.trials)} questions, {catches} of them catch trials; give it to raters")
    typer.echo(f"{key}: the right answers; keep it for bench human collect")


@examples("bench human collect study.key.json answers/*.json")
def collect(
    key: Annotated[Path, typer.Argument(metavar="KEY", help="What bench human page wrote beside the page.")],
    answers: Annotated[list[Path], typer.Argument(metavar="ANSWERS", help="The files that raters handed in.")],
    catches_needed: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Of catch trials that a rater must get right to count.")
    ] = 0.9,
    as_json: AsJson = False,
) -> None:
    """Rates or strengths of the members of a study, with intervals over raters."""
    from dataclasses import asdict

    from bench.cli.output import print_json, table
    from bench.human import answers as reading
    from bench.human import study
    from bench.human.outcome import outcome, rows, summary

    asked = study.read(key)
    found = outcome(asked, reading.collect(asked, answers, catches_needed))
    if as_json:
        facts = {"raters": found.raters, "left_out": found.left_out, "mode": asked.mode, "page": asked.page}
        print_json(facts | {"members": [asdict(row) for row in found.rows]})
        return
    table(rows(found), as_json=False)
    for line in summary(found):
        typer.echo(line)


def _member(text: str, wanted: int) -> "tuple[str, np.ndarray]":
    """The name and the pictures of an argument."""
    name, given, path = text.partition("=")
    path, name = (path, name) if given else (text, "")
    if path.endswith(".json"):
        return _of_record(Path(path), name, wanted)
    from bench.data.imports.any_images import read_images

    return name or Path(path).stem, read_images(path).images


def _of_record(path: Path, name: str, wanted: int) -> "tuple[str, np.ndarray]":
    """As many pictures as may be shown, drawn from the record's member."""
    from bench.cli.choices import execution_of
    from bench.runs import trained_model

    execution = execution_of("auto")
    model = trained_model.load(path, "last", execution.device)
    return name or path.parent.name, model.sample(model.request(wanted, 0, 1.0), execution).numpy()


def _real(text: str, resolution: int, data_root: Path | None) -> "np.ndarray":
    """The held-out pictures of a data set at the members' size, or what lies in files."""
    import numpy as np

    from bench.data import loading
    from bench.data.imports.any_images import read_images, source_path

    if source_path(text) is not None:
        return read_images(text).images
    return np.asarray(loading.load(text, resolution=resolution, data_root=data_root).held_out.images)


verbs: Sequence = (page, collect)
