"""One model, one thread, and a queue of bounded length before it.

A request is cut into pieces of at most one pass. While a pass runs, pieces gather; the next pass takes as many of them as fit. So
images are made together exactly when others wait already, and a request alone waits for nobody.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from bench.serving.sampler import Wanted

Render = Callable[[Sequence[Wanted]], np.ndarray]
Heard = Callable[[int], None]


class BusyError(Exception):
    """The queue is full."""


@dataclass
class _Piece:
    wanted: Sequence[Wanted]
    made: "asyncio.Future[np.ndarray]"


class Engine:
    """Images for many requests at once."""

    def __init__(self, render: Render, *, together: int, room: int, heard: Heard = lambda images: None):
        """`render` makes images; `together` of them at most in a pass; `room` images may wait; `heard` is told each pass's size."""
        self._render, self._together, self._room, self._heard = render, together, room, heard
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bench-model")
        self._queue: deque[_Piece] = deque()
        self._arrived = asyncio.Event()
        self._worker: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Images in the queue."""
        return sum(len(piece.wanted) for piece in self._queue)

    def start(self) -> None:
        """Begin to work, in the running event loop."""
        self._worker = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End after the pass that runs; what still waits is cancelled."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        for piece in self._queue:
            piece.made.cancel()
        self._thread.shutdown()

    async def images(self, wanted: Sequence[Wanted]) -> np.ndarray:
        """The images, uint8 (N, C, H, W).

        Raises BusyError when they do not find room in the queue, and whatever the generator raises. A request of more images than
        the queue has room for is let in when nothing waits. When the caller is cancelled, its pieces lose their places.
        """
        waiting = self.waiting
        if waiting and waiting + len(wanted) > self._room:
            raise BusyError
        loop = asyncio.get_running_loop()
        starts = range(0, len(wanted), self._together)
        pieces = [_Piece(wanted[start : start + self._together], loop.create_future()) for start in starts]
        self._queue.extend(pieces)
        self._arrived.set()
        return np.concatenate(await asyncio.gather(*(piece.made for piece in pieces)))

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            pieces = self._next()
            if not pieces:
                self._arrived.clear()
                continue
            if await self._make(pieces) and len(pieces) > 1:  # one of them fails: the others are made without it
                for piece in pieces:
                    await self._make([piece])

    async def _make(self, pieces: Sequence[_Piece]) -> bool:
        """One pass; whether it failed. A piece alone is told of its error."""
        wanted = [one for piece in pieces for one in piece.wanted]
        self._heard(len(wanted))
        try:
            images = await asyncio.get_running_loop().run_in_executor(self._thread, self._render, wanted)
        except Exception as error:
            if len(pieces) == 1 and not pieces[0].made.done():
                pieces[0].made.set_exception(error)
            return True
        start = 0
        for piece in pieces:
            end = start + len(piece.wanted)
            if not piece.made.done():
                piece.made.set_result(images[start:end])
            start = end
        return False

    def _next(self) -> list[_Piece]:
        """The pieces of the next pass; those whose request is gone are left out."""
        taken: list[_Piece] = []
        room = self._together
        while self._queue and (self._queue[0].made.done() or len(self._queue[0].wanted) <= room):
            piece = self._queue.popleft()
            if not piece.made.done():
                taken.append(piece)
                room -= len(piece.wanted)
        return taken
