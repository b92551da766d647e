"""The queue: what the service and the workers have to agree on about DBOS."""

import time

import sqlalchemy as sa
from dbos import DBOSClient

APPLICATION = "nobody"
QUEUE = "training"
WORKFLOW = "train"

#: Fixed, since DBOS's own is a hash of the source: after an upgrade interrupted jobs would wait for ever. Workflows
#: carry nothing but the job's id, so every version of this code can take up every job.
APPLICATION_VERSION = "1"

#: A job has ended a few milliseconds before DBOS has noted that; a worker that died in between never does.
_PATIENCE_SECONDS = 2.0


class Queue:
    """Puts jobs into the queue, as part of the caller's transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self._client = DBOSClient(system_database_engine=engine, application_name=APPLICATION)

    def put(self, connection: sa.Connection, job_id: str, run: int) -> None:
        """Enqueue one run of a job; it is there when the transaction is."""
        self._client.enqueue_in_transaction(
            connection,
            {
                "queue_name": QUEUE,
                "workflow_name": WORKFLOW,
                "workflow_id": f"{job_id}-{run}",
                "app_version": APPLICATION_VERSION,
            },
            job_id,
            run,
        )

    def forget(self, job_id: str, runs: int) -> None:
        """Delete what DBOS keeps about the runs of a job that has ended."""
        names = [f"{job_id}-{run}" for run in range(1, runs + 1)]
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline and self._client.list_workflows(
            workflow_ids=names, status="PENDING", load_input=False, load_output=False
        ):
            time.sleep(0.02)  # a worker is about to write to the record
        self._client.delete_workflows(names)

    def close(self) -> None:
        """Let go of the client; the engine stays open."""
        self._client.destroy()
