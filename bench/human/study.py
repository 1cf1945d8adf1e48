"""What a study asks, and the right answers: the key that stays with whoever made the page."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from bench.errors import UserError
from bench.files import digest, write_atomically
from bench.suites.frozen import Frozen

Mode = Literal["real", "pair"]
Choice = Literal["real", "generated", "left", "right", "tie"]
CHOICES: dict[Mode, tuple[Choice, ...]] = {"real": ("real", "generated"), "pair": ("left", "right", "tie")}
REAL, NOISE = "real", "noise"  # names of what is shown beside members
LARGEST = 64 << 20  # bytes of a key or of answers


class Trial(Frozen):
    """One question: one picture, or two side by side."""

    shown: tuple[str, ...] = Field(min_length=1, max_length=2)  # whose pictures, from the left
    images: tuple[int, ...]  # which of each one's pictures
    right_answer: Choice | None = None  # None: there is none, it is a matter of opinion
    catch: bool = False  # anyone who looks gets it right


class Study(Frozen):
    """A page's questions in order."""

    format: Literal[1] = 1
    mode: Mode
    seed: int
    question: str
    members: tuple[str, ...]
    trials: tuple[Trial, ...]
    page: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # digest of everything that the page shows

    def write(self, path: Path) -> None:
        """Keep the key. Raises NotWritten."""
        write_atomically(path, (json.dumps(self.model_dump(mode="json"), indent=1) + "\n").encode())


def page_digest(shown: object) -> str:
    """Of what a page shows: its trials and pictures as JSON."""
    return digest(shown)


def read(path: Path) -> Study:
    """A study's key. Raises UserError for anything else."""
    try:
        if path.stat().st_size > LARGEST:
            raise UserError(
                f"{path}: is larger than {LARGEST >> 20} MiB. The key that `bench human page` wrote was expected."
            )
        return Study.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}. Give the key that `bench human page` wrote.") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(
            f"{path}: is no key of a study: {place}: {first['msg']}. Give the key that `bench human page` wrote."
        ) from None
