"""The face engine: gathers concurrent requests into batches and keeps the network off the event loop."""

import asyncio
import heapq
import itertools
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.faces.latents import LATENT_DIM, Latents
from app.part import share
from app.processors import processors
from app.tallies import Histogram

Faces = npt.NDArray[np.uint8]
#: Maps latents, float32 ``(count, 16)``, to faces, uint8 ``(count, 16, 16)``; called from several threads, with at most
#: ``MAX_ROWS`` rows.
Generate = Callable[[Latents], Faces]

#: Rows that one run takes at most, so that a sheet of a thousand faces cannot hold up a single one for long.
MAX_ROWS = 128
#: Runs at the same time, in all processes of the service.
_THREADS = min(4, processors())

_log = logging.getLogger("nobody")


#: Pauses after a first face that could not be made: the first one, and at most, in seconds.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
#: A failure of one kind is told once in so many seconds.
_TELL_SECONDS = 60.0


class FacesUnavailableError(RuntimeError):
    """The generator failed; the log says why."""


class _Request(NamedTuple):
    """Rows that somebody waits for; requests compare in the order in which they are served."""

    belongs_to_many: bool
    number: int
    generate: Generate
    latents: Latents
    faces: asyncio.Future[Faces]


class FaceEngine:
    """Serves latents to faces for many requests at once. Sheets that take several runs let everything else pass.

    Each request names its generator: while the weights are changed there are two.
    """

    def __init__(self) -> None:
        self._waiting: list[_Request] = []  # a heap
        self._numbers = itertools.count()
        self._wanted = asyncio.Event()
        self._threads = ThreadPoolExecutor(share(_THREADS), thread_name_prefix="faces")
        self._tasks: list[asyncio.Task[None]] = []
        self._failures = Failures()
        self.ready = False
        #: Rows of each run that has succeeded, and how many runs have failed.
        self.batches = Histogram([2**i for i in range(MAX_ROWS.bit_length())])
        self.failed_batches = 0

    def start(self, generate: Generate) -> None:
        """Start serving on the running event loop, and warm up with a generator."""
        self._tasks = [asyncio.create_task(self._serve()) for _ in range(share(_THREADS))]
        self._tasks.append(asyncio.create_task(self._warm_up(generate)))

    async def stop(self) -> None:
        """Stop serving; requests that still wait are cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._threads.shutdown()
        for request in self._waiting:
            request.faces.cancel()

    async def faces(self, generate: Generate, latents: Latents) -> Faces:
        """Return the faces that a generator makes of latents, uint8 ``(count, 16, 16)``."""
        parts = [latents[i : i + MAX_ROWS] for i in range(0, len(latents), MAX_ROWS)]
        answers = [self._enqueue(generate, part, len(parts) > 1) for part in parts]
        return np.concatenate(await asyncio.gather(*answers))

    def _enqueue(self, generate: Generate, latents: Latents, belongs_to_many: bool) -> asyncio.Future[Faces]:
        faces: asyncio.Future[Faces] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, _Request(belongs_to_many, next(self._numbers), generate, latents, faces))
        self._wanted.set()
        return faces

    async def _warm_up(self, generate: Generate) -> None:
        pause = FIRST_PAUSE
        while not self.ready:
            try:
                await self.faces(generate, np.zeros((1, LATENT_DIM), np.float32))
                self.ready = True
            except FacesUnavailableError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _serve(self) -> None:
        while True:
            await self._wanted.wait()
            if not await self._run_next():
                self._wanted.clear()

    async def _run_next(self) -> bool:
        """Run what waits; return whether there was anything."""
        batch = self._next_batch()
        if batch:
            await self._run(batch)
        return bool(batch)

    def _next_batch(self) -> list[_Request]:
        """Take what fits into one run of one generator."""
        batch: list[_Request] = []
        rows = 0
        while self._waiting and rows + len(self._waiting[0].latents) <= MAX_ROWS:
            if batch and self._waiting[0].generate is not batch[0].generate:
                break
            request = heapq.heappop(self._waiting)
            if not request.faces.done():  # else its client has gone
                batch.append(request)
                rows += len(request.latents)
        return batch

    async def _run(self, batch: list[_Request]) -> None:
        """Generate one batch in a thread and hand out its rows."""
        latents = np.concatenate([request.latents for request in batch])
        try:
            faces = await asyncio.get_running_loop().run_in_executor(self._threads, batch[0].generate, latents)
            parts = np.split(faces, np.cumsum([len(request.latents) for request in batch])[:-1])
            for request, part in zip(batch, parts, strict=True):
                if not request.faces.done():
                    request.faces.set_result(part)
            self._failures.over()
            self.batches.add(len(latents))
        except Exception as error:
            self.failed_batches += 1
            self._failures.tell(error)
            for request in batch:
                if not request.faces.done():
                    request.faces.set_exception(FacesUnavailableError(f"the generator failed: {error}"))
        finally:
            for request in batch:
                request.faces.cancel()  # does nothing to those that are done


class Failures:
    """Tells in the log that drawing fails, and that it works again: once, however often it is tried."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}  # when, by the kind of failure
        self._untold_end = False

    def tell(self, error: Exception) -> None:
        """Tell of a failure, unless one of its kind was told of a moment ago."""
        kind, now = type(error).__name__, time.monotonic()
        if now - self._told.get(kind, -float("inf")) < _TELL_SECONDS:
            return
        self._told[kind] = now
        self._untold_end = True
        _log.error("drawing faces failed, and is tried until it works: %s", " ".join(f"{kind}: {error}".split()))

    def over(self) -> None:
        """Tell that a failure that was told of is over."""
        if self._untold_end:
            self._untold_end = False
            _log.warning("faces are drawn again")
