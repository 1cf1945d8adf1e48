"""The page of a study: one HTML file with everything in it, which shows pictures and hands out the answers."""

import base64
import io
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from bench.errors import UserError
from bench.human.study import NOISE, REAL, Mode, Study, Trial, page_digest
from bench.human.trials import planned
from bench.report import csp

QUESTIONS: dict[Mode, str] = {
    "real": "Is this picture real, or was it generated?",
    "pair": "Which picture looks more like a real one?",
}
SIDE = 256  # pixels that a picture takes at least, by a whole factor


def make(
    mode: Mode,
    pictures: Mapping[str, np.ndarray],
    *,
    trials: int,
    catch: float = 0.1,
    seed: int = 0,
    question: str = "",
) -> tuple[Study, str]:
    """A study and its page.

    Nothing on the page tells whose a picture is: names stand in the key alone. Pictures are lossless and enlarged by a whole factor
    without smoothing.

    Args:
        mode: "real" asks whether one picture is real, "pair" which of two looks more real.
        pictures: Member -> uint8 (N, C, H, W), all of one C, H, W; with those of "real" where mode or catch trials need them.
        trials: Questions, at least, without catch trials.
        catch: Catch trials for each trial, 0 to 1.
        seed: Of the order, the sides and the pictures.
        question: Instead of the usual one.

    Raises:
        UserError: Pictures of several sizes, too few of them or of members, or no real ones where they are asked about.
    """
    _check(mode, pictures)
    shape = next(iter(pictures.values())).shape[1:]
    found = planned(mode, {name: len(images) for name, images in pictures.items()}, trials, catch, seed)
    shown = _shown(found, pictures, seed)
    asked = question or QUESTIONS[mode]
    page = page_digest([mode, asked, shown])
    members = tuple(name for name in pictures if name != REAL)
    study = Study(mode=mode, seed=seed, question=asked, members=members, trials=found, page=page)
    return study, _html(study, shown, shape)


def _shown(trials: Sequence[Trial], pictures: Mapping[str, np.ndarray], seed: int) -> list[list[str]]:
    """The pictures of each trial, from the left."""
    shape = next(iter(pictures.values())).shape[1:]
    noise = np.random.default_rng([seed, 1])
    return [
        [
            _data_uri(noise.integers(0, 256, shape, np.uint8) if name == NOISE else pictures[name][index])
            for name, index in zip(trial.shown, trial.images, strict=True)
        ]
        for trial in trials
    ]


def _check(mode: Mode, pictures: Mapping[str, np.ndarray]) -> None:
    if mode == "real" and REAL not in pictures:
        raise UserError("whether pictures are real is asked beside real ones. Give --real a data set or a folder.")
    if not set(pictures) - {REAL}:
        raise UserError("no member is given. Give NAME=PATH of its pictures, or a record.")
    shapes = {name: images.shape[1:] for name, images in pictures.items()}
    first, *others = shapes
    for name in others:
        if shapes[name] != shapes[first]:
            raise UserError(
                f"{name}: pictures are {_size(shapes[name])}, those of {first} {_size(shapes[first])}. A study shows pictures of "
                "one size: make them alike first."
            )


def _size(shape: tuple[int, ...]) -> str:
    channels, height, width = shape
    return f"{width} x {height} {'grey' if channels == 1 else 'colour'}"


def _data_uri(image: np.ndarray) -> str:
    """A picture (C, H, W) as lossless PNG."""
    file = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else np.moveaxis(image, 0, 2)).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _html(study: Study, shown: list[list[str]], shape: tuple[int, ...]) -> str:
    styles, script = static("study.css"), static("study.js")
    _, height, width = shape
    factor = max(1, -(-SIDE // max(height, width)))
    data = {"page": study.page, "mode": study.mode, "trials": shown, "width": width * factor, "height": height * factor}
    return (
        _templates()
        .get_template("study.html")
        .render(
            styles=Markup(styles),
            script=Markup(script),
            policy=csp.policy(styles, script),
            study=study,
            data=data,
            pictures=len(shown[0]),
        )
    )


@cache
def static(name: str) -> str:
    """A file of ours that goes into the page."""
    return resources.files("bench.human").joinpath("static", name).read_text(encoding="utf-8")


@cache
def _templates() -> Environment:
    loader = PackageLoader("bench.human", "static")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
