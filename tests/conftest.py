"""What several tests share."""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import jaxtyping
import pytest

from bench.files import digest
from bench.records.record import Environment, Failure, Member, Record, Score, job_digest

PROTOCOL: dict[str, Any] = {
    "track": "fixed",
    "data": {"name": "digits", "resolution": 16, "flip": False},
    "training": {"images": 64_000, "batch_size": 64, "precision": "fp32"},
    "evaluation": {
        "metrics": ["fid@digits-cnn", "precision@digits-cnn"],
        "samples": 1_000,
        "sample_seeds": [0],
        "every": 8_000,
        "curve_samples": 500,
        "selection": "fid@digits-cnn:held-out",
    },
    "facts": {"data": {"digest": "d1"}, "extractors": {"digits-cnn": "e1"}, "metrics": {"fid": 1, "precision": 1}},
}
ENVIRONMENT = Environment(
    python="3.11.2",
    system="Linux",
    cpu="a processor",
    cores=2,
    memory_bytes=8 << 30,
    accelerator=None,
    threads=2,
    packages={"torch": "2.14.1"},
    device="cpu",
    channels_last=False,
    compiled=False,
    commit=None,
    dirty=False,
)


def record_of(
    member: str = "dcgan",
    seed: int = 0,
    scores: Mapping[str, float | tuple[float, ...]] | None = None,
    best: Mapping[str, float | tuple[float, ...]] | None = None,
    *,
    source: str = "s1",
    status: str = "ok",
    role: str = "member",
    suite: str = "digits",
    version: str = "1.0.0",
    protocol: Mapping[str, Any] | None = None,
    ranking: str = "fid@digits-cnn",
    parameters: Mapping[str, int] | None = None,
    finished: str = "2026-01-01T00:10:00Z",
    train_seconds: float = 60.0,
) -> Record:
    """A sound, sealed record. A score may be one value, or one per sample seed; `best` defaults to the last ones."""
    rules = dict(protocol or PROTOCOL)
    last = {} if status != "ok" else dict(scores or {"fid@digits-cnn": 10.0})
    found = [("last", last), ("best", {} if status != "ok" else dict(best or last))]
    samples = rules["evaluation"]["samples"]
    return Record.model_validate(
        {
            "suite": suite,
            "suite_version": version,
            "track": rules["track"],
            "protocol_digest": digest(rules),
            "protocol": rules,
            "ranking": ranking,
            "member": Member(
                name=member,
                entry_point=f"zoo.{member}:{member}",
                distribution="gan-bench 0.1.0",
                source_digest=source,
                task="unconditional",
                role=role,  # pyright: ignore[reportArgumentType]
            ),
            "seed": seed,
            "job": job_digest(member, source, digest(rules), seed),
            "status": status,
            "diverged_at_step": 10 if status == "diverged" else None,
            "failure": Failure(phase="train", type="ValueError", message="no")
            if status in ("failed", "out-of-memory")
            else None,
            "images_seen": rules["training"]["images"],
            "steps": 1_000,
            "updates": {"generator": 1_000},
            "parameters": dict(parameters or {"generator": 1_000, "discriminator": 900}),
            "seconds": {"train": train_seconds},
            "peak_memory_bytes": None,
            "curve": (),
            "scores": tuple(
                Score(
                    metric=metric,
                    version=1,
                    better="lower" if metric.startswith(("fid", "kid")) else "higher",
                    value=value,
                    checkpoint=checkpoint,  # pyright: ignore[reportArgumentType]
                    samples_real=1_000,
                    samples_fake=samples,
                    sample_seed=sample_seed,
                )
                for checkpoint, values in found
                for metric, given in values.items()
                for sample_seed, value in enumerate(given if isinstance(given, tuple) else (given,))
            ),
            "artifacts": (),
            "environment": ENVIRONMENT,
            "command": "bench run --suite digits",
            "started": "2026-01-01T00:00:00Z",
            "finished": finished,
        }
    ).sealed()


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """Makes synthetic records: ``make_record("dcgan", seed=1, scores={"fid@digits-cnn": 12.0})``."""
    return record_of


@pytest.fixture
def no_shape_checks() -> Iterator[None]:
    """In a trace the batch size is a symbol: a check of shapes would make a number of it."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture(scope="session")
def toys() -> ModuleType:
    """The small members of tests/toys.py."""
    spec = importlib.util.spec_from_file_location("toys", Path(__file__).parent / "toys.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["toys"] = module
    spec.loader.exec_module(module)
    return module
