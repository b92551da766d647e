"""A job attended in this process, with a real training process."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.config import Settings
from app.jobs.database import connect
from app.jobs.lease import LeaseBook
from app.jobs.process import ProcessEndedError, TrainingProcess, WarmProcesses
from app.jobs.queue import Queue
from app.jobs.specification import JobRequest, specify
from app.jobs.store import JobStore, NewJob
from app.jobs.supervision import Supervision
from tests.integration.jobs.harness import until


@pytest.fixture
def processes() -> Iterator[WarmProcesses]:
    processes = WarmProcesses(most=1)
    yield processes
    processes.close()


@pytest.fixture
def attended(tmp_path: Path, processes: WarmProcesses) -> Iterator[tuple[JobStore, Supervision]]:
    settings = Settings(data=tmp_path)
    engine = connect(settings)
    queue = Queue(engine)
    supervision = Supervision(LeaseBook(engine, queue, "me"), processes, settings, threading.Event())
    yield JobStore(engine, queue, max_queued=3), supervision
    queue.close()
    engine.dispose()


def _submit(store: JobStore, epochs: int) -> None:
    request = JobRequest(model="simple_gan", epochs=epochs)
    store.submit("0123456789abcdef", NewJob(specify(request, None, Settings()), None, {}, "x"))


def test_a_job_that_takes_too_much_memory_fails(
    attended: tuple[JobStore, Supervision], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, supervision = attended
    _submit(store, epochs=5_000)
    monkeypatch.setattr(TrainingProcess, "memory", lambda self: 2**40)
    supervision.attend("0123456789abcdef", 1)
    job = store.get("0123456789abcdef")
    assert job["state"] == "failed"
    assert "1,024 MiB of memory" in job["error"]


def test_a_process_serves_one_job_after_the_other(
    attended: tuple[JobStore, Supervision], processes: WarmProcesses
) -> None:
    store, supervision = attended
    processes.warm()
    first = processes.take()
    processes.give_back(first)
    _submit(store, epochs=1)
    supervision.attend("0123456789abcdef", 1)
    assert store.get("0123456789abcdef")["state"] == "succeeded"
    assert processes.take() is first
    processes.give_back(first)


def test_a_training_process_ends_with_its_connection() -> None:
    process = TrainingProcess()
    process._connection.close()
    until(lambda: not process.reusable, "the process to notice", patience=20)
    process.kill()


def test_a_killed_process_is_noticed(processes: WarmProcesses) -> None:
    process = processes.take()
    process._process.kill()
    with pytest.raises(ProcessEndedError):
        until(lambda: process.receive(wait=0.1), "a message")
    process.kill()
