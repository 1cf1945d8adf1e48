"""The base of everything that is read from a file: no field can be changed, and no field is unknown."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that was read and checked once."""

    model_config = ConfigDict(frozen=True, extra="forbid")
