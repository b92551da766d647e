"""Figures of the jobs for ``GET /metrics``: the database and the disk are asked when somebody wants to know."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from app.jobs.errors import JobsUnavailableError
from app.jobs.files import allocated_bytes
from app.jobs.locks import EMBEDDED_LOCK, is_locked
from app.jobs.service.database import JobDatabase
from app.jobs.totals import Totals

T = TypeVar("T")

#: For so many seconds, whoever asks again gets the same answer.
_TOTALS_SECONDS, _DISK_SECONDS = 2.0, 30.0
#: Nobody waits for an answer for longer, in seconds; Prometheus gives up after 10.
_PATIENCE_SECONDS = 3.0


class Disk(NamedTuple):
    """Bytes of the disk that the data folder takes, and that are free there.

    With PostgreSQL: those that its table of files takes, and None.
    """

    used: int
    free: int | None


class JobFigures:
    """The figures of a database and its data folder; each is None if it cannot be had now."""

    def __init__(self, database: JobDatabase) -> None:
        self._database = database
        self._totals = _Recent(self._ask_totals, _TOTALS_SECONDS)
        self._disk = _Recent(self._look_at_disk, _DISK_SECONDS)

    async def totals(self) -> Totals | None:
        """Return the figures of all jobs."""
        return await self._totals.get()

    async def disk(self) -> Disk | None:
        """Return what the files of the jobs take."""
        return await self._disk.get()

    def _ask_totals(self) -> Totals:
        with self._database.store() as store:
            totals = store.totals()
        settings = self._database.settings
        if settings.database_url:
            return totals
        # The only worker of an SQLite database does not beat; it holds a lock.
        return totals._replace(workers=int(is_locked(settings.data / EMBEDDED_LOCK)))

    def _look_at_disk(self) -> Disk:
        if self._database.settings.database_url is not None:
            with self._database.store() as store:
                return Disk(store.files_on_disk(), None)
        data = self._database.settings.data
        free = os.statvfs(data)
        return Disk(allocated_bytes(data), free.f_bavail * free.f_frsize)


class _Recent(Generic[T]):
    """A value that takes time to get: got on a thread, by one attempt at a time, and kept for some seconds."""

    def __init__(self, get: Callable[[], T], seconds: float) -> None:
        self._get = get
        self._seconds = seconds
        self._attempt: asyncio.Task[T | None] | None = None
        self._ended = -float("inf")

    async def get(self) -> T | None:
        """Return the value, or None if it cannot be had, or takes too long."""
        if self._attempt is None or (self._attempt.done() and time.monotonic() - self._ended > self._seconds):
            self._attempt = asyncio.create_task(self._try())
        done, _ = await asyncio.wait({self._attempt}, timeout=_PATIENCE_SECONDS)
        return self._attempt.result() if done else None

    async def _try(self) -> T | None:
        try:
            return await asyncio.to_thread(self._get)
        except (JobsUnavailableError, OSError):
            return None
        finally:
            self._ended = time.monotonic()
