"""What can be asked for, and its bounds: requests become lists of wanted images."""

import json
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from fastapi import HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field

from bench.serving.sampler import Facts, Wanted

LARGEST_SEED = 2**32 - 1
UNPROCESSABLE = 422
MOST_ERRORS = 10  # of a request are told

Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Label = Annotated[int, Field(ge=0, le=2**31)]
Share = Annotated[float, Field(ge=0, le=1)]
Form = Literal["grid", "npz"]


class Strict(BaseModel):
    """Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class One(Strict):
    """A single image."""

    seed: Seed = 0
    label: Label | None = Field(None, description="Its class; left out: the seed modulo the number of classes.")
    truncation: Share = Field(1.0, description="psi; below 1 less variety, for generators that have it.")

    def wanted(self, facts: Facts) -> list[Wanted]:
        """The image. Raises HTTPException 422 for what this generator does not have."""
        return [_wanted(self.seed, self.label, self.truncation, facts)]


class Many(Strict):
    """Several images: of seeds that are named, or of `count` seeds from `seed` on."""

    seeds: list[Seed] | None = Field(None, min_length=1, max_length=4_096)
    seed: Seed = 0
    count: Annotated[int, Field(ge=1, le=4_096)] = 16
    labels: list[Label] | Label | None = Field(None, description="A class for all, or one for each image.")
    truncation: Share = 1.0
    format: Form = "grid"

    def wanted(self, facts: Facts) -> list[Wanted]:
        """The images. Raises HTTPException 422."""
        seeds = self.seeds or range(self.seed, self.seed + self.count)
        if seeds[-1] > LARGEST_SEED:
            raise _refused("seed", f"the last seed would be {seeds[-1]}, the largest is {LARGEST_SEED}")
        labels = self.labels if isinstance(self.labels, list) else [self.labels] * len(seeds)
        if len(labels) != len(seeds):
            raise _refused("labels", f"{len(labels)} labels for {len(seeds)} images")
        return [_wanted(seed, label, self.truncation, facts) for seed, label in zip(seeds, labels, strict=True)]


class Interpolation(Strict):
    """Images on the way from one seed's latents to another's (spherical)."""

    seed: Seed = 0
    towards: Seed = 1
    steps: Annotated[int, Field(ge=2, le=1_024)] = 10
    label: Label | None = None
    truncation: Share = 1.0
    format: Form = "grid"

    def wanted(self, facts: Facts) -> list[Wanted]:
        """The images, ends included; all of one class, and with the noise of the first seed. Raises HTTPException 422."""
        one = _wanted(self.seed, self.label, self.truncation, facts)
        shares = np.linspace(0, 1, self.steps).tolist()
        return [Wanted(one.seed, one.label, one.truncation, self.towards, share) for share in shares]


OneAsked = Annotated[One, Query()]
InterpolationAsked = Annotated[Interpolation, Query()]


def bounded(wanted: Sequence[Wanted], facts: Facts, most_images: int, most_bytes: int) -> Sequence[Wanted]:
    """The same images, if they are not too many. Raises HTTPException 422 before anything is made."""
    if len(wanted) > most_images:
        raise _refused("count", f"{len(wanted)} images; at most {most_images} are made for a request")
    if len(wanted) * facts.bytes_each > most_bytes:
        raise _refused("count", f"{len(wanted)} images are more than {most_bytes} bytes of pixels")
    return wanted


async def refused(_: Request, error: Exception) -> Response:
    """What does not validate, without the input: it may hold what JSON cannot, or be long, or a secret."""
    assert isinstance(error, RequestValidationError)
    detail = [{key: one[key] for key in ("type", "loc", "msg")} for one in error.errors()[:MOST_ERRORS]]
    return Response(json.dumps({"detail": detail}), UNPROCESSABLE, media_type="application/json")


def _wanted(seed: int, label: int | None, truncation: float, facts: Facts) -> Wanted:
    if label is not None and label >= facts.classes:
        known = f"classes are 0 to {facts.classes - 1}" if facts.classes else "this generator takes no class"
        raise _refused("label", f"{label}: {known}")
    if truncation != 1 and not facts.truncation:
        raise _refused("truncation", "this generator has none")
    if label is None and facts.classes:
        label = seed % facts.classes
    return Wanted(seed, label, truncation)


def _refused(field: str, words: str) -> HTTPException:
    """As FastAPI itself words what it refuses."""
    return HTTPException(UNPROCESSABLE, [{"type": "value_error", "loc": ["request", field], "msg": words}])
