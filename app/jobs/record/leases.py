"""What a worker writes about the jobs it holds: every word under the number of its attempt, or not at all."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.jobs.record.queue import Queue
from app.jobs.record.store import append_events, locked, move
from app.jobs.record.tables import is_away, jobs, losses
from app.jobs.record.values import JobRow
from app.jobs.specification import Specification
from app.jobs.states import ENDED, HELD, Phase, State

log = logging.getLogger("nobody.jobs")

#: How often a job may be taken up without coming to a checkpoint, until it is given up.
MAX_STALLS = 12


class LostLeaseError(Exception):
    """Somebody else has taken the job since, or it is gone: nothing may be written about it any more."""


#: See :meth:`LeaseBook.publish`.
End = Callable[[State], tuple[State, str | None]]


@dataclass
class Lease:
    """The right to write about a job, for as long as nobody takes it anew."""

    number: int
    job_id: str
    run: int
    attempt: int
    revision: int
    specification: Specification
    state: State
    first_step: int
    step: int
    snapshot: int
    warnings: dict[str, str]
    checkpoint: str | None
    checkpoint_step: int  # that of ``first_step`` where there is none
    kept: set[str]
    seconds: float
    stalls: int  # this one included
    trouble: str | None = None  # what the training process said of its end


@dataclass
class Publication:
    """What has become known of a job since the last publication."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    blocks: list[tuple[int, npt.NDArray[np.float32]]] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    kept_checkpoints: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.events or self.blocks or self.values)


