"""The runs of dead workers go back to the queue, and no others."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.config import Settings
from app.jobs.record.queue import _RECOVERY_LOCK, QUEUE, Queue
from tests.integration.jobs.harness import until

RUNS = sa.table(
    "workflow_status", *map(sa.column, ("workflow_uuid", "status", "executor_id", "queue_name")), schema="dbos"
)


@pytest.fixture(autouse=True)
def _postgresql(settings: Settings) -> None:
    if settings.database_url is None:
        pytest.skip("SQLite has one worker, and DBOS recovers its runs when it starts")


def _enqueue(queue: Queue, engine: sa.Engine, job_id: str, status: str, executor: str) -> None:
    """Enqueue a run and bring it to a worker."""
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # tickets without jobs
        queue.enqueue(connection, job_id, 1, 1)
        mine = RUNS.c.workflow_uuid == f"{job_id}-1"
        connection.execute(sa.update(RUNS).where(mine).values(status=status, executor_id=executor))


def _runs(engine: sa.Engine) -> dict[str, tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.select(RUNS.c.workflow_uuid, RUNS.c.status, RUNS.c.queue_name))
        return {row.workflow_uuid: (row.status, row.queue_name) for row in rows}


def test_only_the_unfinished_runs_of_dead_workers_are_queued_again(queue: Queue, engine: sa.Engine) -> None:
    _enqueue(queue, engine, "lost", "PENDING", "dead")
    _enqueue(queue, engine, "ended", "SUCCESS", "dead")
    _enqueue(queue, engine, "other", "PENDING", "alive")
    assert queue.executors() == {"dead", "alive"}
    queue.recover(["dead"])
    assert _runs(engine) == {
        "lost-1": ("ENQUEUED", QUEUE),
        "ended-1": ("SUCCESS", QUEUE),
        "other-1": ("PENDING", QUEUE),
    }


def test_a_run_that_another_worker_has_started_since_stays_with_it(queue: Queue, engine: sa.Engine) -> None:
    """Two workers notice a death at the same time; the second comes when the run is taken already."""
    _enqueue(queue, engine, "twice", "PENDING", "dead")
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with ThreadPoolExecutor(1) as threads, engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_RECOVERY_LOCK)))  # the first is at work
        second = threads.submit(queue.recover, ["dead"])
        until(lambda: connection.execute(waiting).scalar_one(), "the second worker to wait")
        mine = RUNS.c.workflow_uuid == "twice-1"
        connection.execute(sa.update(RUNS).where(mine).values(executor_id="alive"))
        connection.commit()
        second.result()
    assert _runs(engine)["twice-1"] == ("PENDING", QUEUE)
