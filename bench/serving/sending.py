"""Answers that may be large: sent piece by piece, as fast as the client reads, and given up when it does not."""

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

PIECE = 64 * 1024  # bytes; the next is written when the connection has taken the one before
SECONDS = 60.0  # for all of an answer


class Sent(Response):
    """An answer; `after` is called when it was sent, or given up."""

    def __init__(self, content: bytes, after: Callable[[], None], **options: Any):
        super().__init__(content, **options)
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises TimeoutError for a client that does not read; the server then closes the connection."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async with asyncio.timeout(SECONDS):
                for start in range(0, len(self.body), PIECE):
                    await send(
                        {"type": "http.response.body", "body": self.body[start : start + PIECE], "more_body": True}
                    )
                await send({"type": "http.response.body", "body": b""})
        finally:
            self._after()


async def gone(request: Request) -> None:
    """Returns when the client has closed the connection. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
