"""The face engine: gathers concurrent requests into batches and keeps the network off the event loop."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.faces.latents import LATENT_DIM, Latents

Faces = npt.NDArray[np.uint8]

#: Rows that one run takes at most, so that a sheet of a thousand faces cannot hold up a single one for long.
MAX_ROWS = 256


_log = logging.getLogger("nobody")


class _Request(NamedTuple):
    latents: Latents
    faces: asyncio.Future[Faces]


class FaceEngine:
    """Serves latents to faces for many requests at once.

    Args:
        generate: maps latents, float32 ``(count, 16)``, to faces, uint8 ``(count, 16, 16)``. Called from one thread
            only, with at most ``MAX_ROWS`` rows.
    """

    def __init__(self, generate: Callable[[Latents], Faces]) -> None:
        self._generate = generate
        self._waiting: asyncio.Queue[_Request] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="faces")
        self._tasks: list[asyncio.Task[None]] = []
        self.ready = False

    def start(self) -> None:
        """Start serving on the running event loop, and warm up."""
        self._tasks = [asyncio.create_task(self._serve()), asyncio.create_task(self._warm_up())]

    async def stop(self) -> None:
        """Stop serving; requests that still wait are cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.shutdown()
        while not self._waiting.empty():
            self._waiting.get_nowait().faces.cancel()

    async def faces(self, latents: Latents) -> Faces:
        """Return the faces of the given latents, uint8 ``(count, 16, 16)``."""
        parts = [latents[i : i + MAX_ROWS] for i in range(0, len(latents), MAX_ROWS)]
        return np.concatenate(await asyncio.gather(*(self._enqueue(part) for part in parts)))

    def _enqueue(self, latents: Latents) -> asyncio.Future[Faces]:
        request = _Request(latents, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(request)
        return request.faces

    async def _warm_up(self) -> None:
        try:
            await self.faces(np.zeros((1, LATENT_DIM), np.float32))
        except Exception:
            _log.exception("the generator failed to make its first face; the service stays not ready")
            return
        self.ready = True

    async def _serve(self) -> None:
        batch: list[_Request] = []
        while True:
            request = await self._waiting.get()
            if sum(len(held.latents) for held in batch) + len(request.latents) > MAX_ROWS:
                await self._run(batch)
                batch = []
            if not request.faces.done():  # else its client has gone
                batch.append(request)
            if batch and self._waiting.empty():
                await self._run(batch)
                batch = []

    async def _run(self, batch: list[_Request]) -> None:
        """Generate one batch in the thread and hand out its rows."""
        latents = np.concatenate([request.latents for request in batch])
        try:
            faces = await asyncio.get_running_loop().run_in_executor(self._thread, self._generate, latents)
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
