"""The face engine: gathers concurrent requests into batches and keeps the network off the event loop."""

import asyncio
import heapq
import itertools
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.faces.latents import LATENT_DIM, Latents

Faces = npt.NDArray[np.uint8]

#: Rows that one run takes at most, so that a sheet of a thousand faces cannot hold up a single one for long.
MAX_ROWS = 128
#: Runs at the same time.
_THREADS = min(4, os.cpu_count() or 1)

_log = logging.getLogger("nobody")


class _Request(NamedTuple):
    """Rows that somebody waits for; requests compare in the order in which they are served."""

    belongs_to_many: bool
    number: int
    latents: Latents
    faces: asyncio.Future[Faces]


class FaceEngine:
    """Serves latents to faces for many requests at once. Sheets that take several runs let everything else pass.

    Args:
        generate: maps latents, float32 ``(count, 16)``, to faces, uint8 ``(count, 16, 16)``. Called from several
            threads, with at most ``MAX_ROWS`` rows.
    """

    def __init__(self, generate: Callable[[Latents], Faces]) -> None:
        self._generate = generate
        self._waiting: list[_Request] = []  # a heap
        self._numbers = itertools.count()
        self._wanted = asyncio.Event()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="faces")
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = False

    def start(self) -> None:
        """Start serving on the running event loop, and warm up."""
        self._tasks = [asyncio.create_task(self._serve()) for _ in range(_THREADS)]
        self._tasks.append(asyncio.create_task(self._warm_up()))

    async def stop(self) -> None:
        """Stop serving; requests that still wait are cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown()
        for request in self._waiting:
            request.faces.cancel()

    async def faces(self, latents: Latents) -> Faces:
        """Return the faces of the given latents, uint8 ``(count, 16, 16)``."""
        parts = [latents[i : i + MAX_ROWS] for i in range(0, len(latents), MAX_ROWS)]
        answers = [self._enqueue(part, len(parts) > 1) for part in parts]
        return np.concatenate(await asyncio.gather(*answers))

    def _enqueue(self, latents: Latents, belongs_to_many: bool) -> asyncio.Future[Faces]:
        faces: asyncio.Future[Faces] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, _Request(belongs_to_many, next(self._numbers), latents, faces))
        self._wanted.set()
        return faces

    async def _warm_up(self) -> None:
        try:
            await self.faces(np.zeros((1, LATENT_DIM), np.float32))
        except Exception:
            _log.exception("the generator failed to make its first face; the service stays not ready")
            return
        self.ready = True

    async def _serve(self) -> None:
        while True:
            await self._wanted.wait()
            batch = self._next_batch()
            if batch:
                await self._run(batch)
            else:
                self._wanted.clear()

    def _next_batch(self) -> list[_Request]:
        """Take what fits into one run."""
        batch: list[_Request] = []
        rows = 0
        while self._waiting and rows + len(self._waiting[0].latents) <= MAX_ROWS:
            request = heapq.heappop(self._waiting)
            if not request.faces.done():  # else its client has gone
                batch.append(request)
                rows += len(request.latents)
        return batch

    async def _run(self, batch: list[_Request]) -> None:
        """Generate one batch in a thread and hand out its rows."""
        latents = np.concatenate([request.latents for request in batch])
        try:
            faces = await asyncio.get_running_loop().run_in_executor(self._threads, self._generate, latents)
            parts = np.split(faces, np.cumsum([len(request.latents) for request in batch])[:-1])
            for request, part in zip(batch, parts, strict=True):
                if not request.faces.done():
                    request.faces.set_result(part)
        except Exception as error:
            for request in batch:
                if not request.faces.done():
                    request.faces.set_exception(error)
        finally:
            for request in batch:
                request.faces.cancel()  # does nothing to those that are done
