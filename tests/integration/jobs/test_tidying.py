"""The disk that jobs take: what new ones may write, and which old ones make room."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from app.config import Settings
from app.jobs.callers import Caller
from app.jobs.disk import disk_use
from app.jobs.errors import QueueFullError, QuotaError
from app.jobs.files import JobFiles
from app.jobs.limits import LimitError, specify
from app.jobs.quotas import Quota
from app.jobs.record import file_rows
from app.jobs.record.space import Space
from app.jobs.record.store import JobStore
from app.jobs.record.tables import jobs
from app.jobs.record.values import NewJob, new_id
from app.jobs.service import submit as module
from app.jobs.service.database import JobDatabase
from app.jobs.service.submit import submit
from app.jobs.specification import JobRequest
from app.jobs.states import ENDED, State
from app.jobs.worker.tidying import Tidying

MIB = 2**20
DAY = 86_400
REQUEST = JobRequest(model="simple_gan", epochs=1, steps_per_epoch=5)
SPECIFICATION = specify(REQUEST, None, Settings())
#: What a job of that kind reserves.
RESERVED = disk_use(SPECIFICATION, Settings().job_bytes).total

Stored = Callable[..., str]


@pytest.fixture
def stored(store: JobStore, engine: sa.Engine, settings: Settings) -> Stored:
    """Return what stores a job in a state, with files of so many MiB; no other jobs are there."""
    with engine.begin() as connection:
        connection.execute(sa.update(jobs).values(state=State.CANCELLED, ended=0.0))
    Tidying(store, settings.model_copy(update={"keep_days": 0.001}), threading.Event()).go_on()

    def store_job(state: State, ended_days_ago: float | None = None, megabytes: int = 0, **columns: Any) -> str:
        job_id = new_id()
        store.submit(job_id, NewJob(SPECIFICATION, None, {}, "x"))
        ended = None if ended_days_ago is None else time.time() - ended_days_ago * DAY
        with engine.begin() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(state=state, ended=ended, **columns))
        if store.keeps_files:
            number = store.get(job_id)["number"]
            with engine.begin() as connection:
                file_rows.write(connection, number, "checkpoint", [bytes(megabytes * MIB)])
        else:
            files = JobFiles(settings.data, job_id)
            files.make()
            with open(files.folder / "checkpoint", "wb") as file:
                file.truncate(megabytes * MIB)
        return job_id

    return store_job


def _left(store: JobStore, settings: Settings) -> list[str]:
    """Return the jobs that there are, oldest first; there are no folders of others."""
    found = [row["id"] for row in reversed(store.page((), 100))]
    assert {path.name for path in (settings.data / "jobs").glob("*")} <= set(found)
    return found


@contextmanager
def _database(settings: Settings) -> Iterator[JobDatabase]:
    database = JobDatabase(settings)
    yield database
    with database.store() as store:
        store.close()


def _tidy(store: JobStore, settings: Settings, **limits: float) -> list[str]:
    Tidying(store, settings.model_copy(update=limits), threading.Event()).go_on()
    return _left(store, settings)


def test_jobs_that_ended_long_ago_are_deleted(stored: Stored, store: JobStore, settings: Settings) -> None:
    old = [stored(state, ended_days_ago=8) for state in sorted(ENDED)]
    young = [stored(state, ended_days_ago=6) for state in sorted(ENDED)]
    unfinished = [stored(state, ended_days_ago=99) for state in sorted(set(State) - ENDED)]
    assert _tidy(store, settings) == old + young + unfinished, "without limits, nothing is"
    assert _tidy(store, settings, keep_days=7) == young + unfinished
    assert _tidy(store, settings, keep_days=7) == young + unfinished


def test_what_a_job_keeps_is_looked_at_until_its_worker_has_tidied_up(
    stored: Stored, store: JobStore, settings: Settings
) -> None:
    if store.keeps_files:
        pytest.skip("the database knows the sizes")
    jobs = {stored(State.SUCCEEDED, ended_days_ago=days, megabytes=4): days for days in (1, 0)}
    assert [job.bytes for job in Space(store, settings).kept()] == [4 * MIB, 4 * MIB]
    for job_id in jobs:
        (JobFiles(settings.data, job_id).folder / "checkpoint").unlink()
    assert {job.job_id: job.bytes for job in Space(store, settings).kept()} == {
        job_id: days * 4 * MIB for job_id, days in jobs.items()
    }


def test_the_oldest_make_room_and_none_that_has_not_ended(stored: Stored, store: JobStore, settings: Settings) -> None:
    newest, oldest, middle = (stored(State.SUCCEEDED, days, 20) for days in (1, 3, 2))
    running = stored(State.RUNNING, megabytes=50)
    reserved = RESERVED / MIB
    assert _tidy(store, settings, max_disk=round(62 + reserved)) == [newest, oldest, middle, running]
    assert _tidy(store, settings, max_disk=round(58 + reserved)) == [newest, middle, running]
    damaged = stored(State.RUNNING, megabytes=30, specification={"model": "of another release"})
    assert _tidy(store, settings, max_disk=round(58 + reserved)) == [newest, running, damaged], "counts as it is"
    assert _tidy(store, settings, max_disk=16) == [running, damaged]


def test_two_workers_delete_each_job_once(
    stored: Stored, store: JobStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not settings.database_url:
        pytest.skip("SQLite has one worker")
    stored(State.SUCCEEDED, ended_days_ago=2)
    deleting, go_on, deleted = threading.Event(), threading.Event(), []
    delete = JobStore.delete

    def slowly(self: JobStore, job_id: str) -> None:
        deleted.append(job_id)
        deleting.set()
        assert go_on.wait(60)
        delete(self, job_id)

    monkeypatch.setattr(JobStore, "delete", slowly)
    tidying = Tidying(store, settings.model_copy(update={"keep_days": 1}), threading.Event())
    first = threading.Thread(target=tidying.go_on)
    first.start()
    assert deleting.wait(60)
    tidying.go_on()  # as another worker, which has nothing to do
    go_on.set()
    first.join()
    assert len(deleted) == 1
    assert _left(store, settings) == []


def test_a_worker_that_ends_leaves_the_rest_to_the_next_one(
    stored: Stored, store: JobStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [stored(State.SUCCEEDED, ended_days_ago=days) for days in (4, 3, 2)]
    stopping, delete, clear = threading.Event(), JobStore.delete, JobStore.clear
    tidying = Tidying(store, settings.model_copy(update={"keep_days": 1}), stopping)

    def last(self: JobStore, job_id: str) -> None:
        delete(self, job_id)
        stopping.set()

    def outside(self: JobStore, files: JobFiles) -> None:
        with store.tidying_alone() as alone:
            assert alone, "no transaction waits for files"
        clear(self, files)

    with monkeypatch.context() as patch:
        patch.setattr(JobStore, "delete", last)
        tidying.go_on()
    assert store.leftovers() == jobs[:1], "its files, too"
    stopping.clear()
    monkeypatch.setattr(JobStore, "clear", outside)
    tidying.go_on()
    assert store.leftovers() == jobs[:1]
    store.clear(JobFiles(settings.data, jobs[0]))
    assert _left(store, settings) == []


def test_files_that_cannot_be_deleted_are_left_to_the_next_repair(
    stored: Stored,
    store: JobStore,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = stored(State.FAILED, ended_days_ago=2)
    with monkeypatch.context() as patch:
        patch.setattr(JobFiles, "remove", lambda _: (_ for _ in ()).throw(OSError("busy")))
        Tidying(store, settings.model_copy(update={"keep_days": 1}), threading.Event()).go_on()
    assert store.leftovers() == [job_id]
    assert f"the files of the deleted job {job_id} are still there: busy" in caplog.text
    store.clear(JobFiles(settings.data, job_id))


def test_a_job_waits_outside_when_others_have_reserved_the_disk(
    stored: Stored, store: JobStore, settings: Settings
) -> None:
    stored(State.SUCCEEDED, 1, megabytes=50)
    unfinished = stored(State.PAUSED)
    limits = settings.model_copy(update={"max_disk": 16, "job_disk": 16})
    most = 16 * MIB // RESERVED
    with _database(limits) as database:
        for _ in range(most - 1):
            submit(database, REQUEST)
        with pytest.raises(QueueFullError, match="at most 16 MiB of all jobs: those that have not ended may write"):
            submit(database, REQUEST)
    assert unfinished in _left(store, settings)


@pytest.mark.parametrize("limit", ["max_disk", "key"])
def test_of_two_who_come_at_the_same_time_one_has_room(
    limit: str, stored: Stored, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"max_disk": 16, "job_disk": 16} if limit == "max_disk" else {})
    most = 16 * MIB // RESERVED
    for _ in range(most - 1):
        stored(State.PAUSED, key_name="ada")
    both, look = threading.Barrier(2), module._check_space
    looks = itertools.count()

    def look_together(*arguments: Any) -> None:
        look(*arguments)
        if next(looks) < 2:
            both.wait(60)  # both have seen room

    monkeypatch.setattr(module, "_check_space", look_together)
    with _database(settings) as database, ThreadPoolExecutor(2) as threads:
        caller = Caller("ada", False, Quota(jobs=99, steps=10**9, megabytes=16) if limit == "key" else None)
        ends = [threads.submit(submit, database.seen_by(caller), REQUEST) for _ in range(2)]
        errors = [end.exception() for end in ends]
    assert errors.count(None) == 1
    assert {type(error) for error in errors if error} == {QueueFullError if limit == "max_disk" else QuotaError}


def test_a_key_may_keep_so_much(stored: Stored, settings: Settings) -> None:
    key = new_id()
    stored(State.SUCCEEDED, 1, megabytes=10, key_name=key)
    stored(State.SUCCEEDED, 1, megabytes=10, key_name=new_id())
    large = REQUEST.model_copy(update={"gen_shape": (1_000, 1_000, 5)})
    with _database(settings) as database:

        def ada(megabytes: int) -> JobDatabase:
            return database.seen_by(Caller(key, sees_all=False, quota=Quota(10, 10_000, megabytes)))

        submit(ada(16), REQUEST)
        with pytest.raises(QuotaError, match=r"at most 11 MiB of one key: its jobs that have ended keep 10\.0, the"):
            submit(ada(11), REQUEST)
        with pytest.raises(LimitError, match="at most 16 MiB of one key, and this job may write"):
            submit(ada(16), large)
