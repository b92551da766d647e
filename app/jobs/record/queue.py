"""The queue of the jobs, kept by DBOS. The service and the workers must agree on the names below."""

import time
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient, WorkflowStatus

from app.jobs.record.advisory_locks import AdvisoryLock
from app.jobs.record.tables import jobs, tickets
from app.jobs.states import State

APPLICATION = "nobody"
QUEUE = "training"
WORKFLOW = "train"

#: Fixed: DBOS's default is a hash of the source, and an upgrade would strand interrupted jobs. A workflow's arguments
#: are the job's id and its run, so any version of this code can run any workflow.
APPLICATION_VERSION = "1"

#: A run ends some milliseconds after its job; wait this long for that.
_RUN_END_SECONDS = 2.0


class Queue:
    """Puts jobs into the queue and recovers the runs of dead workers."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._client = DBOSClient(system_database_engine=engine, application_name=APPLICATION)

    def enqueue(self, connection: sa.Connection, job_id: str, number: int, run: int) -> None:
        """Enqueue one run of a job, as part of the caller's transaction."""
        connection.execute(sa.delete(tickets).where(tickets.c.job == number))
        turn = _next_turn(connection, number)
        connection.execute(sa.insert(tickets).values(job=number, turn=turn))
        self._client.enqueue_in_transaction(
            connection,
            {
                "queue_name": QUEUE,
                "workflow_name": WORKFLOW,
                "workflow_id": _workflow_id(job_id, run),
                "app_version": APPLICATION_VERSION,
                "priority": turn,
            },
            job_id,
            run,
        )

    def active(self, runs: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return which of these runs, pairs of job id and run, wait in the queue or are being worked on."""
        statuses = ["ENQUEUED", "PENDING", "DELAYED"]
        active = self._workflows(status=statuses, name=WORKFLOW, app_version=APPLICATION_VERSION)
        names = {workflow.workflow_id for workflow in active}
        return {run for run in runs if _workflow_id(*run) in names}

    def executors(self) -> set[str]:
        """Return the names of the workers that hold runs."""
        return {run.executor_id for run in self._workflows(status="PENDING", name=WORKFLOW) if run.executor_id}

    def recover(self, executors: Collection[str]) -> None:
        """Put the runs of dead workers back into the queue.

        The lock is needed because ``resume_workflows`` does not check who holds a run: a second recovery at the same
        time would resume runs that another worker has started since. An SQLite database has one worker.
        """
        if not executors:
            return  # to DBOS, no names are all names
        with self._engine.begin() as connection:
            if self._engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(AdvisoryLock.RECOVERY)))
            runs = self._workflows(status="PENDING", name=WORKFLOW, executor_id=list(executors))
            if runs:
                self._client.resume_workflows([run.workflow_id for run in runs], queue_name=QUEUE)

    def delete_runs(self, job_id: str) -> bool:
        """Delete what DBOS keeps about the runs of a job that has ended; return whether nothing is left.

        A run that a worker still has stays: DBOS cannot end a run without a row. Delete it later, by another call.
        """
        self._take_back(job_id)
        deadline = time.monotonic() + _RUN_END_SECONDS
        while True:
            runs = self._workflows(workflow_id_prefix=_workflow_id(job_id, ""))
            ended = [run.workflow_id for run in runs if run.status != "PENDING"]
            if len(ended) == len(runs) or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        if ended:
            self._client.delete_workflows(ended)
        return len(ended) == len(runs)

    def _take_back(self, job_id: str) -> None:
        """Cancel the runs of a job that no worker has. DBOS's own call would cancel the others too."""
        schema = None if self._engine.dialect.name == "sqlite" else "dbos"
        runs = sa.table("workflow_status", sa.column("workflow_uuid"), sa.column("status"), schema=schema)
        its = runs.c.workflow_uuid.startswith(_workflow_id(job_id, ""), autoescape=True)
        with self._engine.begin() as connection:
            waiting = sa.update(runs).where(its, runs.c.status == "ENQUEUED")
            connection.execute(waiting.values(status="CANCELLED"))

    def close(self) -> None:
        """Close the client; the engine stays open."""
        self._client.destroy()

    def _workflows(self, **conditions: Any) -> list[WorkflowStatus]:
        return self._client.list_workflows(load_input=False, load_output=False, **conditions)


def _next_turn(connection: sa.Connection, number: int) -> int:
    """Return the turn of a job that is queued now: one after its owner's last, but not before the present turn.

    So the next job of somebody who has many waiting comes after the next one of everybody else. Jobs without an owner
    share one. The same owner under two keys is two.
    """
    owner = [
        column.is_not_distinct_from(sa.select(column).where(jobs.c.number == number).scalar_subquery())
        for column in (jobs.c.owner, jobs.c.key_name)
    ]
    waits = jobs.c.state == State.QUEUED
    last = (
        sa.select(sa.func.max(tickets.c.turn))
        .join(jobs, jobs.c.number == tickets.c.job)
        .where(waits | jobs.c.started.is_not(None))  # not those that were cancelled before their turn came
    )
    theirs = connection.execute(last.where(*owner)).scalar() or 0
    first = sa.select(sa.func.min(tickets.c.turn)).join(jobs, jobs.c.number == tickets.c.job).where(waits)
    present = connection.execute(first).scalar()
    if present is None:
        present = connection.execute(last).scalar() or 1
    return max(present, theirs + 1)


def _workflow_id(job_id: str, run: int | str) -> str:
    return f"{job_id}-{run}"
