"""JSON objects from files that anybody may have written: regular files, every key once, text that can be encoded."""

import json
import stat
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from bench.errors import UserError
from bench.formats import plain

RESTORE = "Restore it from version control, or delete it and run the job again."
Model = TypeVar("Model", bound=BaseModel)
LARGEST = 256 << 20  # bytes of a record


def load(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file; `what` names its kind in errors, e.g. ``record``.

    Raises UserError when it cannot be read, is not a regular file, is truncated or ambiguous, or holds something else.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"{what} {path}: cannot be read: it is not a regular file. Remove it.")
        if found.st_size > LARGEST:
            raise UserError(f"{what} {path}: cannot be read: {found.st_size:,} bytes are no {what}. Remove it.")
        text = path.read_bytes().decode("utf-8")
        content: object = json.loads(text, parse_constant=_not_json, object_pairs_hook=_unique)
        _require_text(content)
    except (OSError, MemoryError) as error:
        raise cannot_read(path, error, what) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{what} {path}: truncated or not JSON: {plain(error)[:200]}. {RESTORE}") from None
    if not isinstance(content, dict):
        raise UserError(f"{what} {path}: holds no JSON object. {RESTORE}")
    return cast("dict[str, Any]", content)


def cannot_read(path: Path, error: BaseException, what: str) -> UserError:
    """The error for a file or folder that the system does not give."""
    reason = (error.strerror if isinstance(error, OSError) else None) or plain(error) or type(error).__name__
    return UserError(f"{what} {path}: cannot be read: {reason}. Restore the file or remove it.")


def parse(model: type[Model], content: dict[str, Any], path: Path, what: str) -> Model:
    """The content as a model. Raises UserError that names the first field that is not as expected."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = plain(".".join(str(part) for part in first["loc"]))[:200]
        reason = plain(first["msg"].removeprefix("Value error, "))
        raise UserError(f"{what} {path}: {key or 'content'}: {reason}. {RESTORE}") from None


def _not_json(text: str) -> float:
    raise ValueError(f"{text} is not a number in JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return found


def _require_text(content: object) -> None:
    """Refuse text that no file or page can hold: half a surrogate pair, or the character 0."""
    if isinstance(content, str):
        content.encode("utf-8")  # raises UnicodeEncodeError, which is a ValueError
        if "\0" in content:
            raise ValueError("a text holds the character 0")
    elif isinstance(content, dict):
        for key, value in content.items():
            _require_text(key)
            _require_text(value)
    elif isinstance(content, list):
        for value in content:
            _require_text(value)
