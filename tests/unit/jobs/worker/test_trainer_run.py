"""Which checkpoints a worker brings to the database, by what that costs."""

import contextlib
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.jobs.checkpoint_pace import CheckpointPace
from app.jobs.files import JobFiles
from app.jobs.limits import specify
from app.jobs.record.leases import FinalState
from app.jobs.record.publications import Lease, Publication
from app.jobs.specification import JobRequest
from app.jobs.states import State
from app.jobs.trainer.messages import Checkpoint, Done, Message
from app.jobs.worker import trainer_run
from app.jobs.worker.trainer_run import TrainerRun


class Machine:
    """A training process, a database and a clock: the process says something at a second, uploads take some."""

    def __init__(self, said: dict[int, Message], cost: float) -> None:
        self._said = iter(said.items())
        self._cost = cost
        self.now = 0.0
        self.uploaded: list[str] = []

    def train(self, *_: object) -> None: ...

    def memory(self) -> int:
        return 0

    def receive(self, wait: float) -> list[Message]:
        at, message = next(self._said)
        self.now = max(self.now, float(at))
        return [message]

    def publish(self, _lease: Lease, publication: Publication, _final: FinalState | None) -> State:
        if "checkpoint" in publication.values:
            assert all(path.exists() for path in publication.files.values())
            self.uploaded.append(publication.values["checkpoint"])
            self.now += self._cost
        return State.RUNNING

    def refresh(self, _lease: Lease) -> None: ...


def _uploaded(
    cost: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str | None
) -> tuple[list[str], list[str]]:
    """Return the steps of the checkpoints that are published, and of those whose files are left on the disk."""
    times = [2, 4, 6, 8, 20, 22, 41, 43, 44]
    said: dict[int, Message] = {at: Checkpoint(at, f"{at}-1.npz", at in (8, 43)) for at in times}
    said |= {45: Checkpoint(44, "44-1.npz", False, last=True), 46: Done(False, "weights-1", 44)}  # the same once more
    machine = Machine(said, cost)
    files = JobFiles(tmp_path, "job")
    for at in times:
        files.checkpoint(f"{at}-1.npz").parent.mkdir(parents=True, exist_ok=True)
        files.checkpoint(f"{at}-1.npz").touch()

    @contextlib.contextmanager
    def workplace(*_: object) -> Iterator[JobFiles]:
        yield files

    monkeypatch.setattr(trainer_run, "workplace", workplace)
    monkeypatch.setattr(trainer_run, "CheckpointPace", partial(CheckpointPace, clock=lambda: machine.now))
    specification = specify(JobRequest(model="simple_gan"), None, Settings())
    nothing: dict[str, Any] = {"pause_at": None, "checkpoint": None, "half": False, "warnings": {}, "kept": set()}
    nothing |= dict.fromkeys(["number", "revision", "first_step", "step", "checkpoint_step", "seconds", "stalls"], 0)
    lease = Lease(
        job_id="job",
        run=1,
        attempt=1,
        specification=specification,
        state=State.RUNNING,
        snapshot=-1,
        **nothing,
    )
    settings = Settings(data=tmp_path, database_url=url)
    leases: Any = machine
    TrainerRun(lease, leases, leases, settings, threading.Event()).run()
    return [file.split("-")[0] for file in machine.uploaded], sorted(path.stem for path in tmp_path.rglob("*.npz"))


@pytest.mark.parametrize(
    ("cost", "steps"),
    [
        (0.0, "2 4 6 8 20 22 41 43 44 44"),
        (0.04, "2 4 6 8 20 22 41 43 44 44"),  # a pause of 0.76 seconds
        (0.15, "2 6 8 20 41 43 44"),  # of 2.85
        (0.65, "2 8 22 41 43 44"),  # of 12.35
        (1.0, "2 8 41 43 44"),  # of 19; those to fork from and the last one are always brought
    ],
)
def test_a_checkpoint_is_left_out_that_would_take_more_than_a_twentieth_of_the_time(
    cost: float, steps: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploaded, left = _uploaded(cost, tmp_path, monkeypatch, "postgresql://x@127.0.0.1:1/x")
    assert uploaded == steps.split()
    assert left == ["44-1"], "what the database has, or shall not have, goes from the disk, but for the newest"


def test_with_sqlite_all_are_published_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploaded, left = _uploaded(60.0, tmp_path, monkeypatch, None)
    assert uploaded == ["2", "4", "6", "8", "20", "22", "41", "43", "44", "44"]
    assert left == ["43-1", "44-1", "8-1"], "those to fork from, and the newest"
