"""bench serve."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.choices import execution_of
from bench.cli.grouping import examples
from bench.cli.options import Device, OfCheckpoint, regular
from bench.errors import UserError

if TYPE_CHECKING:
    from socket import socket

    from bench.serving.sampler import Facts, Sampler
    from bench.serving.service import Door

LOOPBACK = "127.0.0.1"
ENDLESS = "1000000000/second"  # for a measurement of the bench itself


@dataclass(frozen=True)
class Address:
    """Where it listens."""

    host: Annotated[str, typer.Option(metavar="ADDRESS", help="0.0.0.0 for every network of this machine.")] = LOOPBACK
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65_535, help="0: any that is free.")] = 8000


@dataclass(frozen=True)
class Access:
    """Who may ask, how often, how much."""

    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A line NAME SHA256 for each key; without it anybody may ask.")
    ] = None
    rate: Annotated[str, typer.Option(metavar="N/UNIT", help="Of each key or address; several with a ;.")] = (
        "100/minute"
    )
    most: Annotated[int, typer.Option(metavar="N", min=1, max=4_096, help="Images of a request.")] = 256
    waiting: Annotated[int, typer.Option(metavar="N", min=1, max=10**6, help="Images in the queue.")] = 1_024
    audit_log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A line for each request; else standard error.")
    ] = None

    def door(self) -> "Door":
        """Raises UserError for keys or a rate that cannot be."""
        from bench.serving.admission import Limiter, read_keys
        from bench.serving.service import Door

        return Door(read_keys(self.keys) if self.keys else None, Limiter(self.rate))


@dataclass(frozen=True)
class Model:
    """How images are made."""

    together: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=1_024, help="Images in a pass, where others wait; 1: the same bytes always."
        ),
    ] = 16
    latents: Annotated[
        str, typer.Option(metavar="PRIOR:WIDTH", help="gaussian:128, uniform:100; an ONNX file says its width.")
    ] = ""
    classes: Annotated[
        int, typer.Option(metavar="N", min=0, max=1_000_000, help="Classes that it is told; 0: none.")
    ] = 0
    checkpoint: OfCheckpoint = "last"
    device: Device = "auto"


@dataclass(frozen=True)
class Measurement:
    """Instead of serving."""

    benchmark: Annotated[bool, typer.Option("--benchmark", help="Measure requests per second, and end.")] = False
    clients: Annotated[str, typer.Option(metavar="N,N,...", help="At once, for --benchmark.")] = "1,8,32"
    seconds: Annotated[float, typer.Option(metavar="S", min=0.1, max=3600, help="For each, for --benchmark.")] = 10.0
    out: Annotated[Path | None, typer.Option(metavar="PATH", help="Raw milliseconds of --benchmark, as .json.")] = None

    def counts(self) -> list[int]:
        """Raises UserError for what is no list of numbers from 1 to 1,024."""
        parts = self.clients.split(",")
        if not all(part.isascii() and part.isdigit() and 1 <= int(part) <= 1_024 for part in parts):
            raise UserError(f"--clients {self.clients}: expected numbers from 1 to 1,024, such as 1,8,32.")
        return [int(part) for part in parts]


@examples(
    "bench serve results/demo/dcgan/0-abc.json --port 8000",
    "bench serve generator.onnx --latents gaussian:128 --host 0.0.0.0 --keys keys.txt",
    "bench serve results/demo/dcgan/0-abc.json --benchmark --clients 1,8,32",
    "bench serve --new-key ada >> keys.txt",
)
def serve(
    model: Model,
    address: Address,
    access: Access,
    measurement: Measurement,
    source: Annotated[
        Path | None, typer.Argument(metavar="CHECKPOINT|RECORD|ONNX", callback=regular, help="What is served.")
    ] = None,
    new_key: Annotated[
        str | None, typer.Option(metavar="NAME", help="Print a line for --keys, the key on standard error, and end.")
    ] = None,
) -> None:
    """Serve a trained generator over HTTP: images by seed, class and truncation, and interpolations."""
    _need_packages()
    if new_key is not None:
        from bench.serving.admission import new_key as made

        key, line = made(new_key)
        typer.echo(line)
        typer.echo(f"The key of {new_key}, shown this once: {key}", err=True)
        return
    if source is None:
        raise UserError("nothing to serve. Name a checkpoint (.pt), the record of a run (.json) or an ONNX file.")
    _serve(source, model, address, access, measurement)


def _need_packages() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("fastapi", "limits", "prometheus_client", "uvicorn") if find_spec(name) is None]
    if missing:
        raise UserError(f"bench serve needs {', '.join(missing)}. Install them: pip install 'gan-bench[serve]'.")


def _serve(source: Path, model: Model, address: Address, access: Access, measurement: Measurement) -> None:
    """What can be refused is refused before the generator is loaded."""
    from bench.serving import loading
    from bench.serving.server import bound

    counts, door = measurement.counts(), access.door()
    device = execution_of(model.device).device
    with bound(address.host, address.port) as listening:
        given = loading.Source(source, model.checkpoint, model.latents, model.classes)
        sampler, facts = loading.load(given, device, model.together)
        if measurement.benchmark:
            _measure(sampler, facts, listening, counts, measurement)
        else:
            _answer(sampler, facts, listening, door, access)


def _answer(sampler: "Sampler", facts: "Facts", listening: "socket", door: "Door", access: Access) -> None:
    from bench.serving import running
    from bench.serving.meters import Audit
    from bench.serving.service import Bounds, Service

    service = Service(sampler, facts, door, Bounds(access.most, waiting=access.waiting), Audit(access.audit_log))
    host, port = listening.getsockname()[:2]
    who = f"{len(door.keys.digests)} keys" if door.keys else "no keys: anybody who reaches this address may ask"
    typer.echo(f"{facts.member} at http://{host}:{port}/ ({who})")
    running.serve(service.app(), listening)


def _measure(
    sampler: "Sampler", facts: "Facts", listening: "socket", counts: list[int], measurement: Measurement
) -> None:
    """Without keys, rates and a log: what the generator and HTTP cost."""
    from bench.cli.output import table
    from bench.serving import running, speed
    from bench.serving.admission import Limiter
    from bench.serving.meters import Audit
    from bench.serving.service import Bounds, Door, Service

    service = Service(sampler, facts, Door(None, Limiter(ENDLESS)), Bounds(), Audit(Path(os.devnull)))
    loads = running.measured(service.app(), listening, counts, measurement.seconds)
    table(speed.rows(loads), as_json=False)
    if measurement.out is not None:
        speed.write(measurement.out, loads, facts, sampler.together, sampler.device)
        typer.echo(measurement.out)
