"""Jobs that nobody works on, although the record has it otherwise: queued again, or ended with a reason."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError, ProgrammingError

from app.config import Settings
from app.jobs.errors import JobsUnavailableError
from app.jobs.files import JobFiles
from app.jobs.limits import specify
from app.jobs.record.database import is_unavailable, retry_until_available
from app.jobs.record.leases import LeaseStore
from app.jobs.record.publications import Publication
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore
from app.jobs.record.tables import jobs
from app.jobs.record.transitions import MAX_STALLS
from app.jobs.record.values import NewJob, new_id
from app.jobs.service.database import JobDatabase
from app.jobs.service.submit import submit
from app.jobs.service.views import view
from app.jobs.specification import JobRequest
from app.jobs.states import ENDED, State
from app.jobs.worker.processes import TrainingProcess, WarmProcesses
from app.jobs.worker.supervisor import JobSupervisor
from app.jobs.worker.tidying import Tidying
from app.jobs.worker.trainer_run import TrainerRun


def _submit(store: JobStore) -> str:
    job_id = new_id()
    store.submit(job_id, NewJob(specify(JobRequest(model="simple_gan"), None, Settings()), None, {}, "x"))
    return job_id


def _set_state(engine: sa.Engine, job_id: str, state: State) -> None:
    with engine.begin() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(state=state))


def _set_fate(engine: sa.Engine, workflow: str, fate: str) -> None:
    """Bring a workflow into a status, or out of the queue's record."""
    table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with engine.begin() as connection:
        if fate == "gone":
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE workflow_uuid = '{workflow}'")
        else:
            connection.exec_driver_sql(f"UPDATE {table} SET status = '{fate}' WHERE workflow_uuid = '{workflow}'")


