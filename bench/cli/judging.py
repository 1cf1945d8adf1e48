"""Options of verbs that leave images out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.options import DataRoot, Which

if TYPE_CHECKING:
    from bench.filtering.member import Filter
    from bench.training.execution import Execution

JUDGE = "Who judges images"


@dataclass(frozen=True)
class Judging:
    """Whoever says how good an image is."""

    by: Annotated[
        Literal["realism", "critic"],
        typer.Option(
            metavar="realism|critic", help="The features of real images, or the member's critic.", rich_help_panel=JUDGE
        ),
    ] = "realism"
    extractor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Of realism; default: that of the suite.", rich_help_panel=JUDGE
        ),
    ] = None  # fmt: skip
    real: Annotated[
        str | None,
        typer.Option(metavar="SET", help="The real images; default: those of the training.", rich_help_panel=JUDGE),
    ] = None
    data_root: DataRoot = None

    def of(self, source: Path, execution: "Execution", checkpoint: Which) -> "Filter":
        """The member with its judge. Raises UserError as `bench.filtering.member.load` does."""
        from bench.filtering.member import load

        return load(
            source, self.by, execution, which=checkpoint, extractor=self.extractor, real=self.real,
            data_root=self.data_root,
        )  # fmt: skip
