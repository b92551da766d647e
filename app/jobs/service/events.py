"""The events of a job: as a page of JSON, and as a stream that follows the job to its end."""

import json
from collections.abc import AsyncGenerator

from app.jobs.errors import JobError
from app.jobs.service.database import JobDatabase
from app.jobs.service.event_data import JobEvent, with_data
from app.jobs.service.event_feeds import BATCH, EventFeeds
from app.jobs.service.views import iso_time
from app.jobs.states import ENDED
from app.pools import BusyError
from app.shutdown import stopping


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
        self._after = after
        with database.store() as store:
            self._job = store.get(job_id)
        self._files = database.files(self._job)

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
            f'"data":{with_data(event, self._files).data}}}'
            for event in events
        ]
        return f'{{"events":[{",".join(texts)}],"last":{last},"ended":{json.dumps(ended)}}}'

    async def follow(self, feeds: EventFeeds, silence: float) -> AsyncGenerator[JobEvent | None, None]:
        """Yield the events until the job has ended; yield None after every ``silence`` seconds without an event.

        Ends early when the service stops, the database is unavailable, or the key of the caller is revoked; clients
        reconnect.
        """
        position, caller = self._after, self._database.caller
        async with feeds.watch(self._job, caller) as feed:
            while feed.admits(caller) and not stopping.is_set():
                begins = feed.begins
                if position < begins:
                    try:
                        batch = await self._database.calls.run(self._read, position)
                    except (JobError, BusyError):
                        return
                    if len(batch) < BATCH:  # these are all, though a damaged job may have lost some
                        position = begins
                else:
                    batch = feed.after(position)
                    if not batch and feed.is_over:
                        return
                    if not batch and not await feed.wait(silence):
                        yield None
                for event in batch:
                    yield event
                    position = max(position, event.id)

    def _read(self, position: int) -> list[JobEvent]:
        with self._database.store() as store:
            return [with_data(event, self._files) for event in store.events_after(self._job, position, BATCH)]
