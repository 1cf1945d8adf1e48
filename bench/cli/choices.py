"""Options that belong together, as dataclasses whose fields are options; `bench.cli.grouping.flat` shows them to typer."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli import complete
from bench.cli.options import OWN, RESULTS, SPEED, DataRoot, Device, Members, Results, Seeds, SuiteOrNone
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.runs.experiment import Experiment
    from bench.suites.suite import Suite
    from bench.training.loop import Execution


@dataclass(frozen=True)
class Place:
    """Where records are kept, images are found and networks are computed."""

    results: Results = RESULTS
    device: Device = "auto"
    data_root: DataRoot = None


@dataclass(frozen=True)
class SuiteChoice:
    """A suite, or a data set that a suite is made for; and which of its members and seeds."""

    suite: SuiteOrNone = None
    member: Members = None
    seed: Seeds = None
    as_: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="The row's name, for one member that is in no package.")
    ] = None
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="A parameter of every member chosen, e.g. lr=1e-4; repeatable."
        ),
    ] = None
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="SET",
            help="A data set, e.g. folder:photos/. What is not said gets a default.",
            rich_help_panel=OWN,
            autocompletion=complete.datasets,
        ),
    ] = None
    resolution: Annotated[int | None, typer.Option(metavar="N", min=1, help="Pixels a side.", rich_help_panel=OWN)] = (
        None
    )
    images: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="The budget, in real images drawn.", rich_help_panel=OWN)
    ] = None
    batch_size: Annotated[int | None, typer.Option(metavar="N", min=1, help="Images.", rich_help_panel=OWN)] = None
    samples: Annotated[
        int | None, typer.Option(metavar="N", min=2, help="Generated images behind each score.", rich_help_panel=OWN)
    ] = None
    every: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Images between points of the curve.", rich_help_panel=OWN)
    ] = None
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC", help="Instead of all that apply; the first ranks; repeatable.", rich_help_panel=OWN
        ),
    ] = None
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of the suite; default: from the folder.", rich_help_panel=OWN)
    ] = None
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out broken files, and record which.", rich_help_panel=OWN)
    ] = False

    def members(self, suite: "Suite | None" = None) -> list[str]:
        """The names given, in their order, with what --set says of all of them; without any, those of the suite if --set is given.

        Raises UserError for --as with anything but one member that is in no package, and for --set with nothing to set it of.
        """
        given = self._with_parameters(self.member or (list(suite.members) if suite and self.set_ else []))
        if self.as_ is None:
            return given
        from bench import members

        if len(given) != 1:
            raise UserError(f"--as {self.as_}: names one member, and {len(given)} are given with --member.")
        return [members.renamed(members.find(given[0]), self.as_).argument]

    def _with_parameters(self, names: list[str]) -> list[str]:
        if not self.set_:
            return names
        from bench import parameters

        more = parameters.assignments(self.set_, "--set")
        changed: list[str] = []
        for name in names:
            base, given = parameters.split(name)
            if twice := sorted(given.keys() & more.keys()):
                raise UserError(f"--set: {', '.join(twice)} of {name} is set there too. Set it once.")
            changed.append(parameters.joined(base, given | more))
        return changed

    @property
    def seeds(self) -> list[int]:
        """The seeds given, in their order."""
        return self.seed or []

    def load(self, data_root: Path | None) -> "Suite":
        """The suite that is named, or the one that is made for the data set.

        Raises UserError unless one of the two is given, and for options that belong to the other.
        """
        if self.suite is not None and self.dataset is None:
            own = ("resolution", "images", "batch_size", "samples", "every", "metric", "name")
            given = [f"--{option.replace('_', '-')}" for option in own if getattr(self, option)]
            if given:
                raise UserError(f"{', '.join(given)}: belongs to --dataset; a suite has its own.")
            from bench.suites.suite import load

            return load(self.suite)
        if self.dataset is None or self.suite is not None:
            raise UserError("give either --suite NAME, or --dataset SET for your own images.")
        from bench.runs.own_data import SuiteOptions, compose

        wanted = SuiteOptions(
            self.dataset,
            tuple(self.members()),
            tuple(self.seeds),
            self.resolution,
            self.images,
            self.batch_size,
            self.name,
            self.skip_broken,
            self.samples,
            self.every,
            tuple(self.metric or ()),
        )
        return compose(wanted, data_root)


@dataclass(frozen=True)
class Engine:
    """How networks are computed: other numbers only where the help says so."""

    precision: Annotated[
        Literal["fp32", "bf16"] | None,
        typer.Option(metavar="fp32|bf16", help="Instead of the protocol's: another protocol.", rich_help_panel=SPEED),
    ] = None
    channels_last: Annotated[
        bool | None,
        typer.Option(help="The layout of images and weights.", show_default="where it pays", rich_help_panel=SPEED),
    ] = None
    compile: Annotated[
        bool, typer.Option("--compile", help="Compile the networks where that is possible.", rich_help_panel=SPEED)
    ] = False
    cuda_graphs: Annotated[
        bool, typer.Option("--cuda-graphs", help="With --compile on CUDA: replay passes.", rich_help_panel=SPEED)
    ] = False
    parts: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Parts of a batch, each with random numbers of its own: another protocol.",
            show_default="the protocol's",
            rich_help_panel=SPEED,
        ),
    ] = None
    devices: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, help="Processes that share the parts of a batch, a device each.", rich_help_panel=SPEED
        ),
    ] = 1


def execution_of(device: str) -> "Execution":
    """The device by name. Raises UserError for one that is not there."""
    from bench.training.execution import Execution, device_of
    from bench.training.team import device_here

    try:
        return Execution(device_of(device_here(device)))
    except UserError as error:
        raise UserError(f"--{error}") from None


def experiment_of(
    suite: "Suite", place: Place, engine: Engine | None = None, *, skip_broken: bool = False
) -> "Experiment":
    """The suite on this machine, with the precision and the layout that the command line prefers."""
    from bench.runs import crew
    from bench.runs.experiment import prefer, prepare

    engine = engine or Engine()
    execution = replace(
        execution_of(place.device),
        compiled=engine.compile,
        cuda_graphs=engine.cuda_graphs,
        processes=crew.size(engine.devices),
    )
    crew.share_machine(execution)
    suite, execution = prefer(suite, execution, engine.precision, engine.channels_last, engine.parts)
    return prepare(suite, place.results, execution, place.data_root, skip_broken=skip_broken)
