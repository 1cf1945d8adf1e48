"""What members are, in words and years: a `catalogue.toml` in the package that registers them.

    [wgan-gp]
    title = "Improved Training of Wasserstein GANs"
    year = 2017
    arxiv = "1704.00028"
    family = "ResNet"
    objective = "Wasserstein"
    regularisers = ["gradient penalty"]
    fid = [{ data = "CIFAR-10", value = 16.95, source = "where it is published" }]

Nothing is imported to read it, so that a listing stays instant. A package without the file has members without entries.
"""

import importlib.util
import tomllib
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bench.errors import UserError
from bench.members import Listing


class Published(BaseModel):
    """A figure that somebody has published."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: str
    value: float
    source: str


class Entry(BaseModel):
    """One member."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    year: int
    family: str
    objective: str
    arxiv: str = ""
    conditioning: str = "none"  # none, class, paired image, unpaired image, reconstruction
    regularisers: tuple[str, ...] = ()
    fid: tuple[Published, ...] = ()


def entry(listing: Listing) -> Entry | None:
    """The member's entry in its package's catalogue, or None. Raises UserError for a catalogue with a fault."""
    return _read(listing.entry_point.partition(":")[0].partition(".")[0]).get(listing.base)


@cache
def _read(package: str) -> dict[str, Entry]:
    spec = importlib.util.find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    files = [Path(folder) / "catalogue.toml" for folder in folders]
    return {name: found for path in files if path.is_file() for name, found in parse(path).items()}


def parse(path: Path) -> dict[str, Entry]:
    """Every entry of a catalogue file by its member's name."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        return {name: Entry.model_validate(table) for name, table in tables.items()}
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"catalogue {path}: not valid TOML: {error}. Fix the file.") from None
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise UserError(f"catalogue {path}: {faults}. Fix the entry.") from None
