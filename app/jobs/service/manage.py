"""Existing jobs: list, show, steer, delete.

All functions raise ``UnknownJobError`` if the job does not exist.
"""

import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.jobs.callers import ANYBODY
from app.jobs.errors import UnknownJobError
from app.jobs.files import JobFiles
from app.jobs.record.values import JobRow, unknown_settings
from app.jobs.service.database import JobDatabase
from app.jobs.service.views import Job, JobPage, view
from app.jobs.service.waits import waits
from app.jobs.specification import StepRequest
from app.jobs.states import ENDED, HELD, Action, State, TransitionError

if TYPE_CHECKING:
    from app.jobs.record.store import JobStore


#: How many jobs tell the speed of others.
_KNOWN = 50


def page(
    database: JobDatabase,
    states: Sequence[State],
    limit: int,
    after: str | None,
    owner: str | None = None,
    search: str = "",
) -> JobPage:
    """Return up to ``limit`` jobs, newest first, of these states (or all), older than the job ``after``."""
    with database.store() as store:
        rows = store.page(states, limit + 1, after, owner, search)
        shown = rows[:limit]
        return JobPage(jobs=views(database, store, shown), next=shown[-1]["id"] if len(rows) > len(shown) else None)


def show(database: JobDatabase, job_id: str) -> Job:
    """Return a job."""
    with database.store() as store:
        return views(database, store, [store.get(job_id)])[0]


def steer(database: JobDatabase, job_id: str, action: Action, steps: StepRequest | None = None) -> Job:
    """Cancel, pause, resume or step a job, and return it. A running job changes its state when its worker reacts.

    Raises:
        TransitionError: the job's state does not allow it.
    """
    with database.store() as store:
        return views(database, store, [store.steer(job_id, action, steps)])[0]


def rename(database: JobDatabase, job_id: str, name: str | None) -> Job:
    """Give a job another name, or none, and return it."""
    with database.store() as store:
        return views(database, store, [store.rename(job_id, name)])[0]


def delete(database: JobDatabase, job_id: str) -> None:
    """Delete a job that has ended: its record, its files and its place in the queue. After an error, repeat the call.

    Raises:
        TransitionError: the job has not ended.
    """
    with database.store() as store:
        store.delete(job_id)
        store.clear(JobFiles(database.settings.data, job_id))


def delete_all(database: JobDatabase, owner: str) -> list[str]:
    """Delete all jobs of an owner that have ended; return their ids."""
    deleted = []
    with database.store() as store:
        while rows := store.page(ENDED, 100, owner=owner):
            deleted += delete_each(database, [row["id"] for row in rows])
    return deleted


def delete_each(database: JobDatabase, job_ids: Sequence[str]) -> list[str]:
    """Delete those of these jobs that there are and that have ended; return their ids."""
    deleted = []
    for job_id in job_ids:
        with contextlib.suppress(UnknownJobError, TransitionError):  # perhaps somebody else was faster
            delete(database, job_id)
            deleted.append(job_id)
    return deleted


def views(database: JobDatabase, store: "JobStore", rows: Sequence[JobRow]) -> list[Job]:
    """Return jobs as clients see them. The queue is looked at once for all of them."""
    if all(row["state"] != State.QUEUED for row in rows):
        return [view(row) for row in rows]
    waiting = store.waiting()
    positions = {row["id"]: before for before, row in enumerate(waiting)}
    everything = store.seen_by(ANYBODY)  # the jobs of others, too, take the time of the workers
    running = everything.page(HELD, database.settings.max_queued_jobs)
    # The results of a job can be shown although its settings are damaged.
    ended = everything.page([State.SUCCEEDED, State.CANCELLED, State.PAUSED], _KNOWN)
    known = [*running, *(row for row in ended if not unknown_settings(row))]
    expected = waits(waiting, running, known, database.settings.concurrent_jobs * store.workers())
    return [
        # A job that a worker takes at this moment has left the queue: nobody is before it.
        view(row, positions.get(row["id"], 0), expected.get(row["id"])) if row["state"] == State.QUEUED else view(row)
        for row in rows
    ]
