"""The record of the jobs: what callers may do with it. What workers do with it is in :mod:`app.jobs.record.leases`."""

import itertools
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.jobs.errors import IdempotencyError, JobsUnavailableError, NotThereError, QueueFullError, UnknownJobError
from app.jobs.files import JobFiles, identity
from app.jobs.record.queue import Queue
from app.jobs.record.rows import readable
from app.jobs.record.tables import events, jobs, leftovers, losses, tickets
from app.jobs.record.values import Event, JobRow, NewJob, require_readable
from app.jobs.states import ENDED, TRANSITIONS, Request, State, TransitionError
from models.catalogue import LOSS_NAMES

#: Whoever writes the files of a new job for longer is gone; it takes a second at most.
_SUBMISSION_SECONDS = 3_600.0


class JobStore:
    """The jobs in the database, as the service sees them."""

    def __init__(self, engine: sa.Engine, queue: Queue, max_queued: int) -> None:
        self._engine = engine
        self._queue = queue
        self._max_queued = max_queued
        self._file = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
        self._identity = self._file and identity(self._file)

    @property
    def is_gone(self) -> bool:
        """Say whether the database's file was deleted or replaced: nobody else will see what we write into it."""
        return self._file is not None and identity(self._file) != self._identity

    def close(self) -> None:
        """Let go of the database."""
        self._queue.close()
        self._engine.dispose()

    def announce(self, job_id: str) -> None:
        """Note that files of a job will be written before the job is submitted: should that never come, they go."""
        with self._engine.begin() as connection:
            connection.execute(sa.insert(leftovers).values(id=job_id, submitted=time.time()))

    def submit(self, job_id: str, new: NewJob, key: str | None = None, *, announced: bool = False) -> JobRow:
        """Store a job and put it into the queue, both or neither.

        Args:
            job_id: from :func:`~app.jobs.record.values.new_id`.
            new: the job.
            key: the Idempotency-Key, if there is one.
            announced: files of the job were announced, and are written by now.

        Returns:
            The job; with a ``key`` that is known, the job that it first brought.

        Raises:
            QueueFullError: too many jobs wait.
            IdempotencyError: the key belongs to a request of other content.
            JobsUnavailableError: its files were written for so long that they count as left over.
        """
        known = self.known(key, new.digest)
        if known is not None:
            return known
        row = _new_row(job_id, new, key)
        try:
            with self._engine.begin() as connection:
                if announced:
                    mine = (leftovers.c.id == job_id) & leftovers.c.submitted.is_not(None)
                    if not connection.execute(sa.delete(leftovers).where(mine)).rowcount:
                        raise JobsUnavailableError("the files of the job took too long to be written; submit it again")
                number = connection.execute(sa.insert(jobs).values(row).returning(jobs.c.number)).scalar_one()
                waiting = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state == State.QUEUED)
                if connection.execute(waiting).scalar_one() > self._max_queued:
                    raise QueueFullError(
                        f"expected at most {self._max_queued:,} jobs to wait, and so many do; try again later"
                    )
                append_events(connection, number, 0, [("state", {"status": State.QUEUED, "step": row["step"]})])
                self._queue.put(connection, job_id, number, row["run"])
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
            row = connection.execute(sa.select(jobs).where(condition)).mappings().one_or_none()
        return None if row is None else readable(row)

    def page(self, states: Sequence[State], limit: int, after: str | None) -> list[JobRow]:
        """Return up to ``limit`` jobs, newest first, of these states (or all), older than the job ``after``.

        Raises:
            UnknownJobError: there is no job ``after``.
        """
        query = sa.select(jobs).order_by(jobs.c.number.desc()).execution_options(yield_per=min(limit, 100))
        if states:
            # Whatever cannot be read has failed, and is never what its column says.
            doubtful = jobs.c.state.not_in(ENDED) if State.FAILED in states else sa.false()
            query = query.where(jobs.c.state.in_(states) | doubtful)
        if after is not None:
            query = query.where(jobs.c.number < self.get(after)["number"])
        with self._engine.connect() as connection, connection.execute(query) as result:
            rows = (readable(row) for row in result.mappings())
            return list(itertools.islice((row for row in rows if not states or row["state"] in states), limit))

    def positions(self) -> dict[str, int]:
        """Count for every job that waits those that wait before it, by its id: the order is that of the queue."""
        query = (
            sa.select(jobs.c.id)
            .outerjoin(tickets, tickets.c.job == jobs.c.number)
            .where(jobs.c.state == State.QUEUED)
            .order_by(sa.func.coalesce(tickets.c.ticket, 0), jobs.c.number)
        )
        with self._engine.connect() as connection:
            return {job_id: before for before, job_id in enumerate(connection.execute(query).scalars())}

    def ask(self, job_id: str, request: Request) -> JobRow:
        """Cancel, pause or resume a job: at once where nothing runs, otherwise as a wish to its worker.

        Raises:
            UnknownJobError: there is no such job.
            TransitionError: its state does not allow it.
        """
        with self._engine.begin() as connection:
            row = locked(connection, job_id)
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
        if new == State.QUEUED:
            self._queue.put(connection, row["id"], row["number"], row["run"] + 1)
        move(connection, row, new)

    def delete(self, job_id: str) -> None:
        """Take a job that has ended out of the record, and note that its files and its place in the queue are to go.

        Repeated until all of it is gone, it does no harm.

        Raises:
            UnknownJobError: there is no such job, and nothing is left of it.
            TransitionError: it has not ended.
        """
        with self._engine.begin() as connection:
            row = locked(connection, job_id)
            if row is None:
                left = sa.select(leftovers.c.id).where(leftovers.c.id == job_id, leftovers.c.submitted.is_(None))
                if connection.execute(left).one_or_none() is None:
                    raise UnknownJobError(job_id)
                return
            if State(row["state"]) not in TRANSITIONS[Request.DELETE]:
                raise TransitionError(Request.DELETE, State(row["state"]))
            for table in (losses, events, tickets):
                connection.execute(sa.delete(table).where(table.c.job == row["number"]))
            connection.execute(sa.delete(jobs).where(jobs.c.number == row["number"]))
            connection.execute(sa.insert(leftovers).values(id=job_id))

    def leftovers(self) -> list[str]:
        """Return the jobs of which something is left: their deletion, or submission, was interrupted."""
        too_long = leftovers.c.submitted < time.time() - _SUBMISSION_SECONDS
        with self._engine.begin() as connection:
            # From now on, who is still writing the files of such a job cannot submit it any more.
            connection.execute(sa.update(leftovers).where(too_long).values(submitted=None))
            return list(connection.execute(sa.select(leftovers.c.id).where(leftovers.c.submitted.is_(None))).scalars())

    def clear(self, files: JobFiles) -> None:
        """Remove what is left of a job that is not in the record: its files, and its place in the queue.

        Whatever fails, a repetition completes it.
        """
        files.remove()
        self._queue.forget(files.job_id)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(leftovers).where(leftovers.c.id == files.job_id))

    def events_after(self, job: JobRow, seq: int, limit: int = 500) -> list[Event]:
        """Return up to ``limit`` events of a job after the event ``seq``, in order."""
        query = (
            sa.select(events.c.seq, events.c.kind, events.c.at, events.c.data)
            .where(events.c.job == job["number"], events.c.seq > seq)
            .order_by(events.c.seq)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Event(row.seq, str(row.kind), row.at, row.data if isinstance(row.data, dict) else {}) for row in rows]

    def losses_of(self, job: JobRow) -> npt.NDArray[np.float32]:
        """Return the losses of every step after ``first_step``, float32 ``(steps, names)``.

        Raises:
            NotThereError: they cannot be read.
        """
        require_readable(job)
        query = sa.select(losses.c.block).where(losses.c.job == job["number"]).order_by(losses.c.last_step)
        names = LOSS_NAMES[job["specification"]["model"]]
        try:
            with self._engine.connect() as connection:
                blocks = connection.execute(query).scalars().all()
            return np.frombuffer(b"".join(blocks), np.float32).reshape(-1, len(names))
        except (TypeError, ValueError):
            raise NotThereError("the stored losses of the job are damaged") from None


def locked(connection: sa.Connection, job_id: str) -> JobRow | None:
    """Return a job whose row nobody else can change until the transaction ends, or None."""
    if "\0" in job_id:
        return None
    # The update takes the row's lock; what is read after it stands until the commit.
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(id=job_id))
    row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
    return None if row is None else readable(row)


def move(connection: sa.Connection, row: JobRow, new: State, error: str | None = None, **values: Any) -> None:
    """Bring a job, whose row's lock the caller holds, into another state, and say so in its events."""
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