class LeaseBook:
    """The jobs in the database, as a worker sees them."""

    def __init__(self, engine: sa.Engine, queue: Queue, executor: str) -> None:
        self._engine = engine
        self._queue = queue
        self._executor = executor

    def take(self, job_id: str, run: int, trouble: str | None = None) -> Lease | None:
        """Take a job that is queued, or whose worker is gone; None where there is nothing left to train.

        Whoever held the job before can write nothing about it from then on.

        Args:
            job_id: the job.
            run: the run that the queue has given us.
            trouble: why its last attempt ended, if that is known.
        """
        with self._engine.begin() as connection:
            row = locked(connection, job_id)
            if row is None or row["run"] != run or not row["open"]:
                return None
            new, error = _state_when_taken(row, trouble)
            attempt = row["attempt"] + 1
            move(
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
        """End a run that has come to nothing, unless it is somebody else's by now, or over."""
        with self._engine.begin() as connection:
            row = locked(connection, job_id)
            if row is not None and row["run"] == run and row["open"]:
                new = State.CANCELLED if row["state"] == State.CANCELLING else State.FAILED
                move(connection, row, new, reason if new == State.FAILED else None, attempt=row["attempt"] + 1)

    def mend(self) -> None:
        """Queue or end the jobs that wait for, or are in, a run that the queue does not know, or that is over.

        A run ends after its job has left it. Who is open still, in the run that has ended, was left by it.
        """
        query = sa.select(jobs.c.id, jobs.c.run).where(jobs.c.state.not_in(ENDED | {State.PAUSED}))
        with self._engine.connect() as connection:
            runs = [(row.id, row.run) for row in connection.execute(query)]
        living = self._queue.living(runs)
        for job_id, run in runs:
            if (job_id, run) in living:
                continue
            try:
                self._mend(job_id, run)
            except SQLAlchemyError as error:
                if is_away(error):
                    raise
                log.exception("job %s: nobody works on it, and it could not be ended", job_id)

    def _mend(self, job_id: str, run: int) -> None:
        with self._engine.begin() as connection:
            row = locked(connection, job_id)
            if row is None or (row["unreadable"] is None and row["run"] != run) or not row["open"]:
                return
            new, error = _state_when_taken(row, "the queue had lost it")
            log.warning("job %s is %s and nobody works on it: %s now", job_id, row["state"], new)
            if new == State.RUNNING:
                new = State.QUEUED
                self._queue.put(connection, job_id, row["number"], run + 1)
            move(connection, row, new, error, attempt=row["attempt"] + 1, executor=None, stalls=row["stalls"] + 1)

    def publish(self, lease: Lease, publication: Publication, end: End | None = None) -> State:
        """Write a publication, and the job's new state if this is its end, and learn what callers wish.

        Safe to repeat after an error of the connection: what had been written already is not written twice.

        Args:
            lease: whose job it is about; its state becomes the job's.
            publication: what to write.
            end: tells the state in which the job leaves us from the state that callers have brought it to by now, and
                the error if it failed; None where it stays.

        Returns:
            The job's state.

        Raises:
            LostLeaseError: the job is no longer ours.
        """
        with self._engine.begin() as connection:
            row = connection.execute(
                sa.update(jobs)
                .where(
                    jobs.c.number == lease.number,
                    jobs.c.attempt == lease.attempt,
                    jobs.c.revision == lease.revision,
                    jobs.c.state.in_(HELD),
                )
                .values(revision=lease.revision + 1, **publication.values)
                .returning(jobs.c.state, jobs.c.step, jobs.c.last_event, jobs.c.kept_checkpoints)
            ).one_or_none()
            if row is None:
                lease.state = self._landed(connection, lease)
            else:
                lease.state = self._write(connection, lease, publication, end, row)
        lease.revision += 1
        return lease.state

    def _landed(self, connection: sa.Connection, lease: Lease) -> State:
        """Return the job's state if this very publication was written before, by a try whose answer was lost."""
        query = sa.select(jobs.c.attempt, jobs.c.revision, jobs.c.state).where(jobs.c.number == lease.number)
        row = connection.execute(query).one_or_none()
        if row is None or (row.attempt, row.revision) != (lease.attempt, lease.revision + 1):
            raise LostLeaseError(f"job {lease.job_id} is no longer this worker's")
        return State(row.state)

    def _write(
        self, connection: sa.Connection, lease: Lease, publication: Publication, end: End | None, row: Any
    ) -> State:
        changes = list(publication.events)
        values: dict[str, Any] = {}
        if publication.kept_checkpoints:
            values["kept_checkpoints"] = (row.kept_checkpoints or {}) | publication.kept_checkpoints
        # The row's lock is ours: no caller can wish anything else until this is written.
        state, error = end(State(row.state)) if end is not None else (State(row.state), None)
        if state != row.state:
            values |= {"state": state, "executor": None}
            change = {"status": state, "step": row.step}
            if error is not None:
                change["error"] = values["error"] = error
            changes.append(("state", change))
            if state.ended:
                values["ended"] = time.time()
            if state == State.QUEUED:
                values["run"] = lease.run + 1
                self._queue.put(connection, lease.job_id, lease.number, lease.run + 1)
        values["last_event"] = append_events(connection, lease.number, row.last_event, changes)
        connection.execute(sa.update(jobs).where(jobs.c.number == lease.number).values(values))
        if publication.blocks:
            connection.execute(
                sa.insert(losses),
                [
                    {"job": lease.number, "last_step": last, "block": block.tobytes()}
                    for last, block in publication.blocks
                ],
            )
        return state

    def look(self, lease: Lease) -> None:
        """Learn what callers wish by now: ``lease.state``.

        Raises:
            LostLeaseError: the job is no longer ours.
        """
        query = sa.select(jobs.c.state, jobs.c.attempt).where(jobs.c.number == lease.number)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.attempt != lease.attempt or State(row.state) not in HELD:
            raise LostLeaseError(f"job {lease.job_id} is no longer this worker's")
        lease.state = State(row.state)


def _state_when_taken(row: JobRow, trouble: str | None) -> tuple[State, str | None]:
    if row["unreadable"] is not None:
        return State.FAILED, row["unreadable"]
    state = State(row["state"])
    if state == State.CANCELLING:  # its worker died before the training process did; both are gone
        return State.CANCELLED, None
    if state == State.PAUSING:
        return State.PAUSED, None
    if row["stalls"] >= MAX_STALLS:
        return State.FAILED, (
            f"taken up {row['stalls']} times, the job never came to its next checkpoint: each time its process "
            f"or its worker ended; {trouble or 'it may be too large for the machine, or the disk full'}"
        )
    return State.RUNNING, None


def _lease(row: JobRow, attempt: int) -> Lease:
    return Lease(
        number=row["number"],
        job_id=row["id"],
        run=row["run"],
        attempt=attempt,
        revision=row["revision"],
        specification=Specification.model_validate(row["specification"]),
        state=State.RUNNING,
        first_step=row["first_step"],
        step=row["step"],
        snapshot=row["snapshot"],
        warnings=row["warnings"] or {},
        checkpoint=row["checkpoint"],
        checkpoint_step=row["first_step"] if row["checkpoint_step"] is None else row["checkpoint_step"],
        kept=set(row["kept_checkpoints"].values()),
        seconds=row["seconds"],
        stalls=row["stalls"] + 1,
    )
