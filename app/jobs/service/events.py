"""The stream of a job's events."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fastapi.concurrency import run_in_threadpool
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from app.jobs.errors import JobError
from app.jobs.service.service import JobService
from app.jobs.states import ENDED, State
from app.shutdown import stopping

if TYPE_CHECKING:
    from app.jobs.record.rows import JobRow
    from app.jobs.record.store import Event

#: How often the database is asked for news, and how long a silence may last, in seconds.
_POLL_SECONDS = 0.1
_SILENCE_SECONDS = 15.0
_AT_ONCE = 100


async def stream(jobs: JobService, job: "JobRow", after: int) -> AsyncIterator[bytes]:
    """Yield a job's events after the event ``after``, as server-sent events, until it has ended.

    Ends early when the service ends or its database is away; clients come back with ``Last-Event-ID``.
    """
    said = time.monotonic()
    while not stopping.is_set():
        try:
            batch = await run_in_threadpool(_read, jobs, job, after)
        except JobError:
            return
        if batch is None:
            return
        for seq, kind, text, last in batch:
            yield format_sse_event(data_str=text, event=kind, id=str(seq))
            if last:
                return
            after = seq
        if batch:
            said = time.monotonic()
        elif time.monotonic() - said > _SILENCE_SECONDS:
            yield KEEPALIVE_COMMENT
            said = time.monotonic()
        if len(batch) < _AT_ONCE:
            await asyncio.sleep(_POLL_SECONDS)


def _read(jobs: JobService, job: "JobRow", after: int) -> list[tuple[int, str, str, bool]] | None:
    """Return the next events: number, kind, data, and whether it is the last of all; None where none will come.

    Raises:
        JobError: the job is gone, or the database is away.
    """
    with jobs.store() as store:
        events = store.events_after(job, after, _AT_ONCE)
        if not events:
            now = store.get(job["id"])  # deleted in the meantime?
            if State(now["state"]).ended:
                events = store.events_after(job, after, _AT_ONCE)  # of the end, if it came between the two looks
                if not events:
                    return None
    return [(event.seq, event.kind, jobs.event_text(job, event), _is_last(event)) for event in events]


def _is_last(event: "Event") -> bool:
    return event.kind == "state" and event.data.get("status") in ENDED
