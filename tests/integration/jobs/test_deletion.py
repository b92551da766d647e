"""Whatever comes between, nothing is left of a job that was deleted, or that was never submitted to its end."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import sentinel

import pytest
import sqlalchemy as sa
from dbos import DBOSClient, WorkflowStatus
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

import app.jobs.service.submit as submitting
from app.config import Settings
from app.jobs.errors import JobsUnavailableError, UnknownJobError
from app.jobs.files import JobFiles
from app.jobs.record.leases import LeaseStore
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore
from app.jobs.record.tables import leftovers, metadata
from app.jobs.service import manage
from app.jobs.service.database import JobDatabase
from app.jobs.service.submit import submit
from app.jobs.specification import ForkRequest, JobRequest, PointData
from app.jobs.states import Action, State
from app.jobs.worker.processes import WarmProcesses
from app.jobs.worker.supervisor import JobSupervisor
from app.jobs.worker.worker import Worker
from app.web.schemas.jobs import DeleteQuery, JobsQuery

POINTS = JobRequest(
    model="wgan_gp", batch_size=2, data=PointData(points=[[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]), gen_shape=(1, 4, 2)
)


@pytest.fixture
def jobs(settings: Settings, store: JobStore) -> JobDatabase:
    jobs = JobDatabase(settings)
    jobs._record.store = store  # which the tests close
    return jobs


@pytest.fixture
def restart(settings: Settings, store: JobStore, leases: LeaseStore) -> Callable[[], None]:
    """Return what a worker does first."""
    worker = object.__new__(Worker)
    worker._settings, worker._store, worker._leases = settings, store, leases
    worker._heartbeats = sentinel.of_others  # who has runs is not ours to judge
    return worker._repair


def _submit(jobs: JobDatabase, request: JobRequest = POINTS) -> str:
    return submit(jobs, request).id


def _cancel(jobs: JobDatabase, job_id: str) -> None:
    with jobs.store() as store:
        store.steer(job_id, Action.CANCEL)


def _left(engine: sa.Engine, settings: Settings, job_id: str) -> list[str]:
    """Return all the traces of a job, or of jobs that are in no list."""
    found = [path.name for path in (settings.data / "jobs").glob(f"*{job_id}*")]
    status = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with engine.connect() as connection:
        names = connection.exec_driver_sql(f"SELECT workflow_uuid FROM {status}").scalars()
        found += [name for name in names if name.startswith(job_id)]
        for name in ("job_events", "job_losses", "job_tickets", "job_files"):
            table = metadata.tables[name]
            number = sa.select(metadata.tables["jobs"].c.number)
            query = sa.select(sa.func.count()).select_from(table).where(table.c.job.not_in(number))
            found += [name] * connection.execute(query).scalar_one()
        found += connection.execute(sa.select(leftovers.c.id).where(leftovers.c.id == job_id)).scalars()
    return found


def _raise(error: Exception) -> Callable[..., None]:
    def fail(*arguments: object, **keywords: object) -> None:
        raise error

    return fail


def _half_way(path: Path) -> None:
    """Delete some of a folder, and fail."""
    for entry in [entry for entry in Path(path).rglob("*") if entry.is_file()][:1]:
        entry.unlink()
    raise OSError(39, "Directory not empty")


@pytest.mark.parametrize("status", ["ENQUEUED", "PENDING", "SUCCESS", "ERROR", "CANCELLED"])
def test_a_run_that_a_worker_has_is_deleted_once_it_has_ended(
    status: str,
    jobs: JobDatabase,
    settings: Settings,
    engine: sa.Engine,
    restart: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DBOS fails, with a traceback, to end a run that was deleted meanwhile."""
    monkeypatch.setattr("app.jobs.record.queue._RUN_END_SECONDS", 0.1)
    job_id = _submit(jobs)
    _cancel(jobs, job_id)
    _set_status(engine, job_id, status)
    manage.delete(jobs, job_id)
    with pytest.raises(UnknownJobError):
        manage.show(jobs, job_id)
    assert _left(engine, settings, job_id) == ([f"{job_id}-1", job_id] if status == "PENDING" else [])
    restart()
    assert len(_left(engine, settings, job_id)) == (2 if status == "PENDING" else 0)
    _set_status(engine, job_id, "SUCCESS")
    restart()
    assert _left(engine, settings, job_id) == []


