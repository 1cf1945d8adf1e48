"""Answers that raters hand in: read, held against the study's key, and whose count."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bench.errors import UserError
from bench.human.study import CHOICES, LARGEST, Choice, Study
from bench.suites.frozen import Frozen


class Answer(Frozen):
    """One trial's."""

    trial: Annotated[int, Field(ge=0)]
    choice: Choice
    milliseconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Answers(Frozen):
    """What one rater handed in."""

    format: Literal[1] = 1
    page: str
    rater: Annotated[str, Field(min_length=1, max_length=80)]
    answers: tuple[Answer, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Collected:
    """The answers that count, and why others do not."""

    counted: tuple[Answers, ...]
    left_out: tuple[str, ...]  # a line for each rater


def collect(study: Study, paths: Sequence[Path], catches_needed: float = 0.9) -> Collected:
    """The answers of all raters; those who miss catch trials do not count.

    Args:
        study: The key of the page that was answered.
        paths: Files that the page handed out.
        catches_needed: The share of catch trials that a rater must get right, 0 to 1.

    Raises:
        UserError: A file that is no answers, is of another page, has trials that the study does not have or not all of them, or
            is of a rater who has handed in another one.
    """
    files: dict[str, Path] = {}
    counted: list[Answers] = []
    left_out: list[str] = []
    for path in paths:
        found = _read(path)
        _check(study, found, path)
        if found.rater in files:
            raise UserError(
                f"{path}: answers of {found.rater!r}, who has handed in {files[found.rater]} too. Give one of the two."
            )
        files[found.rater] = path
        right, asked = _catches(study, found)
        if asked and right < catches_needed * asked:
            left_out.append(f"{found.rater}: {right} of {asked} catch trials right")
        else:
            counted.append(found)
    if not counted:
        raise UserError(f"nobody's answers count: {'; '.join(left_out) or 'no file was given'}.")
    return Collected(tuple(counted), tuple(left_out))


def _read(path: Path) -> Answers:
    advice = "Give the file that the study's page handed out."
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(f"{path}: is larger than {LARGEST >> 20} MiB. {advice}")
        return Answers.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}. {advice}") from None
    except (ValueError, RecursionError) as error:
        why = "it is not JSON"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            why = f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}"
        raise UserError(f"{path}: no answers: {why}. {advice}") from None


def _check(study: Study, found: Answers, path: Path) -> None:
    if found.page != study.page:
        raise UserError(f"{path}: answers of another page ({found.page[:8]}; the key is of {study.page[:8]}).")
    given = [answer.trial for answer in found.answers]
    if sorted(given) != list(range(len(study.trials))):
        raise UserError(
            f"{path}: {len(set(given))} different trials are answered. Each of the study's {len(study.trials)} was expected once."
        )
    odd = [answer.choice for answer in found.answers if answer.choice not in CHOICES[study.mode]]
    if odd:
        raise UserError(
            f"{path}: the answer {odd[0]!r} does not belong to this study: {', '.join(CHOICES[study.mode])}."
        )


def _catches(study: Study, found: Answers) -> tuple[int, int]:
    """How many catch trials a rater has right, of how many."""
    chosen = [(study.trials[a.trial].right_answer, a.choice) for a in found.answers if study.trials[a.trial].catch]
    return sum(right == choice for right, choice in chosen), len(chosen)
