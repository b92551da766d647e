"""The events of a job: as a page of JSON, and as a stream that follows the job to its end."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

from anyio import to_thread

from app.jobs.errors import JobError
from app.jobs.record.values import Event
from app.jobs.service import stored
from app.jobs.service.database import JobDatabase
from app.jobs.service.views import iso_time
from app.jobs.states import ENDED
from app.shutdown import stopping
from models.files.arrays import DamagedFileError

#: The stream asks the database for news at this interval, in seconds.
_POLL_SECONDS = 0.1
#: Events that the stream reads at once.
_BATCH = 100


class JobEvent(NamedTuple):
    """An event as clients see it; ``data`` is JSON text."""

    id: int
    kind: str
    data: str


class EventLog:
    """The events of a job that a client does not have yet.

    Args:
        database: where the jobs are stored.
        job_id: the job.
        after: the last event that the client has.

    Raises:
        UnknownJobError: the job does not exist.
    """

    def __init__(self, database: JobDatabase, job_id: str, after: int) -> None:
        self._database = database
        self._files = database.files(job_id)
        self._after = after
        self._finished = False
        with database.store() as store:
            self._job = store.get(job_id)

    @property
    def last(self) -> int:
        """Number of the newest event."""
        last: int = self._job["last_event"]
        return last

    @property
    def exhausted(self) -> bool:
        """The job has ended, and the client has all its events."""
        return self._job["state"] in ENDED and self._after == self.last

    def page(self, limit: int) -> str:
        """Return up to ``limit`` events as JSON; see :class:`~.views.Events`."""
        with self._database.store() as store:
            events = store.events_after(self._job, self._after, limit)
        last = events[-1].seq if events else self._after
        # A job that has ended gets no more events. A damaged one may have lost some: there, a short page is the last.
        ended = self._job["state"] in ENDED and (len(events) < limit or last >= self.last)
        # The data are large, and JSON already: they are passed on unparsed.
        texts = [
            f'{{"id":{event.seq},"event":{json.dumps(event.kind)},"at":"{iso_time(event.at)}",'
            f'"data":{self._data(event)}}}'
            for event in events
        ]
        return f'{{"events":[{",".join(texts)}],"last":{last},"ended":{json.dumps(ended)}}}'

    async def follow(self, silence: float) -> AsyncIterator[JobEvent | None]:
        """Yield the events until the job has ended; yield None after every ``silence`` seconds without an event.

        Ends early when the service stops or the database is unavailable; clients reconnect.
        """
        yielded = time.monotonic()
        while not stopping.is_set():
            try:
                batch = await to_thread.run_sync(self._next_batch)
            except JobError:
                return
            for event in batch:
                yield event
                self._after = event.id
            if self._finished:
                return
            if batch:
                yielded = time.monotonic()
            elif time.monotonic() - yielded > silence:
                yield None
                yielded = time.monotonic()
            if len(batch) < _BATCH:
                await asyncio.sleep(_POLL_SECONDS)

    def _next_batch(self) -> list[JobEvent]:
        """Return the next events, and note whether they are the last ones.

        Raises:
            JobError: the job is deleted, or the database is unavailable.
        """
        with self._database.store() as store:
            events = store.events_after(self._job, self._after, _BATCH)
            if not events and store.get(self._job["id"])["state"] in ENDED:
                events = store.events_after(self._job, self._after, _BATCH)  # the job may have ended between the two
                self._finished = not events
        self._finished |= any(event.kind == "state" and event.data.get("status") in ENDED for event in events)
        return [JobEvent(event.seq, event.kind, self._data(event)) for event in events]

    def _data(self, event: Event) -> str:
        """Return the data of an event as JSON text. Those of pictures are stored in files."""
        step = event.data.get("step")
        try:
            if event.kind == "data":
                return stored.real_examples(self._files).text
            if event.kind == "snapshot" and isinstance(step, int):
                return stored.snapshot(self._files, step, event.data.get("half") is True).text
        except (OSError, DamagedFileError):
            pass  # the files were deleted, or are damaged: the event has happened all the same
        return json.dumps(event.data)
