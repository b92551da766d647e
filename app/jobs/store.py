"""The record of the jobs: what callers may do with it. What workers do with it is in :mod:`app.jobs.lease`."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError

from app.jobs.database import events, jobs, losses
from app.jobs.errors import IdempotencyError, QueueFullError, UnknownJobError
from app.jobs.queue import Queue
from app.jobs.specification import LOSS_NAMES, Specification
from app.jobs.states import TRANSITIONS, Request, State, TransitionError

JobRow = RowMapping


class Event(NamedTuple):
    """Something that happened to a job; ``seq`` counts from 1 without a gap."""

    seq: int
    kind: str
    at: float
    data: dict[str, Any]


class NewJob(NamedTuple):
    """What is stored about a job when it is submitted."""

    specification: Specification
    name: str | None
    metadata: dict[str, Any]
    digest: str
    parent: str | None = None
    checkpoint: str | None = None
    checkpoint_step: int = 0


def new_id() -> str:
    """Draw the id of a job."""
    return secrets.token_hex(8)


def digest(*parts: bytes) -> str:
    """Return a fingerprint of a request, to recognise its repetition."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


class JobStore:
    """The jobs in the database, as the service sees them."""

    def __init__(self, engine: sa.Engine, queue: Queue, max_queued: int) -> None:
        self._engine = engine
        self._queue = queue
        self._max_queued = max_queued

    def submit(self, job_id: str, new: NewJob, key: str | None = None) -> JobRow:
        """Store a job and put it into the queue, both or neither.

        Returns:
            The job; with a ``key`` that is known, the job that it first brought.

        Raises:
            QueueFullError: too many jobs wait.
            IdempotencyError: the key belongs to a request of other content.
        """
        known = self.known(key, new.digest)
        if known is not None:
            return known
        row = _new_row(job_id, new, key)
        try:
            with self._engine.begin() as connection:
                number = connection.execute(sa.insert(jobs).values(row).returning(jobs.c.number)).scalar_one()
                waiting = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state == State.QUEUED)
                if connection.execute(waiting).scalar_one() > self._max_queued:
                    raise QueueFullError(
                        f"expected at most {self._max_queued:,} jobs to wait, and so many do; try again later"
                    )
                append_events(connection, number, 0, [("state", {"status": State.QUEUED, "step": row["step"]})])
                self._queue.put(connection, job_id, row["run"])
        except IntegrityError:
            # A request with the same key was faster.
            known = self.known(key, new.digest)
            if known is None:
                raise
            return known
        return self.get(job_id)

    def known(self, key: str | None, request_digest: str) -> JobRow | None:
        """Return the job that a key brought before, or None.

        Raises:
            IdempotencyError: the key belongs to a request of other content.
        """
        if key is None:
            return None
        row = self._row(jobs.c.idempotency_key == key)
        if row is not None and row["request_digest"] != request_digest:
            raise IdempotencyError(
                f"the Idempotency-Key {key!r} was used for another request, job {row['id']}; "
                "take a new key for a new job"
            )
        return row

    def get(self, job_id: str) -> JobRow:
        """Return a job.

        Raises:
            UnknownJobError: there is none of that id.
        """
        row = None if "\0" in job_id else self._row(jobs.c.id == job_id)
        if row is None:
            raise UnknownJobError(job_id)
        return row

    def _row(self, condition: sa.ColumnElement[bool]) -> JobRow | None:
        with self._engine.connect() as connection:
            return connection.execute(sa.select(jobs).where(condition)).mappings().one_or_none()

    def page(self, states: Sequence[State], limit: int, after: str | None) -> list[JobRow]:
        """Return up to ``limit`` jobs, newest first, of these states (or all), older than the job ``after``.

        Raises:
            UnknownJobError: there is no job ``after``.
        """
        query = sa.select(jobs).order_by(jobs.c.number.desc()).limit(limit)
        if states:
            query = query.where(jobs.c.state.in_(states))
        if after is not None:
            query = query.where(jobs.c.number < self.get(after)["number"])
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    def ahead_of(self, job: JobRow) -> int:
        """Count the jobs that wait and came before this one."""
        query = (
            sa.select(sa.func.count())
            .select_from(jobs)
            .where(jobs.c.state == State.QUEUED, jobs.c.number < job["number"])
        )
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def ask(self, job_id: str, request: Request) -> JobRow:
        """Cancel, pause or resume a job: at once where nothing runs, otherwise as a wish to its worker.

        Raises:
            UnknownJobError: there is no such job.
            TransitionError: its state does not allow it.
        """
        with self._engine.begin() as connection:
            # The update takes the row's lock; what is read after it stands until the commit.
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(id=job_id))
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
            if row is None:
                raise UnknownJobError(job_id)
            old = State(row["state"])
            if old not in TRANSITIONS[request]:
                raise TransitionError(request, old)
            new = TRANSITIONS[request][old]
            if new != old:
                self._move(connection, row, new)
        return self.get(job_id)

    def _move(self, connection: sa.Connection, row: JobRow, new: State) -> None:
        values: dict[str, Any] = {"state": new}
        if new.ended:
            values["ended"] = time.time()
        if new == State.QUEUED:
            values["run"] = row["run"] + 1
            self._queue.put(connection, row["id"], row["run"] + 1)
        change = [("state", {"status": new, "step": row["step"]})]
        values["last_event"] = append_events(connection, row["number"], row["last_event"], change)
        connection.execute(sa.update(jobs).where(jobs.c.number == row["number"]).values(values))

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended.

        Raises:
            UnknownJobError: there is no such job.
            TransitionError: it has not ended.
        """
        job = self.get(job_id)
        if State(job["state"]) not in TRANSITIONS[Request.DELETE]:
            raise TransitionError(Request.DELETE, State(job["state"]))
        with self._engine.begin() as connection:
            for table in (losses, events):
                connection.execute(sa.delete(table).where(table.c.job == job["number"]))
            connection.execute(sa.delete(jobs).where(jobs.c.number == job["number"]))
        self._queue.forget(job_id, job["run"])

    def events_after(self, job: JobRow, seq: int, limit: int = 500) -> list[Event]:
        """Return up to ``limit`` events of a job after the event ``seq``, in order."""
        query = (
            sa.select(events.c.seq, events.c.kind, events.c.at, events.c.data)
            .where(events.c.job == job["number"], events.c.seq > seq)
            .order_by(events.c.seq)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [Event(*row) for row in connection.execute(query)]

    def losses_of(self, job: JobRow) -> npt.NDArray[np.float32]:
        """Return the losses of every step after ``first_step``, float32 ``(steps, names)``."""
        query = sa.select(losses.c.block).where(losses.c.job == job["number"]).order_by(losses.c.last_step)
        with self._engine.connect() as connection:
            blocks = connection.execute(query).scalars().all()
        names = LOSS_NAMES[job["specification"]["model"]]
        return np.frombuffer(b"".join(blocks), np.float32).reshape(-1, len(names))


def _new_row(job_id: str, new: NewJob, key: str | None) -> dict[str, Any]:
    return {
        "id": job_id,
        "name": new.name,
        "metadata": new.metadata,
        "specification": new.specification.model_dump(mode="json"),
        "parent": new.parent,
        "parent_step": new.checkpoint_step if new.parent else None,
        "idempotency_key": key,
        "request_digest": new.digest,
        "state": State.QUEUED,
        "run": 1,
        "attempt": 0,
        "revision": 0,
        "recoveries": 0,
        "stalls": 0,
        "first_step": new.checkpoint_step,
        "step": new.checkpoint_step,
        "steps": new.specification.total_steps,
        "snapshot": -1,
        "checkpoint": new.checkpoint,
        "checkpoint_step": new.checkpoint_step if new.checkpoint else None,
        "kept_checkpoints": {},
        "seconds": 0.0,
        "created": time.time(),
        "last_event": 1,
    }


def append_events(
    connection: sa.Connection, number: int, last: int, changes: Sequence[tuple[str, dict[str, Any]]]
) -> int:
    """Append events after the event ``last``, whose row's lock the caller holds; return the new last one."""
    now = time.time()
    rows = [
        {"job": number, "seq": seq, "kind": kind, "at": now, "data": data}
        for seq, (kind, data) in enumerate(changes, last + 1)
    ]
    if rows:
        connection.execute(sa.insert(events), rows)
    return last + len(rows)