MENDED = {
    State.QUEUED: State.QUEUED,
    State.RUNNING: State.QUEUED,
    State.PAUSING: State.PAUSED,
    State.CANCELLING: State.CANCELLED,
}
DEAD = ("gone", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED", "SUCCESS")


@pytest.mark.parametrize("fate", DEAD)
@pytest.mark.parametrize("state", MENDED)
def test_a_job_without_a_living_run_is_queued_again_or_ended(
    state: State, fate: str, store: JobStore, leases: LeaseStore, queue: Queue, engine: sa.Engine
) -> None:
    job_id = _submit(store)
    _set_state(engine, job_id, state)
    _set_fate(engine, f"{job_id}-1", fate)
    leases.repair()
    job = store.get(job_id)
    assert (job["state"], job["error"]) == (MENDED[state], None)
    assert [event.data["status"] for event in store.events_after(job, 1)] == [MENDED[state]]
    if MENDED[state] == State.QUEUED:
        assert job["run"] == 2
        assert queue.active([(job_id, 1), (job_id, 2)]) == {(job_id, 2)}
        assert leases.acquire(job_id, 2) is not None
    leases.repair()
    assert store.get(job_id)["run"] == job["run"], "once is enough"


@pytest.mark.parametrize("state", [*MENDED, State.PAUSED, *sorted(ENDED)])
@pytest.mark.parametrize("fate", ["ENQUEUED", "PENDING"])
def test_a_job_whose_run_lives_is_left_alone(
    state: State, fate: str, store: JobStore, leases: LeaseStore, engine: sa.Engine
) -> None:
    job_id = _submit(store)
    _set_state(engine, job_id, state)
    _set_fate(engine, f"{job_id}-1", fate)
    before = store.get(job_id)
    leases.repair()
    assert store.get(job_id) == before


def test_a_job_that_is_lost_again_and_again_fails(store: JobStore, leases: LeaseStore, engine: sa.Engine) -> None:
    job_id = _submit(store)
    for run in range(1, MAX_STALLS + 2):
        _set_fate(engine, f"{job_id}-{run}", "gone")
        leases.repair()
    job = store.get(job_id)
    assert job["state"] == State.FAILED
    assert "the queue had lost it" in job["error"]


def test_whoever_held_a_lost_job_writes_nothing_more(store: JobStore, leases: LeaseStore, engine: sa.Engine) -> None:
    job_id = _submit(store)
    old = leases.acquire(job_id, 1)
    assert old is not None
    _set_fate(engine, f"{job_id}-1", "CANCELLED")
    leases.repair()
    new = leases.acquire(job_id, 2)
    assert new is not None
    assert new.attempt > old.attempt


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_moves_loses_no_job_and_gives_none_away_twice(
    hours: int,
    store: JobStore,
    leases: LeaseStore,
    engine: sa.Engine,
    queue: Queue,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, held, waiting, announced = _submit(store), _submit(store), _submit(store), new_id()
    gone = leases.acquire(ended, 1)
    assert gone is not None
    leases.publish(gone, Publication(), lambda requested: (State.SUCCEEDED, None))
    lease = leases.acquire(held, 1)
    assert lease is not None
    store.announce(announced)
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 3_600 * hours)

    leases.repair()
    Tidying(store, settings.model_copy(update={"keep_days": 0.5}), threading.Event()).go_on()
    assert [store.get(job)["state"] for job in (ended, held, waiting)] == ["succeeded", "running", "queued"]
    LeaseStore(engine, queue, "another").repair()
    leases.refresh(lease)  # nobody has taken it
    later = _submit(store)
    leases.publish(lease, Publication([("phase", {})]), lambda requested: (State.SUCCEEDED, None))
    assert leases.acquire(held, 1) is None, "it has ended"
    assert [event.seq for event in store.events_after(store.get(held), 0, 99)] == [1, 2, 3, 4]
    assert [row["id"] for row in store.waiting() if row["id"] in (waiting, later)] == [waiting, later]
    for job in (waiting, later):
        assert leases.acquire(job, 1) is not None
        assert view(store.get(job)).started is not None
    assert store.totals().oldest_wait >= 0
    # A submission that lasts while the clock moves is told to come again, at worst.
    store.leftovers()
    new = NewJob(specify(JobRequest(model="simple_gan"), None, Settings()), None, {}, "x")
    with pytest.raises(JobsUnavailableError, match="submit it again") if hours > 0 else contextlib.nullcontext():
        store.submit(announced, new, announced=True)


def _run_out(exception: BaseException) -> Callable[[TrainerRun], bool]:
    def run(attempt: TrainerRun) -> bool:
        raise exception

    return run


@pytest.mark.parametrize(
    ("where", "exception", "reason"),
    [
        ((TrainerRun, "run"), SystemExit(3), "SystemExit"),
        ((TrainerRun, "run"), KeyboardInterrupt(), "KeyboardInterrupt"),
        ((TrainerRun, "run"), GeneratorExit(), "GeneratorExit"),
        ((TrainerRun, "run"), MemoryError(), "MemoryError"),
        ((TrainerRun, "run"), ValueError("a fault"), "ValueError"),
        ((TrainerRun, "__init__"), RuntimeError("a fault"), "RuntimeError"),
        ((WarmProcesses, "take"), RuntimeError("can't start new thread"), "RuntimeError"),
        ((WarmProcesses, "take"), OSError(28, "No space left on device"), "No space left on device"),
        ((WarmProcesses, "take"), PermissionError(13, "Permission denied"), "Permission denied"),
        ((JobFiles, "make"), PermissionError(13, "Permission denied", "/secret"), "Permission denied"),
        ((JobFiles, "make"), OSError(28, "No space left on device", "/secret"), "No space left on device"),
        ((JobFiles, "make"), FileExistsError(17, "File exists", "/secret"), "File exists"),
        ((JobFiles, "tidy_unfinished"), OSError(30, "Read-only file system", "/secret"), "Read-only file system"),
        ((TrainingProcess, "train"), TypeError("cannot pickle"), "TypeError"),
        ((LeaseStore, "acquire"), ValueError("a row of no sense"), "ValueError"),
        ((LeaseStore, "refresh"), ProgrammingError("", None, Exception()), "ProgrammingError"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or (value[1] if isinstance(value, tuple) else None),
)
@pytest.mark.parametrize("wish", [State.RUNNING, State.CANCELLING])
def test_whatever_leaves_a_run_ends_the_job_with_a_reason(
    where: tuple[type, str],
    exception: BaseException,
    reason: str,
    wish: State,
    store: JobStore,
    leases: LeaseStore,
    engine: sa.Engine,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = _submit(store)

    def fail(*arguments: object, **keywords: object) -> object:
        if wish == State.CANCELLING:
            _set_state(engine, job_id, wish)
        raise exception

    class Idle(TrainingProcess):
        def __init__(self) -> None: ...
        def train(self, command: object, architecture: object) -> None: ...
        def kill(self) -> None: ...

        reusable = False

    if settings.database_url and where[1] == "tidy_unfinished":
        where = (LeaseStore, "fetch")  # in a folder that is new, there is something to fetch and nothing to tidy
    monkeypatch.setattr("app.jobs.worker.processes.TrainingProcess", Idle)
    monkeypatch.setattr("app.jobs.worker.supervisor._PAUSES", (0.0, 0.0))
    monkeypatch.setattr(Idle if where[0] is TrainingProcess else where[0], where[1], fail)
    supervisor = JobSupervisor(leases, WarmProcesses(1), settings, threading.Event())
    supervisor.run(job_id, 1)
    job = store.get(job_id)
    if wish == State.CANCELLING:
        assert (job["state"], job["error"]) == (State.CANCELLED, None)
    else:
        assert job["state"] == State.FAILED
        assert reason in job["error"]
        assert "/secret" not in job["error"]
    assert job["executor"] is None or job["ended"] is not None


AWAY = {
    "operational": (OperationalError("", None, Exception()), True),
    "internal: a standby refuses to write": (InternalError("", None, Exception()), True),
    "pool": (sa.exc.TimeoutError(), True),
    "interface": (sa.exc.InterfaceError("", None, Exception()), True),
    "a damaged file": (sa.exc.DatabaseError("", None, Exception()), True),
    "a connection that broke": (ProgrammingError("", None, Exception(), connection_invalidated=True), True),
    "integrity": (IntegrityError("", None, Exception()), False),
    "programming": (ProgrammingError("", None, Exception()), False),
    "data": (sa.exc.DataError("", None, Exception()), False),
    "not supported": (sa.exc.NotSupportedError("", None, Exception()), False),
    "no value for JSON": (sa.exc.StatementError("", None, None, ValueError()), False),
}


@pytest.mark.parametrize(("error", "away"), AWAY.values(), ids=AWAY)
def test_service_and_worker_agree_on_what_passes(
    error: Exception, away: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.record.database._RETRY_SECONDS", 0)
    assert is_unavailable(error) == away
    database = JobDatabase(Settings(data=tmp_path))
    with pytest.raises(JobsUnavailableError if away else type(error)), database.store():
        raise error
    tries = itertools.count()

    def action() -> int:
        if next(tries) < 2:
            raise error
        return 7

    if away:
        assert retry_until_available(action) == 7
    else:
        with pytest.raises(type(error)):
            retry_until_available(action)


def test_a_database_that_can_only_be_read_is_a_503(settings: Settings) -> None:
    if settings.database_url is None:
        pytest.skip("SQLite knows no standby")
    reader = Settings(data=settings.data, database_url=settings.database_url)
    database = JobDatabase(reader)
    with database.store() as store:
        store._engine.dispose()

        @sa.event.listens_for(store._engine, "connect")
        def _as_a_standby(connection: sa.engine.interfaces.DBAPIConnection, _record: object) -> None:
            cursor = connection.cursor()
            cursor.execute("SET default_transaction_read_only = on")
            connection.commit()

    with pytest.raises(JobsUnavailableError, match="database does not answer"):
        submit(database, JobRequest(model="simple_gan"))
    with database.store() as store:
        store.page([], 1, None)
        store._engine.dispose()
