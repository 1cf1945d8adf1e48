"""Verbs that use networks: plan, run, check, sample, score, selftest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.options import (
    RESULTS,
    AsJson,
    DataRoot,
    Device,
    Members,
    OwnBatch,
    OwnData,
    OwnImages,
    OwnName,
    OwnSide,
    OwnSkip,
    Results,
    Seeds,
    SuiteOrData,
)
from bench.errors import UserError

if TYPE_CHECKING:
    from bench.runs.experiment import Experiment
    from bench.suites.suite import Suite
    from bench.training.loop import Execution

Precision = Annotated[Literal["fp32", "bf16"] | None, typer.Option(help="Instead of the protocol's: another protocol.")]


def run(
    suite: SuiteOrData = None,
    dataset: OwnData = None,
    member: Members = None,
    seed: Seeds = None,
    resolution: OwnSide = None,
    images: OwnImages = None,
    batch_size: OwnBatch = None,
    name: OwnName = None,
    skip_broken: OwnSkip = False,
    device: Device = "auto",
    results: Results = RESULTS,
    data_root: DataRoot = None,
    retry: Annotated[Literal["none", "failed"], typer.Option(help="Run jobs again that failed.")] = "none",
    precision: Precision = None,
    channels_last: Annotated[
        bool | None, typer.Option(help="The layout of images and weights.", show_default="where it pays")
    ] = None,
    compile: Annotated[bool, typer.Option("--compile", help="Compile the networks where that is possible.")] = False,
    cuda_graphs: Annotated[bool, typer.Option("--cuda-graphs", help="With --compile on CUDA: replay passes.")] = False,
    accumulate: Annotated[
        int, typer.Option("--accumulate", min=1, help="Parts of a batch, one after the other, when it does not fit.")
    ] = 1,
    checkpoint_seconds: Annotated[float, typer.Option(min=0, help="Seconds between checkpoints.")] = 60.0,
) -> None:
    """Train, score and record what is missing. The same command continues after any interruption."""
    from dataclasses import replace

    from bench.cli.view import watch
    from bench.runs import own_data
    from bench.runs.run import FAILURES, Finished
    from bench.runs.run import run as run_jobs
    from bench.suites.suite import load as load_suite

    execution = replace(execution_of(device), compiled=compile, cuda_graphs=cuda_graphs, accumulate=accumulate)
    own = _own_suite(suite, dataset, data_root, member, seed, resolution, images, batch_size, name, skip_broken)
    experiment = experiment_of(own or suite or "", results, execution, data_root, precision, channels_last)
    if own is not None:
        path = own_data.keep(own, results)
        typer.echo(f"{own_data.render(own)}\nKept, with what ran before, in {path}.\n")
    elif suite and suite.endswith(".toml"):
        own_data.keep_file(Path(suite), load_suite(suite), results)
    jobs = experiment.jobs(member or (), seed or ())
    events = run_jobs(experiment, jobs, retry_failed=retry == "failed", checkpoint_seconds=checkpoint_seconds)
    ended = [event for event in watch(events, jobs) if isinstance(event, Finished)]
    failed = [event for event in ended if event.record.status in FAILURES]
    if failed:
        for event in failed:
            failure = event.record.failure
            typer.echo(f"failed: {event.path}: {failure.type}: {failure.message}" if failure else event.path, err=True)
        raise typer.Exit(1)


def plan(
    suite: SuiteOrData = None,
    dataset: OwnData = None,
    member: Members = None,
    seed: Seeds = None,
    resolution: OwnSide = None,
    images: OwnImages = None,
    batch_size: OwnBatch = None,
    name: OwnName = None,
    skip_broken: OwnSkip = False,
    device: Device = "auto",
    results: Results = RESULTS,
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run would do, and how long it would take on this machine, from a few timed steps."""
    from bench.cli.show import table
    from bench.runs.estimate import plan as plan_jobs

    own = _own_suite(suite, dataset, data_root, member, seed, resolution, images, batch_size, name, skip_broken)
    experiment = experiment_of(own or suite or "", results, execution_of(device), data_root)
    plans = plan_jobs(experiment, experiment.jobs(member or (), seed or ()))
    rows = [
        {
            "member": p.job.member.name,
            "seed": p.job.seed,
            "state": p.state,
            "seconds": p.seconds and round(p.seconds, 1),
        }
        for p in plans
    ]
    table(rows, as_json)
    if not as_json:
        total = sum(p.seconds or 0 for p in plans)
        waiting = sum(p.state != "done" for p in plans)
        typer.echo(f"{waiting} of {len(plans)} jobs to do, about {total / 60:.1f} min on this machine.")


