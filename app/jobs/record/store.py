"""What callers do with jobs: submit, steer, delete. For what workers do, see :mod:`app.jobs.record.leases`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from app.jobs.errors import JobsUnavailableError, NotThereError, QueueFullError, UnknownJobError
from app.jobs.files import JobFiles
from app.jobs.locks import FileLock, LockedError
from app.jobs.record import file_rows
from app.jobs.record.advisory_locks import AdvisoryLock
from app.jobs.record.keys import KeyStore, charge
from app.jobs.record.queue import Queue
from app.jobs.record.reader import JobReader
from app.jobs.record.tables import events, files, jobs, leftovers, losses, tickets
from app.jobs.record.transitions import append_events, change_state, lock_job
from app.jobs.record.values import Copied, JobRow, NewJob, Written
from app.jobs.specification import SPECIFICATION_VERSION, StepRequest
from app.jobs.states import TRANSITIONS, Action, State, TransitionError

#: One waits no longer for others who store jobs.
_ADMITTING_SECONDS = 10.0
#: A submission that writes its files for longer was interrupted; it takes a second at most.
_SUBMISSION_SECONDS = 3_600.0


class JobStore(JobReader):
    """The jobs in the database, for the service.

    Args:
        engine: the database.
        queue: of the jobs.
        max_queued: how many jobs may wait.
    """

    def __init__(self, engine: sa.Engine, queue: Queue, max_queued: int) -> None:
        super().__init__(engine)
        self._queue = queue
        self._max_queued = max_queued
        self.keys = KeyStore(engine)

    def close(self) -> None:
        """Close all connections."""
        self._queue.close()
        self._engine.dispose()

    def announce(self, job_id: str) -> None:
        """Record that files of a job will be written before its submission; without a submission they are deleted."""
        with self._engine.begin() as connection:
            connection.execute(sa.insert(leftovers).values(id=job_id, submitted=time.time()))

    def submit(self, job_id: str, new: NewJob, key: str | None = None, *, announced: bool = False) -> JobRow:
        """Store and queue a job, in one transaction.

        Args:
            job_id: from :func:`~app.jobs.record.values.new_id`.
            new: the job.
            key: the Idempotency-Key, if any.
            announced: the files of the job were announced, and are written.

        Returns:
            The job; for a known ``key``, the job of its first request.

        Raises:
            QueueFullError: too many jobs wait.
            NotThereError: a file that the job begins with is gone.
            QuotaError: the caller has used what their key may.
            LimitError: the job has more steps than their key may ever ask for.
            IdempotencyError: the key was used for another request.
            JobsUnavailableError: writing the files took so long that they count as left over.
        """
        known = self.known(key, new.digest)
        if known is not None:
            return known
        try:
            with self._engine.begin() as connection:
                if announced:
                    mine = (leftovers.c.id == job_id) & leftovers.c.submitted.is_not(None)
                    if not connection.execute(sa.delete(leftovers).where(mine)).rowcount:
                        raise JobsUnavailableError("the files of the job took too long to be written; submit it again")
                self._insert(connection, job_id, new, key)
        except IntegrityError:
            # Another request with the same key was committed first.
            known = self.known(key, new.digest)
            if known is None:
                raise
            return known
        return self.get(job_id)

    def _insert(self, connection: sa.Connection, job_id: str, new: NewJob, key: str | None) -> None:
        charge(connection, self._caller, new.specification.total_steps - new.checkpoint_step)
        whose = {"key_name": self._caller.key_name, "idempotency_key": self._stored(key)}
        number = connection.execute(
            sa.insert(jobs).values(**_values(job_id, new), **whose).returning(jobs.c.number)
        ).scalar_one()
        waiting = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state == State.QUEUED)
        if connection.execute(waiting).scalar_one() > self._max_queued:
            raise QueueFullError(f"expected at most {self._max_queued:,} jobs to wait, and so many do; try again later")
        if self.keeps_files:
            for file in new.files:
                _write(connection, number, file)
        append_events(connection, number, 0, [("state", {"status": State.QUEUED, "step": new.checkpoint_step})])
        self._queue.enqueue(connection, job_id, number, run=1)

    def steer(self, job_id: str, action: Action, steps: StepRequest | None = None) -> JobRow:
        """Cancel, pause, resume or step a job: at once if no worker has it, otherwise as a request to its worker.

        Args:
            job_id: the job.
            action: what to do.
            steps: for ``Action.STEP``, how far.

        Raises:
            UnknownJobError: there is no such job.
            TransitionError: its state does not allow it.
        """
        with self._engine.begin() as connection:
            row = self._lock(connection, job_id)
            if row is None:
                raise UnknownJobError(job_id)
            old = State(row["state"])
            if old not in TRANSITIONS[action]:
                raise TransitionError(action, old)
            new = TRANSITIONS[action][old]
            if new != old:
                if new == State.QUEUED:
                    self._queue.enqueue(connection, job_id, row["number"], row["run"] + 1)
                change_state(connection, row, new, **(_goal(row, steps) if action in _GOING_ON else {}))
        return self.get(job_id)

    def _lock(self, connection: sa.Connection, job_id: str) -> JobRow | None:
        row = lock_job(connection, job_id)
        return row if row is not None and self._caller.sees(row["key_name"]) else None

    def rename(self, job_id: str, name: str | None) -> JobRow:
        """Give a job another name, or none.

        Raises:
            UnknownJobError: there is no such job.
        """
        self.get(job_id)  # of an id that the database takes
        with self._engine.begin() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(name=name))
        return self.get(job_id)

    def delete(self, job_id: str) -> None:
        """Delete the rows of a job that has ended; :meth:`clear` then deletes its folder and workflows.

        May be repeated until everything is gone.

        Raises:
            UnknownJobError: there is no such job, and nothing is left of it.
            TransitionError: it has not ended.
        """
        if "\0" in job_id:  # PostgreSQL refuses it in a parameter
            raise UnknownJobError(job_id)
        with self._engine.begin() as connection:
            row = self._lock(connection, job_id)
            if row is None:
                left = sa.select(leftovers.c.id).where(leftovers.c.id == job_id, leftovers.c.submitted.is_(None))
                if connection.execute(left).one_or_none() is None:
                    raise UnknownJobError(job_id)
                return
            if State(row["state"]) not in TRANSITIONS[Action.DELETE]:
                raise TransitionError(Action.DELETE, State(row["state"]))
            for table in (losses, events, tickets, files):
                connection.execute(sa.delete(table).where(table.c.job == row["number"]))
            connection.execute(sa.delete(jobs).where(jobs.c.number == row["number"]))
            connection.execute(sa.insert(leftovers).values(id=job_id))

    def leftovers(self) -> list[str]:
        """Return the ids of jobs whose deletion or submission was interrupted."""
        too_long = leftovers.c.submitted < time.time() - _SUBMISSION_SECONDS
        with self._engine.begin() as connection:
            # From now on, such a submission fails, should it still go on.
            connection.execute(sa.update(leftovers).where(too_long).values(submitted=None))
            return list(connection.execute(sa.select(leftovers.c.id).where(leftovers.c.submitted.is_(None))).scalars())

    @contextmanager
    def tidying_alone(self) -> Iterator[bool]:
        """Yield whether this process is the only one that deletes jobs on its own, until the end of the block.

        With SQLite, there is one worker.
        """
        if self._engine.dialect.name == "sqlite":
            yield True
            return
        with self._engine.begin() as connection:
            yield connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(AdvisoryLock.TIDYING))).scalar_one()

    @contextmanager
    def admitting_alone(self) -> Iterator[None]:
        """Let no other process or thread look for room and store a job until the end of the block.

        Raises:
            JobsUnavailableError: others do so for too long.
        """
        if self._engine.dialect.name == "postgresql":
            with self._engine.begin() as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(AdvisoryLock.ADMISSION)))
                yield
            return
        try:
            lock = FileLock(
                Path(str(self._engine.url.database)).with_name("admission.lock"), "a job", _ADMITTING_SECONDS
            )
        except LockedError:
            raise JobsUnavailableError("too many jobs are submitted at this moment; try again") from None
        try:
            yield
        finally:
            lock.release()

    def clear(self, folder: JobFiles) -> None:
        """Delete the folder and the workflows of a job without a row. May be repeated until it succeeds.

        What a worker has still to do with is left to :meth:`leftovers`.
        """
        folder.remove()
        if not self._queue.delete_runs(folder.job_id):
            return
        with self._engine.begin() as connection:
            connection.execute(sa.delete(leftovers).where(leftovers.c.id == folder.job_id))


def _write(connection: sa.Connection, number: int, file: Written | Copied) -> None:
    """Write a file of a new job into the database.

    Raises:
        NotThereError: one that is to be copied is gone.
    """
    if isinstance(file, Written):
        file_rows.write(connection, number, file.name, file.parts)
    elif not file_rows.copy(connection, file.job["number"], file.source, number, file.name):
        raise NotThereError(file.gone)


#: Actions that decide how far a job is trained from now on.
_GOING_ON = (Action.RESUME, Action.STEP)


def _goal(row: JobRow, steps: StepRequest | None) -> dict[str, Any]:
    """Return where a job pauses by itself. The second half of a step is that whole step."""
    if steps is None:
        return {"pause_at": None, "half": False}
    half = steps.half and not row["half"]
    return {"pause_at": row["step"] + (0 if half else steps.steps), "half": half}


def _values(job_id: str, new: NewJob) -> dict[str, Any]:
    return {
        "id": job_id,
        "name": new.name,
        "owner": new.owner,
        "metadata": new.metadata,
        "specification": new.specification.model_dump(mode="json"),
        "specification_version": SPECIFICATION_VERSION,
        "parent": new.parent,
        "parent_step": new.checkpoint_step if new.parent else None,
        "request_digest": new.digest,
        "request_id": new.request_id,
        "first_step": new.checkpoint_step,
        "step": new.checkpoint_step,
        "steps": new.specification.total_steps,
        "checkpoint": new.checkpoint,
        "checkpoint_step": new.checkpoint_step if new.checkpoint else None,
    }
