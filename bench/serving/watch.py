"""Around every request: its size is bounded, it is counted and timed, and the audit log gets a line."""

import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.serving.meters import Audit, Meters

BODY = 128 * 1024  # bytes: 4,096 seeds and labels take half of it
UNKNOWN = "unknown"  # the route of a path that there is not


class Watch:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, meters: Meters, audit: Audit, checkpoint: str):
        self.app, self.meters, self.audit, self.checkpoint = app, meters, audit, checkpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, seen = time.perf_counter(), {"status": 500, "bytes": 0}

        async def read() -> Message:
            message = await receive()
            seen["bytes"] += len(message.get("body", b""))
            if seen["bytes"] > BODY:
                raise HTTPException(413, f"the body is larger than {BODY} bytes")
            return message

        async def write(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            await send(message)

        try:
            await self.app(scope, read, write)
        finally:
            self._note(scope, seen["status"], time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route: Any = scope.get("route")
        path = route.path if route is not None else UNKNOWN
        self.meters.requests.labels(path, status).inc()
        self.meters.seconds.labels(path).observe(seconds)
        said: dict[str, Any] = scope.get("state", {}).get("audit", {})
        client = scope.get("client")
        address = client[0] if client else None
        self.audit.write(
            route=path, status=status, milliseconds=round(1000 * seconds, 1), address=address,
            checkpoint=self.checkpoint, **said,
        )  # fmt: skip
