"""A job attended in this process, with a real training process."""

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.config import Settings
from app.jobs.files import JobFiles, sweep
from app.jobs.limits import specify
from app.jobs.record.database import connect
from app.jobs.record.leases import LeaseStore
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore
from app.jobs.record.transitions import MAX_STALLS
from app.jobs.record.values import NewJob
from app.jobs.specification import JobRequest
from app.jobs.trainer.messages import Message, TrainCommand
from app.jobs.worker.processes import ProcessEndedError, TrainingProcess, WarmProcesses
from app.jobs.worker.supervisor import JobSupervisor
from app.jobs.worker.trainer_run import TrainerRun
from models.presets import ToySettings
from tests.integration.jobs.harness import LONG, SHORT, Json, until


@pytest.fixture
def processes() -> Iterator[WarmProcesses]:
    processes = WarmProcesses(most=1)
    yield processes
    processes.close()


@pytest.fixture
def attended(tmp_path: Path, processes: WarmProcesses) -> Iterator[tuple[JobStore, JobSupervisor]]:
    settings = Settings(data=tmp_path)
    engine = connect(settings)
    queue = Queue(engine)
    supervisor = JobSupervisor(LeaseStore(engine, queue, "me"), processes, settings, threading.Event())
    yield JobStore(engine, queue, max_queued=3), supervisor
    queue.close()
    engine.dispose()


def _submit(store: JobStore, job: Json = LONG) -> None:
    request = JobRequest.model_validate(job)
    store.submit("0123456789abcdef", NewJob(specify(request, None, Settings()), None, {}, "x"))


def test_a_job_that_takes_too_much_memory_fails(
    attended: tuple[JobStore, JobSupervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, supervisor = attended
    _submit(store)
    monkeypatch.setattr(TrainingProcess, "memory", lambda self: 2**40)
    supervisor.run("0123456789abcdef", 1)
    job = store.get("0123456789abcdef")
    assert job["state"] == "failed"
    assert "1,024 MiB of memory" in job["error"]


def test_a_job_that_takes_too_long_fails(
    attended: tuple[JobStore, JobSupervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, supervisor = attended
    monkeypatch.setattr(supervisor, "_settings", Settings(data=tmp_path, job_seconds=0.5))
    _submit(store)
    supervisor.run("0123456789abcdef", 1)
    job = store.get("0123456789abcdef")
    assert job["state"] == "failed"
    assert "0.5 seconds" in job["error"]
    assert job["checkpoint"], "what was trained is kept"


def test_a_process_that_cannot_start_is_not_tried_for_ever(
    attended: tuple[JobStore, JobSupervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, supervisor = attended
    _submit(store, SHORT)
    monkeypatch.setattr("app.jobs.child.sys.executable", "/bin/false")
    monkeypatch.setattr("app.jobs.worker.supervisor._PAUSES", (0.0, 0.0))
    supervisor.run("0123456789abcdef", 1)
    job = store.get("0123456789abcdef")
    assert job["state"] == "failed"
    assert "never came to its next checkpoint" in job["error"]
    assert job["recoveries"] == MAX_STALLS


class _Silent(TrainingProcess):
    """A training process that takes a job and never says anything about it, as a frozen one."""

    killed = False

    def __init__(self) -> None:
        pass

    def train(self, command: TrainCommand, architecture: ToySettings) -> None:
        pass

    def receive(self, wait: float) -> list[Message]:
        return []

    def memory(self) -> int:
        return 0

    def kill(self) -> None:
        self.killed = True


def test_a_training_process_that_falls_silent_is_replaced(
    attended: tuple[JobStore, JobSupervisor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, supervisor = attended
    _submit(store)
    leases = supervisor._leases
    lease = leases.acquire("0123456789abcdef", 1)
    assert lease is not None
    monkeypatch.setattr("app.jobs.worker.trainer_run._SILENCE_SECONDS", 0.0)
    monkeypatch.setattr("app.jobs.worker.trainer_run._CHECK_SECONDS", 0.0)
    process = _Silent()
    assert not TrainerRun(lease, process, leases, Settings(data=tmp_path), threading.Event()).run(), "it needs another"
    assert process.killed
    assert store.get("0123456789abcdef")["state"] == "running"


def test_only_interrupted_deletions_are_swept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [JobFiles(tmp_path, name) for name in ("other", "gone", "interrupted")]
    for files in jobs:
        (files.folder / "checkpoints").mkdir(parents=True)
        os.utime(files.folder, (0, 0))
    jobs[1].remove()

    def killed(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(PermissionError):
            jobs[2].remove()
    assert len([*(tmp_path / "jobs").iterdir()]) == 2
    sweep(tmp_path)
    # The folder of a job that is in the record of another database stays.
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == ["other"]


def test_unfinished_files_are_tidied_away(tmp_path: Path) -> None:
    files = JobFiles(tmp_path, "job")
    for name in ("checkpoints/.000000300-1.npz.abcd", "weights-1/.generator.h5.efgh", "checkpoints/000000300-1.npz"):
        (files.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (files.folder / name).touch()
    files.tidy_unfinished()
    assert [path.name for path in files.folder.rglob("*") if path.is_file()] == ["000000300-1.npz"]


def test_a_process_serves_one_job_after_the_other(
    attended: tuple[JobStore, JobSupervisor], processes: WarmProcesses
) -> None:
    store, supervisor = attended
    processes.warm()
    first = processes.take()
    processes.give_back(first)
    _submit(store, SHORT)
    supervisor.run("0123456789abcdef", 1)
    assert store.get("0123456789abcdef")["state"] == "succeeded"
    assert processes.take() is first
    loaded = {file.path for file in psutil.Process(first.pid).memory_maps()}
    assert any("tensorflow" in path for path in loaded)
    assert not any("matplotlib" in path for path in loaded), "Keras would load it, for a quarter of a second"
    processes.give_back(first)


def test_a_training_process_ends_with_its_connection() -> None:
    process = TrainingProcess()
    process._connection.close()
    until(lambda: not process.reusable, "the process to notice")
    process.kill()


def test_a_killed_process_is_noticed(processes: WarmProcesses) -> None:
    process = processes.take()
    process._process.kill()
    with pytest.raises(ProcessEndedError):
        until(lambda: process.receive(wait=0.1), "a message")
    process.kill()