def check(
    member: Annotated[list[str] | None, typer.Argument(metavar="MEMBER|MODULE:FUNCTION")] = None,
    all: Annotated[bool, typer.Option("--all", help="Every registered member.")] = False,
    compiled: Annotated[bool, typer.Option(help="Also train under torch.compile, about a minute a member.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check that a member keeps the contract, and say in words what is wrong."""
    from bench import members as registry
    from bench.cli.show import table
    from bench.training.conformance import findings

    names = list(registry.listings()) if all else member or []
    if not names:
        raise UserError("check: no member given. Name one, or use --all.")
    rows = []
    for name in names:
        for found in findings(registry.builder(registry.find(name)), compiled=compiled):
            rows.append({"member": name, "check": found.name, "ok": found.ok, "words": found.words})
            if not as_json:  # large images take minutes: say what is known
                typer.echo(f"{name}  {found}")
    if as_json:
        table(rows, as_json)
    if not all_ok(rows):
        raise typer.Exit(1)


def all_ok(rows: list[dict[str, object]]) -> bool:
    """Whether no finding is against the member."""
    return all(row["ok"] for row in rows)


def sample(
    source: Annotated[Path, typer.Argument(metavar="CHECKPOINT|RECORD")],
    out: Annotated[Path, typer.Option(metavar="PATH", help="A new folder or an .npz; with a picture option a .png.")],
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many images.")] = 64,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    grid: Annotated[bool, typer.Option("--grid", help="One picture of all.")] = False,
    interpolate: Annotated[bool, typer.Option("--interpolate", help="One picture of paths between latents.")] = False,
    checkpoint: Annotated[Literal["last", "best"], typer.Option(help="Of a record's run.")] = "last",
    truncation: Annotated[
        float, typer.Option(min=0, max=1, help="Below 1: less variety, for members that have it.")
    ] = 1.0,
    device: Device = "auto",
) -> None:
    """Draw images from a trained member."""
    from bench.records.grid import COLUMNS
    from bench.runs import trained_model
    from bench.runs.gallery.image_files import write_grid
    from bench.training.sampling import interpolation_request

    execution = execution_of(device)
    model = trained_model.load(source, checkpoint, execution.device)
    if not (grid or interpolate):
        trained_model.write_images(model.sample(model.request(n, seed, truncation), execution), out)
        typer.echo(out)
        return
    if out.suffix != ".png":
        raise UserError(f"--out {out}: a picture is written as .png.")
    steps = 10
    asked = (
        interpolation_request(model.gan, None, seed, rows=-(-n // steps), steps=steps)
        if interpolate
        else model.request(n, seed, truncation)
    )
    write_grid(model.sample(asked, execution), out, steps if interpolate else COLUMNS)
    typer.echo(out)


def score(
    real: Annotated[str, typer.Option(metavar="SET", help="A data set, e.g. digits or folder:PATH.")],
    fake: Annotated[Path, typer.Option(metavar="PATH", help="A folder of images or an .npz (arr_0, uint8 NHWC).")],
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="NAME@EXTRACTOR[:held-out]; repeatable. Default: all that apply."),
    ] = None,
    resolution: Annotated[int | None, typer.Option(help="Of the real images; default: that of the fakes.")] = None,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Score images made anywhere against a data set. No training."""
    from bench.cli.show import table
    from bench.metrics.score import score as score_images

    found = score_images(
        real, fake, metric, resolution=resolution, data_root=data_root, device=execution_of(device).device
    )
    table([_measured(item) for item in found], as_json)


def selftest(
    official: Annotated[
        bool, typer.Option("--official", help="CIFAR-10 by Inception-v3 too: hours on a processor.")
    ] = False,
    device: Device = "auto",
    data_root: DataRoot = None,
    as_json: AsJson = False,
) -> None:
    """Measure real images whose scores are known. Exit 1 when a figure is not reproduced."""
    from dataclasses import asdict

    from bench.cli.show import table
    from bench.metrics import selftest as tests

    chosen = execution_of(device).device
    found = tests.embedded(str(chosen))
    if official:
        found += tests.official(data_root, str(chosen))
    table([{**asdict(item), "ok": item.passed} for item in found], as_json)
    if not all(item.passed for item in found):
        raise typer.Exit(1)


def _measured(item: object) -> dict[str, object]:
    keys = ("metric", "value", "samples_real", "samples_fake", "flags")
    return {key: getattr(item, key) for key in keys}


def execution_of(device: str) -> "Execution":
    """The device by name. Raises UserError for one that is not there."""
    import torch

    from bench.training.loop import Execution

    if device == "auto":
        device = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"  # pyright: ignore[reportOptionalMemberAccess]
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"--device {device}: {reason} Give cpu, cuda, cuda:N, mps or auto.") from None
    return Execution(chosen)


def _own_suite(
    suite: str | None,
    dataset: str | None,
    data_root: Path | None,
    members: list[str] | None,
    seeds: list[int] | None,
    resolution: int | None,
    images: int | None,
    batch_size: int | None,
    name: str | None,
    skip_broken: bool,
) -> "Suite | None":
    """The suite that --dataset asks for; None where --suite names one."""
    if (suite is None) == (dataset is None):
        raise UserError("give either --suite NAME, or --dataset SET for images of your own.")
    if dataset is None:
        if any((resolution, images, batch_size, name, skip_broken)):
            raise UserError(
                "--resolution, --images, --batch-size, --name and --skip-broken belong to --dataset; a suite has its own."
            )
        return None
    from bench.runs.own_data import SuiteOptions, compose

    wishes = SuiteOptions(
        dataset, tuple(members or ()), tuple(seeds or ()), resolution, images, batch_size, name, skip_broken
    )
    return compose(wishes, data_root)


def experiment_of(
    suite: "str | Suite",
    results: Path,
    execution: "Execution",
    data_root: Path | None,
    precision: Literal["fp32", "bf16"] | None = None,
    channels_last: bool | None = None,
) -> "Experiment":
    """The suite on this machine, with the precision and the layout that the command line prefers."""
    from dataclasses import replace

    from bench.runs.experiment import prepare
    from bench.suites.suite import load

    loaded = load(suite) if isinstance(suite, str) else suite
    if precision:
        training = loaded.training.model_copy(update={"precision": precision})
        loaded = loaded.model_copy(update={"training": training})
    training = loaded.training
    if channels_last is None:
        channels_last = execution.channels_last_pays(execution.device, training.precision, training.batch_size)
    execution = replace(execution, precision=training.precision, channels_last=channels_last)
    return prepare(loaded, results, execution, data_root)


verbs = (run, plan, check, sample, score, selftest)
