"""The routes: what is asked is bounded and admitted, made by the engine, and sent as a file."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

import numpy as np
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError

from bench.serving import pictures
from bench.serving.admission import Keys, Limiter
from bench.serving.asked import Form, InterpolationAsked, Many, One, OneAsked, bounded, refused
from bench.serving.engine import BusyError, Engine
from bench.serving.meters import Audit, Meters
from bench.serving.sampler import Facts, Sampler, Wanted
from bench.serving.sending import Sent, gone
from bench.serving.watch import Watch

CLOSED = 499  # in the log: nobody is there to read it
RETRY = 1  # seconds that a client is asked to wait when the queue is full
POLICY = "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
TRY = {
    "try.html": "text/html; charset=utf-8",
    "try.js": "text/javascript; charset=utf-8",
    "try.css": "text/css; charset=utf-8",
}


@dataclass(frozen=True)
class Bounds:
    """What a request may cost."""

    images: int = 256  # of a request
    bytes: int = 256 * 2**20  # of its pixels
    waiting: int = 1_024  # images in the queue
    held: int = 512 * 2**20  # bytes of pixels that are made or sent at once


@dataclass(frozen=True)
class Door:
    """Who is let in: anybody without keys."""

    keys: Keys | None
    limiter: Limiter


class Service:
    """One generator behind HTTP."""

    def __init__(self, sampler: Sampler, facts: Facts, door: Door, bounds: Bounds, audit: Audit):
        self.facts, self.door, self.bounds, self.audit = facts, door, bounds, audit
        self._held = 0
        self.meters = Meters(lambda: self.engine.waiting)
        self.engine = Engine(
            sampler.render, together=sampler.together, room=bounds.waiting, heard=self.meters.passes.observe
        )

    def app(self) -> FastAPI:
        """The application. Documentation pages of FastAPI load scripts from elsewhere, so there are none; /openapi.json is."""
        app = FastAPI(title="GAN Bench", docs_url=None, redoc_url=None, lifespan=self._lifespan)
        app.state.service = self
        guarded: dict[str, Any] = {"dependencies": [Depends(self.admit)]}
        files = guarded | {"response_class": Response, "responses": RESPONSES}
        app.add_api_route("/v1/image", self.image, **files)
        app.add_api_route("/v1/images", self.images, methods=["POST"], **files)
        app.add_api_route("/v1/interpolation", self.interpolation, **files)
        app.add_api_route("/v1/model", self.model, **guarded, responses=RESPONSES | {200: {}})
        app.add_api_route("/health/live", self.live)
        app.add_api_route("/health/ready", self.ready)
        app.add_api_route("/metrics", self.metrics, response_class=Response)
        for name, media_type in TRY.items():
            path = "/" if name == "try.html" else f"/{name}"
            app.add_api_route(path, _static(name, media_type), response_class=Response, include_in_schema=False)
        app.add_exception_handler(RequestValidationError, refused)
        app.add_middleware(Watch, meters=self.meters, audit=self.audit, checkpoint=self.facts.checkpoint)
        return app

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        self.engine.start()
        await self.engine.images([self._first()])
        yield
        await self.engine.stop()
        self.audit.close()

    def _first(self) -> Wanted:
        return One.model_validate({}).wanted(self.facts)[0]

    async def admit(self, request: Request) -> None:
        """Raises HTTPException 401 for no known key, 429 with Retry-After above the rate; guesses at keys are counted too."""
        client = request.client.host if request.client else "unknown"
        name = self._name(request)
        if name is not None:
            client = f"key {name}"
        request.state.audit = {"client": client}
        if (seconds := self.door.limiter.refused(client)) is not None:
            raise HTTPException(429, "too many requests", {"Retry-After": str(seconds)})
        if self.door.keys is not None and name is None:
            raise HTTPException(401, "give a key: Authorization: Bearer KEY", {"WWW-Authenticate": "Bearer"})

    def _name(self, request: Request) -> str | None:
        """Whose key the request carries."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return self.door.keys.name_of(key) if self.door.keys is not None and scheme.lower() == "bearer" else None

    async def image(self, request: Request, asked: OneAsked) -> Response:
        """One image, as PNG."""
        return await self._answer(request, asked.wanted(self.facts), "grid")

    async def images(self, request: Request, asked: Many) -> Response:
        """Several images, as one PNG or as arrays."""
        return await self._answer(request, asked.wanted(self.facts), asked.format)

    async def interpolation(self, request: Request, asked: InterpolationAsked) -> Response:
        """Images on the way from one seed's latents to another's."""
        return await self._answer(request, asked.wanted(self.facts), asked.format, columns=asked.steps)

    async def model(self) -> dict[str, Any]:
        """What is served, and the bounds of a request."""
        return {**asdict(self.facts), "most_images": self.bounds.images}

    async def live(self) -> dict[str, str]:
        """The process answers."""
        return {"status": "live"}

    async def ready(self) -> dict[str, str]:
        """The generator has made an image: it did before the first request was taken."""
        return {"status": "ready"}

    async def metrics(self) -> Response:
        """For Prometheus."""
        return Response(self.meters.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def _answer(self, request: Request, wanted: Sequence[Wanted], form: Form, columns: int = 8) -> Response:
        bounded(wanted, self.facts, self.bounds.images, self.bounds.bytes)
        request.state.audit |= {"seed": wanted[0].seed, "count": len(wanted)}
        release = self._hold(len(wanted) * self.facts.bytes_each)
        try:
            images = await self._made(request, wanted)
            if form == "npz":
                file = await run_in_threadpool(pictures.npz, images, wanted, self.facts)
            else:
                file = await run_in_threadpool(pictures.png, images, wanted, self.facts, columns)
        except BaseException:
            release()
            raise
        self.meters.images.inc(len(wanted))
        headers = {"X-Seed": str(wanted[0].seed), "X-Count": str(len(wanted)), "X-Checkpoint": self.facts.checkpoint}
        if wanted[0].label is not None:
            headers["X-Label"] = str(wanted[0].label)
        return Sent(file.content, release, media_type=file.media_type, headers=headers)

    def _hold(self, size: int) -> Callable[[], None]:
        """Count the pixels of a request that is made or sent; what is called when it is over. Raises HTTPException 503."""
        if self._held and self._held + size > self.bounds.held:
            raise HTTPException(503, "too much is being sent", {"Retry-After": str(RETRY)})
        self._held += size

        def release() -> None:
            self._held -= size

        return release

    async def _made(self, request: Request, wanted: Sequence[Wanted]) -> np.ndarray:
        """The images. Whoever closes the connection loses the place. Raises HTTPException 503 when the queue is full."""
        making, leaving = asyncio.create_task(self.engine.images(wanted)), asyncio.create_task(gone(request))
        try:
            await asyncio.wait({making, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not making.done():
                raise HTTPException(CLOSED, "the client has gone")
            return making.result()
        except BusyError:
            raise HTTPException(503, "the queue is full", {"Retry-After": str(RETRY)}) from None
        finally:
            making.cancel()
            leaving.cancel()


REFUSALS = {
    401: "No known key.",
    413: "The body is too large.",
    422: "Out of bounds, or not what this generator has.",
    429: "Above the rate; Retry-After says for how long.",
    503: "The queue is full; Retry-After.",
}
FILES = {pictures.PNG: {}, pictures.NPZ: {}}
RESPONSES: dict[int | str, dict[str, Any]] = {code: {"description": why} for code, why in REFUSALS.items()}
RESPONSES[200] = {"description": "The images; X-Seed, X-Count and X-Checkpoint say which.", "content": FILES}


def _static(name: str, media_type: str) -> Callable[[], Any]:
    content = resources.files("bench.serving").joinpath("static", name).read_bytes()
    headers = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}

    async def page() -> Response:
        return Response(content, media_type=media_type, headers=headers)

    return page
