"""A server for one service, until a signal ends it: it takes no new connections then, and finishes what it has begun."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from bench.errors import UserError

GRACE = 30  # seconds for requests that have begun
IDLE = 5  # seconds that a connection may say nothing


class Server(uvicorn.Server):
    """uvicorn's, which ends with code 0 on SIGTERM and SIGINT: a server that was asked to stop and did has not failed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Answer both until the server has ended; only a main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def bound(host: str, port: int) -> socket.socket:
    """A socket of the address, before anything long is done. Raises UserError when it is taken or not this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UserError(f"--host {host}: {error.strerror or error}.") from None
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
        found.listen()
    except OSError as error:
        found.close()
        raise UserError(
            f"--host {host} --port {port}: {error.strerror or error}. Give another --port, or 0 for any."
        ) from None
    return found


def server(app: FastAPI, **options: Any) -> Server:
    """Not started. Client addresses are those of connections: headers that proxies add are not believed."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, proxy_headers=False, server_header=False, lifespan="on",
        timeout_graceful_shutdown=GRACE, timeout_keep_alive=IDLE, **options,
    )  # fmt: skip
    return Server(config)
