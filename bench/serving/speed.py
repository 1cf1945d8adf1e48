"""The record of a load: raw milliseconds of every request, what was served, and the machine."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bench.files import write_atomically
from bench.formats import number
from bench.records.record import now_in_utc
from bench.serving.load import Load
from bench.serving.sampler import Facts
from bench.training.environment import describe
from bench.training.execution import Execution

PERCENTILES = (50, 99)


def rows(loads: Sequence[Load]) -> list[dict[str, str]]:
    """A row for each number of clients."""
    return [
        {
            "clients": str(load.clients),
            "requests/s": number(load.requests_per_second),
            **{f"p{share} ms": number(load.percentile(share)) for share in PERCENTILES},
            "answers": ", ".join(f"{count} x {status}" for status, count in sorted(load.statuses.items())),
        }
        for load in loads
    ]


def write(path: Path, loads: Sequence[Load], facts: Facts, together: int, device: torch.device) -> None:
    """One JSON object: `facts`, `together` (images in a pass at most), `loads`, `environment`, `finished`."""
    found: dict[str, Any] = {
        "facts": asdict(facts),
        "together": together,
        "loads": [asdict(load) for load in loads],
        "environment": describe(Execution(device)).model_dump(mode="json"),
        "finished": now_in_utc(),
    }
    write_atomically(path, (json.dumps(found) + "\n").encode())
