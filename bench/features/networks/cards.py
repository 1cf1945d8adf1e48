"""What is known of an extractor without loading it: one TOML card per network, beside the weights."""

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

WEIGHTS = Path(__file__).parent / "weights"


class Card(BaseModel):
    """Origin and identity of a feature network. `bench show NAME` prints it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    purpose: str  # one sentence: which images it is for
    architecture: str
    parameters: int = Field(gt=0)
    width: int = Field(gt=0)  # of a feature vector
    classes: int | None = None  # length of a logit vector; None: the network gives features only
    preprocessing: str  # one canonical line; part of the protocol digest
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")  # sha256 of the weight file
    dataset: str | None = None  # what it was trained on; None: untrained
    data_digest: str | None = None  # content digest of that set where bench.data reads it
    accuracy: float | None = Field(default=None, ge=0, le=1)  # top-1 on the held-out split
    accuracy_of: str  # what `accuracy` was measured on, by whom
    command: str  # how the weights were made or where they come from
    seed: int | None = None
    licence: str
    source: str  # paper or address


def shipped() -> list[str]:
    """Names of the extractors that have a card in the package."""
    return sorted(path.stem for path in WEIGHTS.glob("*.toml"))


def read(name: str, folder: Path = WEIGHTS) -> Card:
    """The card of an extractor that ships with the package."""
    return Card.model_validate(tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8")))


def dumps(card: Card) -> str:
    """The card as TOML, in the order of the fields; fields without a value are left out."""
    lines = [f"{key} = {_literal(value)}" for key, value in card.model_dump().items() if value is not None]
    return "\n".join(lines) + "\n"


def _literal(value: str | int | float) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return repr(value)
