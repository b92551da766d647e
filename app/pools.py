"""Threads for heavy work: a few, with a short queue before them, so that no kind of work delays another."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from app.part import share

P = ParamSpec("P")
T = TypeVar("T")


class BusyError(Exception):
    """More work of one kind waits than is sensible; the message is for the caller."""


class Pool:
    """Runs work of one kind; to be used by one event loop.

    Args:
        work: what it does, as the caller of too much of it reads it: "drawing pictures".
        threads: tasks that run at the same time, in all processes of the service.
        waiting: tasks that may wait for them, likewise.
        patience: seconds for which one waits at most; without it, as long as it takes.
    """

    def __init__(self, work: str, threads: int, waiting: int, patience: float | None = None) -> None:
        self._work = work
        threads = share(threads)
        self._threads = ThreadPoolExecutor(threads, work.replace(" ", "-"))
        self._most = threads + share(waiting)
        self._patience = patience
        self._unfinished = 0

    async def run(self, work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Run a task on a thread, in the context of the request, and return what it returns.

        A cancelled call ends at once: its task is not begun, or goes on unheard.

        Raises:
            BusyError: too many wait already, or it has waited for too long.
        """
        if self._unfinished >= self._most:
            raise self._busy()
        self._unfinished += 1
        task = self._threads.submit(partial(copy_context().run, work, *arguments, **keywords))
        result = asyncio.wrap_future(task)
        try:
            if self._patience is not None:
                await asyncio.wait({result}, timeout=self._patience)
                if task.cancel():  # it has not begun
                    raise self._busy()
            return await result
        finally:
            task.cancel()
            self._unfinished -= 1

    async def pieces(self, made: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield what an iterator makes, each piece on a thread when the one before is taken.

        The answer has begun, so it is not refused however much waits: its pieces take turns with other work.
        """
        loop = asyncio.get_running_loop()
        while (piece := await loop.run_in_executor(self._threads, next, made, None)) is not None:
            yield piece

    def _busy(self) -> BusyError:
        return BusyError(f"the service is busy with {self._work}; try again in a few seconds")
