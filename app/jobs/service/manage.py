"""Existing jobs: list, show, steer, delete.

All functions raise ``UnknownJobError`` if the job does not exist.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.jobs.record.values import JobRow
from app.jobs.service.database import JobDatabase
from app.jobs.service.views import Job, JobPage, view
from app.jobs.states import Action, State

if TYPE_CHECKING:
    from app.jobs.record.store import JobStore


def page(database: JobDatabase, states: Sequence[State], limit: int, after: str | None) -> JobPage:
    """Return up to ``limit`` jobs, newest first, of these states (or all), older than the job ``after``."""
    with database.store() as store:
        rows = store.page(states, limit + 1, after)
        shown = rows[:limit]
        return JobPage(jobs=views(store, shown), next=shown[-1]["id"] if len(rows) > len(shown) else None)


def show(database: JobDatabase, job_id: str) -> Job:
    """Return a job."""
    with database.store() as store:
        return views(store, [store.get(job_id)])[0]


def steer(database: JobDatabase, job_id: str, action: Action) -> Job:
    """Cancel, pause or resume a job, and return it. A running job changes its state when its worker reacts.

    Raises:
        TransitionError: the job's state does not allow it.
    """
    with database.store() as store:
        return views(store, [store.steer(job_id, action)])[0]


def delete(database: JobDatabase, job_id: str) -> None:
    """Delete a job that has ended: its record, its files and its place in the queue. After an error, repeat the call.

    Raises:
        TransitionError: the job has not ended.
    """
    with database.store() as store:
        store.delete(job_id)
        store.clear(database.files(job_id))


def views(store: "JobStore", rows: Sequence[JobRow]) -> list[Job]:
    """Return jobs as clients see them. The queue is counted once for all of them."""
    positions = store.positions() if any(row["state"] == State.QUEUED for row in rows) else {}
    # A job that a worker takes at this moment has left the queue: nobody is before it.
    return [view(row, positions.get(row["id"], 0) if row["state"] == State.QUEUED else None) for row in rows]