def test_a_worker_that_is_faster_keeps_its_run(
    jobs: JobDatabase, queue: Queue, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker takes the run between the deletion's two looks at the queue."""
    monkeypatch.setattr("app.jobs.record.queue._RUN_END_SECONDS", 0.1)
    job_id = _submit(jobs)
    _cancel(jobs, job_id)
    look = Queue._workflows

    def taken(self: Queue, **conditions: Any) -> list[WorkflowStatus]:
        _set_status(engine, job_id, "PENDING")
        return look(self, **conditions)

    with monkeypatch.context() as patch:
        patch.setattr(Queue, "_workflows", taken)
        assert not queue.delete_runs(job_id)
    _set_status(engine, job_id, "SUCCESS")
    assert queue.delete_runs(job_id)


def _set_status(engine: sa.Engine, job_id: str, status: str) -> None:
    """Bring the first run of a job to a status, as DBOS would."""
    table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"UPDATE {table} SET status = :status WHERE workflow_uuid = :run"),
            {"status": status, "run": f"{job_id}-1"},
        )


FAULTS: dict[str, tuple[object, str, Callable[..., None]]] = {
    "the folder cannot be renamed": (Path, "rename", _raise(PermissionError(13, "Permission denied"))),
    "the files cannot be deleted": (shutil, "rmtree", _raise(PermissionError(13, "Permission denied"))),
    "not all the files can be deleted": (shutil, "rmtree", _half_way),
    "the queue cannot be read": (DBOSClient, "list_workflows", _raise(OperationalError("", None, Exception()))),
    "the queue cannot be written": (DBOSClient, "delete_workflows", _raise(OperationalError("", None, Exception()))),
    "a death before the files": (JobFiles, "remove", _raise(ConnectionError())),
    "a death before the queue": (Queue, "delete_runs", _raise(ConnectionError())),
}


