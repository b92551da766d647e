"""Changes of a job's state, each in a transaction that holds the lock of the job's row."""

import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from app.jobs.record.notifications import notify
from app.jobs.record.rows import read_row
from app.jobs.record.tables import events, jobs
from app.jobs.record.values import JobRow
from app.jobs.states import State

#: A job is given up after so many acquisitions without a new checkpoint.
MAX_STALLS = 12


def lock_job(connection: sa.Connection, job_id: str) -> JobRow | None:
    """Return a job, or None, and lock its row until the transaction ends."""
    if "\0" in job_id:  # PostgreSQL refuses it in a parameter
        return None
    # An update locks in SQLite, too, which has no SELECT … FOR UPDATE.
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(id=job_id))
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
    return None if row is None else read_row(row)


def change_state(connection: sa.Connection, row: JobRow, new: State, error: str | None = None, **values: Any) -> None:
    """Write a new state of a locked job, and its event."""
    change: dict[str, Any] = {"status": new, "step": row["step"]}
    change |= {name: values[name] for name in ("recoveries", "phase") if values.get(name) is not None}
    if error is not None:
        values["error"] = change["error"] = error
    if new.ended:
        values["ended"] = time.time()
    if new == State.QUEUED:
        values["run"] = row["run"] + 1
    last = row["last_event"]
    if row["unreadable"] is not None:
        newest = sa.select(sa.func.max(events.c.seq)).where(events.c.job == row["number"])
        last = connection.execute(newest).scalar_one_or_none() or 0
    values["last_event"] = append_events(connection, row["number"], last, [("state", change)])
    connection.execute(sa.update(jobs).where(jobs.c.number == row["number"]).values(state=new, **values))


def append_events(
    connection: sa.Connection, number: int, last: int, changes: Sequence[tuple[str, dict[str, Any]]]
) -> int:
    """Append events, pairs of kind and data, to a locked job after the event ``last``; return the new last one."""
    now = time.time()
    rows = [
        {"job": number, "seq": seq, "kind": kind, "at": now, "data": data}
        for seq, (kind, data) in enumerate(changes, last + 1)
    ]
    if rows:
        connection.execute(sa.insert(events), rows)
        notify(connection, number)
    return last + len(rows)


def state_without_worker(row: JobRow, last_failure: str | None) -> tuple[State, str | None]:
    """Return what becomes of a job that no worker has (``RUNNING``: it is to be trained), and the error if it failed.

    Args:
        row: the job.
        last_failure: why its last attempt ended, if known.
    """
    if row["unreadable"] is not None:
        return State.FAILED, row["unreadable"]
    state = State(row["state"])
    if state == State.CANCELLING:
        return State.CANCELLED, None
    if state == State.PAUSING:
        return State.PAUSED, None
    if row["stalls"] >= MAX_STALLS:
        return State.FAILED, (
            f"taken up {row['stalls']} times, the job never came to its next checkpoint: each time its process "
            f"or its worker ended; {last_failure or 'it may be too large for the machine, or the disk full'}"
        )
    return State.RUNNING, None
