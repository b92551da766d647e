"""What workers write about the jobs they hold, fenced by the attempt number.

DBOS fences its own tables only; this is the fence of ours.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.jobs import file_names
from app.jobs.files import JobFiles
from app.jobs.record import file_rows
from app.jobs.record.database import DatabaseFile, is_unavailable
from app.jobs.record.publications import Lease, Publication
from app.jobs.record.queue import Queue
from app.jobs.record.tables import jobs, losses
from app.jobs.record.transitions import append_events, change_state, lock_job, state_without_worker
from app.jobs.record.values import JobRow
from app.jobs.specification import Specification, StoredData
from app.jobs.states import ENDED, HELD, Phase, State

log = logging.getLogger("nobody.jobs")

#: Maps the state that callers have requested by now to the job's next state, and its error if it failed.
FinalState = Callable[[State], tuple[State, str | None]]


class LostLeaseError(Exception):
    """Another worker has acquired the job since, or the job is gone: this one may not write about it any more."""


class LeaseStore:
    """The jobs in the database, for workers.

    Args:
        engine: the database.
        queue: of the jobs.
        executor: the worker's name.
    """

    def __init__(self, engine: sa.Engine, queue: Queue, executor: str) -> None:
        self._engine = engine
        self._queue = queue
        self._executor = executor
        self._file = DatabaseFile(engine)
        self._keeps_files = file_rows.keeps_files(engine)

    def acquire(self, job_id: str, run: int, last_failure: str | None = None) -> Lease | None:
        """Acquire a job that is queued, or whose worker is gone; return None if there is nothing left to train.

        A worker that held the job before can write nothing about it from then on.

        Args:
            job_id: the job.
            run: the run that the queue has given us.
            last_failure: why its last attempt ended, if known.
        """
        with self._engine.begin() as connection:
            row = lock_job(connection, job_id)
            if row is None or row["run"] != run or not row["open"]:
                return None
            new, error = state_without_worker(row, last_failure)
            attempt = row["attempt"] + 1
            change_state(
                connection,
                row,
                new,
                error,
                phase=Phase.STARTING if new == State.RUNNING else None,
                attempt=attempt,
                executor=self._executor,
                started=row["started"] or time.time(),
                recoveries=row["recoveries"] + (row["state"] != State.QUEUED),
                stalls=row["stalls"] + 1,
            )
        return _lease(row, attempt) if new == State.RUNNING else None

    def fail(self, job_id: str, run: int, reason: str) -> None:
        """End a run that failed, unless another worker has the job, or it has ended."""
        with self._engine.begin() as connection:
            row = lock_job(connection, job_id)
            if row is not None and row["run"] == run and row["open"]:
                cancelled = row["state"] == State.CANCELLING
                state, error = (State.CANCELLED, None) if cancelled else (State.FAILED, reason)
                change_state(connection, row, state, error, attempt=row["attempt"] + 1)

    def publish(self, lease: Lease, publication: Publication, final_state: FinalState | None = None) -> State:
        """Write a publication, and the job's next state if its process has stopped; return the job's state.

        May be repeated after a connection error: what was committed is not written twice.

        Args:
            lease: of the job; its state is updated.
            publication: what to write.
            final_state: decides the next state under the row's lock.

        Raises:
            LostLeaseError: another worker has the job.
        """
        with self._engine.begin() as connection:
            row = lock_job(connection, lease.job_id)
            if row is not None and (row["attempt"], row["revision"]) == (lease.attempt, lease.revision + 1):
                lease.state = State(row["state"])  # committed by an earlier try, whose answer was lost
            elif row is not None and row["revision"] == lease.revision and _holds(lease, row):
                lease.state = self._write(connection, lease, row, publication, final_state)
            else:
                raise LostLeaseError(f"job {lease.job_id} is no longer this worker's")
        lease.revision += 1
        return lease.state

    def _write(
        self,
        connection: sa.Connection,
        lease: Lease,
        row: JobRow,
        publication: Publication,
        final_state: FinalState | None,
    ) -> State:
        values = publication.values | {
            "revision": lease.revision + 1,
            "kept_checkpoints": row["kept_checkpoints"] | publication.kept_checkpoints,
            "last_event": append_events(connection, lease.number, row["last_event"], publication.events),
        }
        connection.execute(sa.update(jobs).where(jobs.c.number == lease.number).values(values))
        blocks = [
            {"job": lease.number, "last_step": last, "block": block.tobytes()} for last, block in publication.blocks
        ]
        if blocks:
            connection.execute(sa.insert(losses), blocks)
        if self._keeps_files and publication.files:
            for name, path in publication.files.items():
                file_rows.write_file(connection, lease.number, name, path)
            names = file_rows.names(connection, lease.number)
            superseded = publication.superseded(names, lease)
            file_rows.delete(connection, lease.number, superseded)
        old = State(row["state"])
        new, error = final_state(old) if final_state is not None else (old, None)
        if new != old:
            if new == State.QUEUED:
                self._queue.enqueue(connection, lease.job_id, lease.number, lease.run + 1)
            change_state(connection, {**row, **values}, new, error, executor=None)
        return new

    def fetch(self, lease: Lease, files: JobFiles) -> None:
        """Copy the files with which a process goes on from the database into a folder: own points and the checkpoint.

        One that is missing is left to the process, which says so.

        Raises:
            LostLeaseError: another worker has the job.
        """
        self.refresh(lease)
        names = [file_names.POINTS] if isinstance(lease.specification.data, StoredData) else []
        if lease.checkpoint is not None:
            names.append(file_names.checkpoint(lease.checkpoint))
        for name in names:
            path = files.path(name)
            path.parent.mkdir(exist_ok=True)
            with self._engine.connect() as connection, path.open("wb") as target:
                found = file_rows.fetch(connection, lease.number, name, target)
            if not found:
                path.unlink()

    def refresh(self, lease: Lease) -> None:
        """Read the state that callers have requested into ``lease.state``.

        Raises:
            LostLeaseError: another worker has the job, or the file of the database was deleted or replaced.
        """
        query = sa.select(jobs.c.state, jobs.c.attempt).where(jobs.c.number == lease.number)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        if row is None or not _holds(lease, row) or self._file.is_gone:
            raise LostLeaseError(f"job {lease.job_id} is no longer this worker's")
        lease.state = State(row["state"])

    def repair(self) -> None:
        """Queue or end the jobs that wait or run, but whose run the queue does not know or has ended.

        A run ends after its job has left it, so such a job has no worker.
        """
        query = sa.select(jobs.c.id, jobs.c.run).where(jobs.c.state.not_in(ENDED | {State.PAUSED}))
        with self._engine.connect() as connection:
            runs = [(row.id, row.run) for row in connection.execute(query)]
        active = self._queue.active(runs)
        for job_id, run in runs:
            if (job_id, run) in active:
                continue
            try:
                self._repair(job_id, run)
            except SQLAlchemyError as error:
                if is_unavailable(error):
                    raise
                log.exception("job %s: no worker has it, and it could not be ended", job_id)

    def _repair(self, job_id: str, run: int) -> None:
        with self._engine.begin() as connection:
            row = lock_job(connection, job_id)
            if row is None or (row["unreadable"] is None and row["run"] != run) or not row["open"]:
                return
            new, error = state_without_worker(row, "the queue had lost it")
            log.warning("job %s is %s and no worker has it: %s now", job_id, row["state"], new)
            if new == State.RUNNING:
                new = State.QUEUED
                self._queue.enqueue(connection, job_id, row["number"], run + 1)
            change_state(
                connection, row, new, error, attempt=row["attempt"] + 1, executor=None, stalls=row["stalls"] + 1
            )


def _holds(lease: Lease, row: Mapping[Any, Any]) -> bool:
    return row["attempt"] == lease.attempt and row["state"] in HELD


def _lease(row: JobRow, attempt: int) -> Lease:
    same = ["number", "run", "revision", "first_step", "step", "pause_at", "half", "snapshot", "checkpoint", "seconds"]
    same += ["request_id"]
    return Lease(
        **{name: row[name] for name in same},
        job_id=row["id"],
        attempt=attempt,
        specification=Specification.model_validate(row["specification"]),
        state=State.RUNNING,
        warnings=row["warnings"] or {},
        checkpoint_step=row["first_step"] if row["checkpoint_step"] is None else row["checkpoint_step"],
        kept=set(row["kept_checkpoints"].values()),
        stalls=row["stalls"] + 1,
    )
