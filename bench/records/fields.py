"""The types of a record's fields: what a number, a count, a name and a path may be, so that whatever is read can be shown."""

import unicodedata
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

LARGEST = 1e70  # its fourth power is still a float: variances and their squares stay finite
NAME = 200  # characters of a name, a metric or a path's part
MESSAGE, LINE, LINES = 2_000, 500, 40  # characters of a failure's message, of a line of its traceback, and such lines


def _in_one_line(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise ValueError("holds a control character")
    return text


def _file_name(text: str) -> str:
    if text.startswith(".") or "/" in text or "\\" in text:
        raise ValueError("becomes a folder's name: it may hold no / or \\ and may not begin with a dot")
    return text


def _below(text: str) -> str:
    path = PurePosixPath(text)
    if text and (
        path.is_absolute() or "\\" in text or ".." in path.parts or any(len(part) > NAME for part in path.parts)
    ):
        raise ValueError("must be a path below the record's folder")
    return text


def _moment(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is not a time as ISO 8601 writes it") from None
    return text


def shortened(text: object, most: int) -> object:
    """Text cut to `most` characters; anything else as it is."""
    return f"{text[: most - 1]}…" if isinstance(text, str) and len(text) > most else text


def _cut_message(text: object) -> object:
    return shortened(text, MESSAGE)


def _cut_lines(lines: object) -> object:
    return [shortened(line, LINE) for line in lines[-LINES:]] if isinstance(lines, list | tuple) else lines


Finite = Annotated[float, Field(allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
Seconds = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e12)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Version = Annotated[str, Field(pattern=r"^\d{1,9}\.\d{1,9}\.\d{1,9}$")]
Line = Annotated[str, Field(max_length=10_000), AfterValidator(_in_one_line)]
Name = Annotated[str, Field(min_length=1, max_length=NAME), AfterValidator(_in_one_line)]
FolderName = Annotated[Name, AfterValidator(_file_name)]
Author = Annotated[str, Field(max_length=100), AfterValidator(_in_one_line)]
Below = Annotated[str, Field(max_length=1_000), AfterValidator(_in_one_line), AfterValidator(_below)]
Moment = Annotated[str, Field(max_length=40), AfterValidator(_moment)]
Message = Annotated[str, BeforeValidator(_cut_message)]
Traceback = Annotated[tuple[str, ...], BeforeValidator(_cut_lines)]
