"""What is counted while it runs, for Prometheus and for the audit log."""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Meters:
    """Metrics of one server."""

    def __init__(self, waiting: Callable[[], float]):
        """`waiting` says how many images are in the queue."""
        self.registry = CollectorRegistry()
        self.requests = Counter("bench_requests_total", "Requests.", ["route", "status"], registry=self.registry)
        self.seconds = Histogram(
            "bench_request_seconds", "Seconds from a request to its answer.", ["route"], buckets=SECONDS,
            registry=self.registry,
        )  # fmt: skip
        self.images = Counter("bench_images_total", "Images that were sent.", registry=self.registry)
        self.passes = Histogram("bench_pass_images", "Images in a pass.", buckets=SIZES, registry=self.registry)
        Gauge("bench_queue_images", "Images that wait.", registry=self.registry).set_function(waiting)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)


class Audit:
    """A line of JSON for each request: when, who, what, how it ended. Never a key."""

    def __init__(self, path: Path | None = None):
        """Append to a file; to standard error without one. Raises OSError."""
        self._file: IO[str] = path.open("a", encoding="utf-8") if path else sys.stderr

    def close(self) -> None:
        """No more lines come."""
        if self._file is not sys.stderr:
            self._file.close()

    def write(self, **facts: Any) -> None:
        """One line."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._file.write(json.dumps({"time": now, **facts}) + "\n")
        self._file.flush()
