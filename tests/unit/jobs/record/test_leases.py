"""Only who holds a job may write about it, and nothing is written twice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.jobs.errors import IdempotencyError, QueueFullError, UnknownJobError
from app.jobs.limits import specify
from app.jobs.record.database import connect, retry_until_available
from app.jobs.record.leases import FinalState, LeaseStore, LostLeaseError
from app.jobs.record.publications import Lease, Publication
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore
from app.jobs.record.tables import jobs
from app.jobs.record.transitions import MAX_STALLS
from app.jobs.record.values import JobRow, NewJob
from app.jobs.service.views import view
from app.jobs.specification import JobRequest, StepRequest
from app.jobs.states import ENDED, TRANSITIONS, Action, State, TransitionError


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = connect(Settings(data=tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def queue(engine: sa.Engine) -> Iterator[Queue]:
    queue = Queue(engine)
    yield queue
    queue.close()


@pytest.fixture
def store(engine: sa.Engine, queue: Queue) -> JobStore:
    return JobStore(engine, queue, max_queued=3)


@pytest.fixture
def book(engine: sa.Engine, queue: Queue) -> LeaseStore:
    return LeaseStore(engine, queue, "me")


def _new(digest: str = "x") -> NewJob:
    return NewJob(specify(JobRequest(model="simple_gan"), None, Settings()), None, {}, digest)


def _queued(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT workflow_uuid, status FROM workflow_status ORDER BY created_at")
        return [(row[0], row[1]) for row in rows]


def _take(book: LeaseStore, job: JobRow) -> Lease:
    lease = book.acquire(job["id"], job["run"])
    assert lease is not None
    return lease


def _steps(last: int, count: int) -> Publication:
    return Publication(
        events=[("progress", {"step": last})],
        blocks=[(last, np.full((count, 2), last, np.float32))],
        values={"step": last},
    )


def _to(state: State) -> FinalState:
    return lambda wished: (state, None)


def test_a_job_is_stored_and_queued_or_neither(store: JobStore, engine: sa.Engine) -> None:
    for i in range(3):
        store.submit(f"job{i}", _new())
    with pytest.raises(QueueFullError, match="at most 3"):
        store.submit("job3", _new())
    with pytest.raises(UnknownJobError):
        store.get("job3")
    assert _queued(engine) == [(f"job{i}-1", "ENQUEUED") for i in range(3)]


def test_the_same_key_gives_the_same_job(store: JobStore) -> None:
    store.submit("job1", _new(), "key")
    assert store.submit("job2", _new(), "key")["id"] == "job1"
    with pytest.raises(IdempotencyError, match="job1"):
        store.submit("job3", _new("other"), "key")


def test_publications_are_numbered_and_whole(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    lease = _take(book, job)
    book.publish(lease, _steps(10, 10))
    book.publish(lease, _steps(15, 5), _to(State.SUCCEEDED))
    job = store.get("job")
    assert (job["state"], job["step"], job["executor"]) == (State.SUCCEEDED, 15, None)
    events = store.events_after(job, 0)
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert [event.kind for event in events] == ["state", "state", "progress", "progress", "state"]
    assert store.losses_of(job).shape == (15, 2)
    assert store.events_after(job, 3, limit=1)[0].seq == 4


def test_a_job_tells_what_it_is_at_while_a_worker_has_it(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    assert view(job, 0).phase is None
    lease = _take(book, job)
    assert view(store.get("job"), None).phase == "starting"
    book.publish(lease, Publication(values={"phase": "compiling"}))
    assert view(store.get("job"), None).phase == "compiling"
    store.steer("job", Action.PAUSE)
    assert view(store.get("job"), None).phase == "compiling"
    book.publish(lease, Publication(), _to(State.PAUSED))
    assert view(store.get("job"), None).phase is None
    states = [event.data for event in store.events_after(job, 0)]
    assert [(state["status"], state.get("phase")) for state in states[:2]] == [
        ("queued", None),
        ("running", "starting"),
    ]


def test_who_has_lost_a_job_writes_nothing(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    old = _take(book, job)
    new = _take(book, job)
    assert new.attempt == old.attempt + 1
    with pytest.raises(LostLeaseError):
        book.refresh(old)
    with pytest.raises(LostLeaseError):
        book.publish(old, _steps(10, 10))
    with pytest.raises(LostLeaseError):
        book.publish(old, Publication(), _to(State.SUCCEEDED))
    book.publish(new, _steps(3, 3))
    job = store.get("job")
    assert (job["state"], job["step"], job["recoveries"]) == (State.RUNNING, 3, 1)
    with pytest.raises(LostLeaseError):
        book.publish(old, _steps(10, 10))


def test_a_repeated_publication_is_written_once(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    lease = _take(book, job)
    publication = _steps(10, 10)
    book.publish(lease, publication)
    lease.revision -= 1  # as if the answer to the commit had been lost
    book.publish(lease, publication)
    book.publish(lease, _steps(20, 10))
    assert [event.data.get("step") for event in store.events_after(job, 2)] == [10, 20]
    assert len(store.losses_of(job)) == 20


def test_an_end_that_is_repeated_after_a_lost_answer(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    lease = _take(book, job)
    book.publish(lease, Publication(), _to(State.QUEUED))
    lease.revision -= 1
    book.publish(lease, Publication(), _to(State.QUEUED))
    assert store.get("job")["run"] == 2


def test_a_job_handed_back_is_queued_anew_and_the_old_run_is_over(
    store: JobStore, book: LeaseStore, engine: sa.Engine
) -> None:
    job = store.submit("job", _new())
    book.publish(_take(book, job), Publication(), _to(State.QUEUED))
    assert _queued(engine) == [("job-1", "ENQUEUED"), ("job-2", "ENQUEUED")]
    assert book.acquire("job", 1) is None
    assert book.acquire("job", 2) is not None
    assert store.get("job")["recoveries"] == 0


@pytest.mark.parametrize(("wish", "left"), [(Action.CANCEL, State.CANCELLED), (Action.PAUSE, State.PAUSED)])
def test_a_wish_outlives_the_worker(wish: Action, left: State, store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    _take(book, job)
    store.steer("job", wish)
    assert book.acquire("job", 1) is None
    assert store.get("job")["state"] == left


def test_a_job_that_never_comes_to_a_checkpoint_fails(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    for _ in range(MAX_STALLS):
        _take(book, job)
    assert book.acquire("job", 1) is None
    job = store.get("job")
    assert job["state"] == State.FAILED
    assert f"taken up {MAX_STALLS} times" in job["error"]


def test_a_checkpoint_shows_that_a_job_gets_on(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    for _ in range(3 * MAX_STALLS):
        book.publish(_take(book, job), Publication(values={"stalls": 0}))
    assert store.get("job")["state"] == State.RUNNING


@pytest.mark.parametrize("wish", [Action.CANCEL, Action.PAUSE])
def test_a_wish_that_comes_at_the_very_end_counts(wish: Action, store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    lease = _take(book, job)
    seen: list[State] = []

    def end(wished: State) -> tuple[State, str | None]:
        seen.append(wished)
        return State.CANCELLED, None

    book.refresh(lease)
    store.steer("job", wish)  # between the last look and the end
    book.publish(lease, Publication(), end)
    assert seen == [TRANSITIONS[wish][State.RUNNING]]


def test_an_end_may_be_none(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    lease = _take(book, job)
    assert book.publish(lease, Publication(), lambda wished: (wished, None)) == State.RUNNING
    assert [event.kind for event in store.events_after(job, 0)] == ["state", "state"]
    assert store.get("job")["executor"] == "me"


def test_a_deleted_job_is_nobodys(store: JobStore, book: LeaseStore) -> None:
    job = store.submit("job", _new())
    store.steer("job", Action.CANCEL)
    store.delete("job")
    assert book.acquire("job", job["run"]) is None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("request_", Action)
def test_every_transition_is_legal_or_refused_by_name(
    state: State, request_: Action, store: JobStore, engine: sa.Engine
) -> None:
    store.submit("job", _new())
    with engine.begin() as connection:
        connection.execute(sa.update(jobs).values(state=state))

    def ask() -> Any:
        return store.delete("job") if request_ == Action.DELETE else store.steer("job", request_)["state"]

    if state in TRANSITIONS[request_]:
        assert ask() == (None if request_ == Action.DELETE else TRANSITIONS[request_][state])
    else:
        with pytest.raises(TransitionError, match=f"the job is {state}"):
            ask()
        assert store.get("job")["state"] == state


def test_a_job_that_is_stepped_pauses_where_it_was_asked_to(store: JobStore, book: LeaseStore) -> None:
    """Half a step does not count; its second half is the whole step."""
    store.submit("job", _new())
    store.steer("job", Action.PAUSE)
    for run, (wanted, goal, half) in enumerate(
        [
            (StepRequest(steps=3), 3, False),
            (StepRequest(half=True), 0, True),
            (StepRequest(half=True), 1, False),
            (StepRequest(half=True), 0, True),
            (StepRequest(steps=2), 2, False),
        ],
        2,
    ):
        store.steer("job", Action.STEP, wanted)
        lease = book.acquire("job", run)
        assert lease is not None
        assert (lease.pause_at, lease.half) == (goal, half)
        book.publish(lease, Publication(), _to(State.PAUSED))
    store.steer("job", Action.RESUME)
    lease = book.acquire("job", run + 1)
    assert lease is not None
    assert (lease.pause_at, lease.half) == (None, False)


def test_no_request_leads_out_of_an_end() -> None:
    for request, changes in TRANSITIONS.items():
        assert all(changes[state] == state for state in ENDED & set(changes)), request


def test_the_database_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.jobs.record.database._RETRY_SECONDS", 0)
    answers: list[Exception | int] = [
        OperationalError("", None, Exception()),
        OperationalError("", None, Exception()),
        7,
    ]

    def action() -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retry_until_available(action) == 7
    with pytest.raises(ZeroDivisionError):
        retry_until_available(lambda: 1 // 0)
