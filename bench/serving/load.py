"""How fast a server answers: requests per second and percentiles of seconds, by how many clients ask at once.

The clients are threads, here of the server's own process: they ask over a connection that stays, each as soon as its last answer is
there, so the load follows the server (closed loop). Seeds differ in every request.
"""

import http.client
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Load:
    """What one number of clients got."""

    clients: int
    seconds: float
    milliseconds: tuple[float, ...]  # of every answered request
    statuses: dict[str, int] = field(default_factory=dict)  # status, or the kind of error -> requests

    @property
    def requests_per_second(self) -> float:
        """Answered with 200."""
        return self.statuses.get("200", 0) / self.seconds

    def percentile(self, share: float) -> float:
        """Milliseconds."""
        return float(np.percentile(self.milliseconds, share)) if self.milliseconds else float("nan")


def measure(host: str, port: int, clients: Sequence[int], seconds: float, key: str = "") -> list[Load]:
    """Ask for single images for so long with each number of clients; a second of each is warm-up."""
    loads: list[Load] = []
    for count in clients:
        _ask(host, port, count, min(1.0, seconds), key)
        loads.append(_ask(host, port, count, seconds, key))
    return loads


def _ask(host: str, port: int, count: int, seconds: float, key: str) -> Load:
    statuses: Counter[str] = Counter()
    took: list[float] = []
    lock = threading.Lock()
    began = time.perf_counter()

    def client(place: int) -> None:
        mine, codes = [], []
        connection = http.client.HTTPConnection(host, port, timeout=60)
        seed = place
        while time.perf_counter() - began < seconds:
            asked = time.perf_counter()
            codes.append(_once(connection, seed, key))
            mine.append(1000 * (time.perf_counter() - asked))
            seed += count
        connection.close()
        with lock:
            took.extend(mine)
            statuses.update(codes)

    threads = [threading.Thread(target=client, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(count, time.perf_counter() - began, tuple(took), dict(statuses))


def _once(connection: http.client.HTTPConnection, seed: int, key: str) -> str:
    """The status of a request, or the name of what went wrong."""
    try:
        connection.request("GET", f"/v1/image?seed={seed}", headers={"Authorization": f"Bearer {key}"} if key else {})
        answer = connection.getresponse()
        answer.read()
        return str(answer.status)
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return type(error).__name__
