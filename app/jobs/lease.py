"""What a worker writes about the jobs it holds: every word under the number of its attempt, or not at all."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from app.jobs.database import jobs, losses
from app.jobs.queue import Queue
from app.jobs.specification import Specification
from app.jobs.states import ENDED, HELD, State
from app.jobs.store import JobRow, append_events

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
    checkpoint: str | None
    checkpoint_step: int  # that of ``first_step`` where there is none
    kept: set[str]
    seconds: float
    stalls: int  # this one included


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

    def take(self, job_id: str, run: int) -> Lease | None:
        """Take a job that is queued, or whose worker is gone; None where there is nothing left to train.

        Whoever held the job before can write nothing about it from then on.
        """
        with self._engine.begin() as connection:
            # The row's lock first: what is read after it stands until the commit.
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(id=job_id))
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
            if row is None or row["run"] != run or State(row["state"]) in ENDED | {State.PAUSED}:
                return None
            new, error = _state_when_taken(row)
            values: dict[str, Any] = {
                "state": new,
                "attempt": row["attempt"] + 1,
                "executor": self._executor,
                "started": row["started"] or time.time(),
                "recoveries": row["recoveries"] + (row["state"] != State.QUEUED),
                "stalls": row["stalls"] + 1,
            }
            change = {"status": new, "step": row["step"], "recoveries": values["recoveries"]}
            if error:
                values["error"] = change["error"] = error
            if new.ended:
                values["ended"] = time.time()
            values["last_event"] = append_events(connection, row["number"], row["last_event"], [("state", change)])
            connection.execute(sa.update(jobs).where(jobs.c.number == row["number"]).values(values))
        return _lease(row, values["attempt"]) if new == State.RUNNING else None

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
            values["kept_checkpoints"] = row.kept_checkpoints | publication.kept_checkpoints
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
                self._queue.put(connection, lease.job_id, lease.run + 1)
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


def _state_when_taken(row: JobRow) -> tuple[State, str | None]:
    state = State(row["state"])
    if state == State.CANCELLING:  # its worker died before the training process did; both are gone
        return State.CANCELLED, None
    if state == State.PAUSING:
        return State.PAUSED, None
    if row["stalls"] >= MAX_STALLS:
        return State.FAILED, (
            f"taken up {row['stalls']} times, the job never came to its next checkpoint: each time its process "
            "or its worker ended; it may be too large for the machine, or the disk full"
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
        checkpoint=row["checkpoint"],
        checkpoint_step=row["first_step"] if row["checkpoint_step"] is None else row["checkpoint_step"],
        kept=set(row["kept_checkpoints"].values()),
        seconds=row["seconds"],
        stalls=row["stalls"] + 1,
    )
