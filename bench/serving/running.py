"""A service on a socket: until it is stopped, or as long as a load on it is measured."""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fastapi import FastAPI

from bench.errors import UserError
from bench.serving import load
from bench.serving.load import Load
from bench.serving.server import server

LONGEST = 60.0  # seconds until a server answers


def serve(app: FastAPI, listening: socket.socket) -> None:
    """Answer requests until SIGTERM or SIGINT."""
    server(app).run(sockets=[listening])


@contextmanager
def in_background(app: FastAPI, listening: socket.socket) -> Iterator[int]:
    """A server in a thread of its own; its port. Raises UserError when it does not start."""
    made = server(app)
    thread = threading.Thread(target=made.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + LONGEST
    while not made.started:
        if not thread.is_alive() or time.monotonic() > until:
            raise UserError("the server did not start; what it said stands above.")
        time.sleep(0.02)
    try:
        yield listening.getsockname()[1]
    finally:
        made.should_exit = True
        thread.join()


def measured(app: FastAPI, listening: socket.socket, clients: Sequence[int], seconds: float) -> list[Load]:
    """What so many clients at once get, each number for so long."""
    with in_background(app, listening) as port:
        return load.measure(listening.getsockname()[0], port, clients, seconds)
