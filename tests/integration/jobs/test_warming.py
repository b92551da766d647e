"""Idle training processes compile what jobs to come are likely to need."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.config import Settings
from app.jobs.limits import specify
from app.jobs.record.database import connect
from app.jobs.record.leases import LeaseStore
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore
from app.jobs.record.tables import jobs
from app.jobs.record.values import NewJob
from app.jobs.specification import JobRequest, Specification
from app.jobs.worker import warming
from app.jobs.worker.processes import WarmProcesses
from app.jobs.worker.supervisor import JobSupervisor
from app.jobs.worker.warming import Warming, wanted_architectures
from models.presets import ToySettings
from tests.integration.jobs.harness import SHORT, Json, until

OTHER = SHORT | {"batch_size": 999}
#: Nobody can build these networks.
IMPOSSIBLE = ToySettings(model="wgan_gp", gen_shape=(0, 0, 0), epochs=1).architecture


class Worker:
    """What a worker has, from its start to its end."""

    def __init__(self, data: Path, architectures: int = 3) -> None:
        self.settings = Settings(data=data, warm_architectures=architectures)
        self.engine = connect(self.settings)
        self.queue = Queue(self.engine)
        self.store = JobStore(self.engine, self.queue, max_queued=100)
        self.processes = WarmProcesses(1)
        self.processes.warm()
        self.warming = Warming(self.store, self.processes, self.settings)

    def submit(self, body: Json) -> str:
        job_id = f"{len(self.store.page((), 100)):016}"
        self.store.submit(job_id, NewJob(_specification(body), None, {}, job_id))
        return job_id

    def train(self, job_id: str) -> list[str]:
        """Train a job and return its phases."""
        leases = LeaseStore(self.engine, self.queue, "me")
        JobSupervisor(leases, self.processes, self.settings, threading.Event()).run(job_id, 1)
        job = self.store.get(job_id)
        assert job["state"] == "succeeded", job["error"]
        return [event.data["phase"] for event in self.store.events_after(job, 0) if event.kind == "phase"]

    def compile_ahead(self, *architectures: ToySettings) -> None:
        """Let the waiting process compile the architectures, and wait for it."""
        (process,) = self.processes._waiting

        def is_done() -> bool:
            if architectures:
                self.processes.compile_ahead(architectures)
            else:
                self.warming.go_on()
            return process.compiled.issuperset(architectures or wanted_architectures(self.store, self.settings))

        until(is_done, "the training steps to be compiled")

    def end(self) -> None:
        self.processes.close()
        self.queue.close()
        self.engine.dispose()


def _specification(body: Json) -> Specification:
    return specify(JobRequest.model_validate(body), None, Settings())


def _architecture(body: Json) -> ToySettings:
    return _specification(body).settings.architecture


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path)
    yield worker
    worker.end()


def test_what_was_asked_for_lately_comes_first(worker: Worker) -> None:
    exercise = wanted_architectures(worker.store, worker.settings)
    assert [one.gen_shape for one in exercise] == [(1, 10, 10, 2)] * 3
    assert {one.model for one in exercise} == {"simple_gan", "wgan_clip", "wgan_gp"}
    for body in (SHORT, OTHER, SHORT | {"learning_rate": 0.1, "seed": 3, "epochs": 7}):
        worker.submit(body)
    wanted = wanted_architectures(worker.store, worker.settings)
    assert wanted == [_architecture(SHORT), _architecture(OTHER), exercise[0]]
    assert len(wanted_architectures(worker.store, Settings(warm_architectures=16))) == 2 + 9
    assert wanted_architectures(worker.store, Settings(warm_architectures=0)) == []


def test_what_cannot_be_compiled_is_not_asked_for(worker: Worker) -> None:
    """Damaged jobs, those above limits that were lowered, and networks that take too much memory to be kept."""
    damaged = worker.submit(SHORT)
    worker.submit({"model": "wgan_gp", "gen_shape": [2, 1_000, 1_000, 2], "data": {"name": "circle"}})
    worker.submit(SHORT | {"gen_shape": [2, 65, 5]})
    with worker.engine.begin() as connection:
        broken = {"model": ["wgan_gp"], "gen_shape": 5}
        connection.execute(sa.update(jobs).where(jobs.c.id == damaged).values(specification=broken))
    lowered = Settings(warm_architectures=1, max_width=64)
    assert [one.gen_shape for one in wanted_architectures(worker.store, lowered)] == [(1, 10, 10, 2)]


def test_after_a_restart_the_last_architecture_is_compiled_before_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Worker(tmp_path)
    assert first.train(first.submit(OTHER)) == ["compiling", "training"]
    first.warming.go_on()
    assert not first.processes._waiting[0].is_warming, "there was a job just now"
    first.end()
    monkeypatch.setattr(warming, "_QUIET_SECONDS", 0.0)
    second = Worker(tmp_path, architectures=1)
    second.compile_ahead()
    assert second.train(second.submit(OTHER | {"learning_rate": 0.1})) == ["training"]
    assert second.train(second.submit(SHORT)) == ["compiling", "training"]
    second.end()


def test_a_failed_attempt_disturbs_nothing(worker: Worker) -> None:
    (process,) = worker.processes._waiting
    worker.compile_ahead(IMPOSSIBLE, _architecture(SHORT))
    assert worker.train(worker.submit(SHORT)) == ["training"]
    assert worker.processes._waiting == [process]


def test_a_job_gets_the_process_that_has_compiled_for_it(worker: Worker) -> None:
    processes = WarmProcesses(2)
    compiled, other = processes.take(), processes.take()
    compiled.compiled.add(_architecture(SHORT))
    for process in (compiled, other):
        processes.give_back(process)
    assert processes.take(_architecture(SHORT)) is compiled
    processes.give_back(compiled)
    compiled.is_warming = True
    assert processes.take(_architecture(OTHER)) is other
    processes.give_back(other)
    processes.close()
