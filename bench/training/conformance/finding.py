"""What a check finds, and unexpected errors as text."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.errors import UserError
from bench.gan import Builder, ImageSpec
from bench.training.observer import is_members, line_of

Status = Literal["ok", "skip", "warn", "fail"]
MARKS: dict[Status, str] = {"ok": "ok  ", "skip": "skip", "warn": "WARN", "fail": "FAIL"}
Check = Callable[[Builder, ImageSpec], str]  # returns what is right; raises one of the exceptions below otherwise


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    name: str
    status: Status
    words: str

    @property
    def ok(self) -> bool:
        """Whether the bench can train and judge the member as far as this check sees."""
        return self.status != "fail"

    @property
    def skipped(self) -> bool:
        """Whether the check was not made, for the reason in `words`."""
        return self.status == "skip"

    def __str__(self) -> str:
        return f"{MARKS[self.status]} {self.name}: {self.words}"


class ConformanceError(Exception):
    """What is wrong and what to do."""


class ConformanceWarning(Exception):  # noqa: N818 (not an error)
    """What works and costs: time, or an export."""


class NotApplicable(Exception):  # noqa: N818 (not an error)
    """Why a check does not apply here."""


def finding(name: str, check: Check, builder: Builder, spec: ImageSpec) -> tuple[Finding, str | None]:
    """Make one check; whatever it raises becomes words. Also gives the root of an unexpected error, to say it once."""
    try:
        return Finding(name, "ok", check(builder, spec)), None
    except NotApplicable as reason:
        return Finding(name, "skip", str(reason)), None
    except ConformanceWarning as reason:
        return Finding(name, "warn", str(reason)), None
    except (ConformanceError, UserError) as fault:
        return Finding(name, "fail", str(fault)), str(fault)
    except Exception as error:
        return Finding(name, "fail", describe(error)), f"{type(error).__name__} at {_place(error)}"


def describe(error: Exception) -> str:
    """An exception that the author did not expect: what, in which loss, and the innermost line of the member."""
    notes = [note for note in getattr(error, "__notes__", ()) if note]
    where = "; ".join([*notes[:1], _place(error)])
    text = str(error)
    for sign, meaning in MEANINGS.items():
        if sign in text:
            return f"{meaning} ({where})"
    first = next((line for line in text.splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first} ({where})"


def _place(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_members(frame.filename)]
    return line_of(frames[-1])


MEANINGS = {  # what PyTorch says -> what it means here
    "One of the differentiated Tensors does not require grad": (
        "a loss differentiates an input that it does not declare. Give the loss "
        '`differentiates = frozenset({"real"})` (or "fake"), and turn.real asks for its gradient'
    ),
    "appears to not have been used in the graph": (
        "a loss differentiates by a tensor that its value does not depend on: judge the same tensor that is differentiated, "
        "for instance turn.real_logits by turn.real"
    ),
    "does not require grad and does not have a grad_fn": (
        "a loss has no gradient for its player: what it judges was detached, or another player made it"
    ),
    "a leaf Variable that requires grad": (
        "the real images are written to in place. Make a new tensor instead of +=, mul_, clamp_ and the like"
    ),
    "modified by an inplace operation": (
        "a tensor that a gradient needs was written to in place. Make a new tensor instead of +=, mul_, clamp_ and the like"
    ),
}
