"""The queue: what the service and the workers have to agree on about DBOS."""

import time
from collections.abc import Iterable

import sqlalchemy as sa
from dbos import DBOSClient

from app.jobs.record.tables import tickets

APPLICATION = "nobody"
QUEUE = "training"
WORKFLOW = "train"

#: Fixed, since DBOS's own is a hash of the source: after an upgrade interrupted jobs would wait for ever. Workflows
#: carry nothing but the job's id, so every version of this code can take up every job.
APPLICATION_VERSION = "1"

#: A job has ended a few milliseconds before DBOS has noted that; a worker that died in between never does.
_PATIENCE_SECONDS = 2.0
#: Runs that are looked up in one query.
_NAMES_AT_ONCE = 500


class Queue:
    """Puts jobs into the queue, as part of the caller's transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._client = DBOSClient(system_database_engine=engine, application_name=APPLICATION)

    def put(self, connection: sa.Connection, job_id: str, number: int, run: int) -> None:
        """Enqueue one run of a job; it is there when the transaction is."""
        connection.execute(sa.delete(tickets).where(tickets.c.job == number))
        ticket = connection.execute(sa.insert(tickets).values(job=number).returning(tickets.c.ticket)).scalar_one()
        self._client.enqueue_in_transaction(
            connection,
            {
                "queue_name": QUEUE,
                "workflow_name": WORKFLOW,
                "workflow_id": _name(job_id, run),
                "app_version": APPLICATION_VERSION,
                "priority": ticket,  # DBOS's own order is one of whole seconds, in SQLite
            },
            job_id,
            run,
        )

    def living(self, runs: Iterable[tuple[str, int]]) -> set[tuple[str, int]]:
        """Return which of these runs of jobs wait or are being worked on."""
        names = {_name(*run): run for run in runs}
        found: set[tuple[str, int]] = set()
        wanted = list(names)
        for start in range(0, len(wanted), _NAMES_AT_ONCE):
            workflows = self._client.list_workflows(
                workflow_ids=wanted[start : start + _NAMES_AT_ONCE],
                status=["ENQUEUED", "PENDING", "DELAYED"],
                app_version=APPLICATION_VERSION,
                load_input=False,
                load_output=False,
            )
            found |= {names[workflow.workflow_id] for workflow in workflows}
        return found

    def forget(self, job_id: str) -> None:
        """Delete what DBOS keeps about the runs of a job that has ended."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            runs = self._client.list_workflows(
                workflow_id_prefix=_name(job_id, ""), load_input=False, load_output=False
            )
            if time.monotonic() > deadline or all(run.status != "PENDING" for run in runs):
                break
            time.sleep(0.02)  # a worker is about to write to the record
        if runs:
            self._client.delete_workflows([run.workflow_id for run in runs])

    def close(self) -> None:
        """Let go of the client; the engine stays open."""
        self._client.destroy()


def _name(job_id: str, run: int | str) -> str:
    """Return the name of a run of a job, which is its workflow's."""
    return f"{job_id}-{run}"