@pytest.mark.parametrize("healed_by", ["a retry", "a restart"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_deletion_that_was_interrupted_is_completed(
    fault: tuple[object, str, Callable[..., None]],
    healed_by: str,
    jobs: JobDatabase,
    settings: Settings,
    engine: sa.Engine,
    restart: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id, other = _submit(jobs), _submit(jobs)
    _cancel(jobs, job_id)
    if settings.database_url:  # where files of an installation of before may still lie
        JobFiles(settings.data, job_id).make()
        JobFiles(settings.data, job_id).points.touch()
    with monkeypatch.context() as patch:
        patch.setattr(*fault)
        for _ in range(2):
            with pytest.raises(JobsUnavailableError):
                manage.delete(jobs, job_id)
            with jobs.store() as store, pytest.raises(UnknownJobError):
                store.get(job_id)
    assert _left(engine, settings, job_id)
    if healed_by == "a retry":
        manage.delete(jobs, job_id)
    else:
        restart()
    assert _left(engine, settings, job_id) == []
    with pytest.raises(UnknownJobError):
        manage.delete(jobs, job_id)
    with jobs.store() as store:
        assert jobs.files(store.get(other)).names() == ["points.npy"], "the others keep theirs"


def test_files_that_cannot_be_deleted_do_not_keep_a_worker_from_its_work(
    jobs: JobDatabase,
    settings: Settings,
    engine: sa.Engine,
    restart: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stuck, free = _submit(jobs), _submit(jobs)
    with monkeypatch.context() as patch:
        patch.setattr(JobFiles, "remove", _raise(PermissionError(13, "Permission denied")))
        for job_id in (stuck, free):
            _cancel(jobs, job_id)
            with pytest.raises(JobsUnavailableError):
                manage.delete(jobs, job_id)
    remove = JobFiles.remove

    def some(files: JobFiles) -> None:
        if files.job_id == stuck:
            raise PermissionError(13, "Permission denied")
        remove(files)

    with monkeypatch.context() as patch:
        patch.setattr(JobFiles, "remove", some)
        restart()
    assert _left(engine, settings, free) == []
    restart()
    assert _left(engine, settings, stuck) == []


@pytest.mark.parametrize("fault", ["the disk is full", "the database is away", "too many jobs wait"])
def test_a_submission_that_fails_leaves_nothing(
    fault: str, jobs: JobDatabase, settings: Settings, engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {*(settings.data / "jobs").glob("*")}
    with monkeypatch.context() as patch:
        if fault == "the disk is full" and settings.database_url:
            patch.setattr("app.jobs.record.file_rows.write", _raise(OperationalError("", None, Exception())))
        elif fault == "the disk is full":
            patch.setattr(submitting, "_save", _raise(OSError(28, "No space left on device")))
        elif fault == "the database is away":
            patch.setattr(Queue, "enqueue", _raise(OperationalError("", None, Exception())))
        else:
            patch.setattr(JobStore, "submit", _raise(JobsUnavailableError("full")))
        with pytest.raises(JobsUnavailableError):
            _submit(jobs)
    assert {*(settings.data / "jobs").glob("*")} == folders
    with engine.connect() as connection:
        assert connection.execute(sa.select(leftovers)).all() == []
    assert _left(engine, settings, "a job of this name") == []


def test_a_submission_that_was_killed_is_cleared_away_in_time_and_no_folder_of_others(
    jobs: JobDatabase,
    settings: Settings,
    engine: sa.Engine,
    restart: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if settings.database_url:
        pytest.skip("PostgreSQL has the files and the job at the same moment")
    others = JobFiles(settings.data, "0123456789abcdef")  # of another database on the same folder
    others.make()
    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "submit", _raise(ConnectionError()))
        patch.setattr(JobStore, "clear", _raise(ConnectionError()))  # nothing is done any more
        with pytest.raises(JobsUnavailableError):
            _submit(jobs)
    with engine.connect() as connection:
        (job_id,) = connection.execute(sa.select(leftovers.c.id)).scalars()
    files = JobFiles(settings.data, job_id)
    restart()
    assert files.points.exists(), "it could be a submission that goes on"
    with engine.begin() as connection:
        connection.execute(sa.update(leftovers).values(submitted=leftovers.c.submitted - 3_601))
    restart()
    assert _left(engine, settings, job_id) == []
    assert others.folder.exists()
    others.remove()


def test_a_submission_that_was_cleared_away_meanwhile_is_refused(
    jobs: JobDatabase,
    settings: Settings,
    engine: sa.Engine,
    restart: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if settings.database_url:
        pytest.skip("PostgreSQL has the files and the job at the same moment")
    save = submitting._save

    def slowly(*arguments: object, **keywords: object) -> None:
        save(*arguments, **keywords)  # type: ignore[arg-type]
        with engine.begin() as connection:
            connection.execute(sa.update(leftovers).values(submitted=leftovers.c.submitted - 3_601))
        restart()

    monkeypatch.setattr(submitting, "_save", slowly)
    with jobs.store() as store:
        before = len(store.page([], 100, None))
    with pytest.raises(JobsUnavailableError, match="took too long"):
        _submit(jobs)
    with jobs.store() as store:
        assert len(store.page([], 100, None)) == before
    with engine.connect() as connection:
        assert connection.execute(sa.select(leftovers)).all() == []


def test_a_worker_that_was_frozen_does_not_bring_the_folder_back(
    jobs: JobDatabase, settings: Settings, store: JobStore, leases: LeaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = _submit(jobs, JobRequest(model="simple_gan"))
    make = JobFiles.make

    def late(files: JobFiles) -> None:
        leases.fail(job_id, 1, "taken up, and ended, by another worker")
        manage.delete(jobs, job_id)
        make(files)

    class Idle:
        def kill(self) -> None: ...

    monkeypatch.setattr(JobFiles, "make", late)
    monkeypatch.setattr(WarmProcesses, "take", lambda self: Idle())
    JobSupervisor(leases, WarmProcesses(1), settings, threading.Event()).run(job_id, 1)
    assert not JobFiles(settings.data, job_id).folder.exists()


def test_the_place_in_the_queue_is_that_in_which_jobs_are_taken(
    store: JobStore, engine: sa.Engine, jobs: JobDatabase
) -> None:
    _empty_the_queue(store)
    ids = [_submit(jobs, JobRequest(model="simple_gan", name=str(i))) for i in range(6)]
    for i in (0, 3):
        store.steer(ids[i], Action.PAUSE)
        store.steer(ids[i], Action.RESUME)
    store.steer(ids[1], Action.CANCEL)
    assert _waiting(store) == [ids[i] for i in (2, 4, 5, 0, 3)]

    status = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with engine.connect() as connection:
        taken = connection.exec_driver_sql(
            f"SELECT workflow_uuid FROM {status} WHERE status = 'ENQUEUED' ORDER BY priority, created_at"
        ).scalars()
        runs = {f"{row['id']}-{row['run']}": row["id"] for row in store.page([State.QUEUED], 100, None)}
        assert [runs[name] for name in taken if name in runs] == _waiting(store)


def _empty_the_queue(store: JobStore) -> None:
    for job_id in _waiting(store):
        store.steer(job_id, Action.CANCEL)


def _waiting(store: JobStore) -> list[str]:
    return [row["id"] for row in store.waiting()]


def test_owners_take_turns(store: JobStore, jobs: JobDatabase, engine: sa.Engine) -> None:
    """Whoever has many jobs waiting lets the next job of everybody else go first."""
    _empty_the_queue(store)

    def submit(owner: str | None) -> str:
        return _submit(jobs, JobRequest(model="simple_gan", owner=owner))

    def start(job_id: str) -> None:
        with engine.begin() as connection:
            ended = {"state": State.SUCCEEDED, "started": 1.0}
            connection.execute(sa.update(metadata.tables["jobs"]).filter_by(id=job_id).values(ended))

    for job_id in [submit("z"), submit("z")]:  # so whoever had the last turn before waits no longer than the others
        start(job_id)
    a = [submit("a") for _ in range(4)]
    nobody = [submit(None) for _ in range(2)]
    b = [submit("b")]
    assert _waiting(store) == [a[0], nobody[0], b[0], a[1], nobody[1], a[2], a[3]]
    for job_id in (a[0], nobody[0], b[0]):
        start(job_id)
    # Whoever comes later does not make up for the turns before, and nobody is served twice before the others.
    b.append(submit("b"))
    c = [submit("c") for _ in range(2)]
    assert _waiting(store) == [a[1], nobody[1], b[1], c[0], a[2], c[1], a[3]]
    # What is cancelled while it waits takes no turn.
    _empty_the_queue(store)
    late = [submit("a"), submit("b"), submit("d")]
    assert _waiting(store) == late


def test_the_jobs_of_an_owner_are_listed_and_deleted_alone(jobs: JobDatabase) -> None:
    for owner in ("mine", "theirs", None, "mine"):
        _submit(jobs, JobRequest(model="simple_gan", owner=owner))
    mine = manage.page(jobs, [], 100, None, "mine").jobs
    assert [job.owner for job in mine] == ["mine", "mine"]
    manage.steer(jobs, mine[0].id, Action.CANCEL)
    theirs = manage.page(jobs, [], 100, None, "theirs").jobs[0]
    manage.steer(jobs, theirs.id, Action.CANCEL)

    assert manage.delete_all(jobs, "mine") == [mine[0].id]
    assert [job.id for job in manage.page(jobs, [], 100, None, "mine").jobs] == [mine[1].id]
    assert manage.show(jobs, theirs.id).status == State.CANCELLED
    assert manage.delete_all(jobs, "mine") == []


@pytest.mark.parametrize("owner", ["\0", "a\0b", "\udc80", "", 65 * "x"])
def test_an_owner_that_no_job_can_have_is_refused_by_every_call(owner: str) -> None:
    """PostgreSQL takes no NUL and no lone surrogate."""
    for model, body in ((JobsQuery, {}), (DeleteQuery, {}), (JobRequest, {"model": "simple_gan"}), (ForkRequest, {})):
        with pytest.raises(ValidationError, match="owner"):
            model.model_validate(body | {"owner": owner})


def test_a_list_looks_at_the_queue_once_for_all_places(jobs: JobDatabase) -> None:
    for _ in range(10):
        _submit(jobs, JobRequest(model="simple_gan"))
    statements: list[str] = []
    with jobs.store() as store:

        @sa.event.listens_for(store._engine, "before_cursor_execute")
        def _count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        rows = store.page([], 50, None)
        shown = manage.views(jobs, store, rows)
    assert sum(job.queue_position is not None for job in shown) >= 10
    assert len(statements) == 5, "the rows; those that wait, run and have run; the workers"


def test_a_job_of_an_older_version_without_a_ticket_is_the_first(
    store: JobStore, engine: sa.Engine, jobs: JobDatabase
) -> None:
    ids = [_submit(jobs, JobRequest(model="simple_gan")) for _ in range(2)]
    with engine.begin() as connection:
        connection.execute(sa.delete(metadata.tables["job_tickets"]))
    newer = _submit(jobs, JobRequest(model="simple_gan"))
    places = [_waiting(store).index(job_id) for job_id in (*ids, newer)]
    assert places == sorted(places)
