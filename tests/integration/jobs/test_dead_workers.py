"""The runs of dead workers go back to the queue, and no others."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.config import Settings
from app.jobs.limits import specify
from app.jobs.record.advisory_locks import AdvisoryLock
from app.jobs.record.queue import QUEUE, Queue
from app.jobs.record.store import JobStore
from app.jobs.record.values import NewJob, new_id
from app.jobs.specification import JobRequest
from tests.integration.jobs.harness import until


@pytest.fixture
def runs(engine: sa.Engine) -> sa.TableClause:
    columns: list[sa.ColumnClause[str]] = [
        sa.column(name) for name in ("workflow_uuid", "status", "executor_id", "queue_name")
    ]
    return sa.table("workflow_status", *columns, schema="dbos" if engine.dialect.name == "postgresql" else None)


def _enqueue(store: JobStore, runs: sa.TableClause, status: str, executor: str) -> str:
    """Enqueue a run and bring it to a worker."""
    job_id = new_id()
    store.submit(job_id, NewJob(specify(JobRequest(model="simple_gan"), None, Settings()), None, {}, job_id))
    mine = runs.c.workflow_uuid == f"{job_id}-1"
    with store._engine.begin() as connection:
        connection.execute(sa.update(runs).where(mine).values(status=status, executor_id=executor))
    return job_id


def _status(engine: sa.Engine, runs: sa.TableClause, job_id: str) -> tuple[str, str]:
    query = sa.select(runs.c.status, runs.c.queue_name).where(runs.c.workflow_uuid == f"{job_id}-1")
    with engine.connect() as connection:
        row = connection.execute(query).one()
    return row.status, row.queue_name


def test_only_the_unfinished_runs_of_dead_workers_are_queued_again(
    store: JobStore, queue: Queue, engine: sa.Engine, runs: sa.TableClause
) -> None:
    lost, ended, other = (
        _enqueue(store, runs, *run) for run in (("PENDING", "dead"), ("SUCCESS", "dead"), ("PENDING", "alive"))
    )
    assert queue.executors() == {"dead", "alive"}
    queue.recover([])
    assert _status(engine, runs, lost) == ("PENDING", QUEUE), "nobody is not everybody"
    queue.recover(["dead"])
    assert [_status(engine, runs, job) for job in (lost, ended, other)] == [
        ("ENQUEUED", QUEUE),
        ("SUCCESS", QUEUE),
        ("PENDING", QUEUE),
    ]


def test_a_run_that_another_worker_has_started_since_stays_with_it(
    settings: Settings, store: JobStore, queue: Queue, engine: sa.Engine, runs: sa.TableClause
) -> None:
    """Two workers notice a death at the same time; the second comes when the run is taken already."""
    if settings.database_url is None:
        pytest.skip("SQLite has one worker")
    twice = _enqueue(store, runs, "PENDING", "dead")
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    with ThreadPoolExecutor(1) as threads, engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(AdvisoryLock.RECOVERY)))  # the first is at work
        second = threads.submit(queue.recover, ["dead"])
        until(lambda: connection.execute(waiting).scalar_one(), "the second worker to wait")
        mine = runs.c.workflow_uuid == f"{twice}-1"
        connection.execute(sa.update(runs).where(mine).values(executor_id="alive"))
        connection.commit()
        second.result()
    assert _status(engine, runs, twice) == ("PENDING", QUEUE)
