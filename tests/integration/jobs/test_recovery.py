"""Whatever is killed, no job is lost, none is done twice, and the result is that of an undisturbed run."""

import random
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.jobs.scratch import sweep_scratch
from tests.integration.jobs.harness import SMALL, Json, Service, alive, check_events, same, service, until

#: Ten checkpoints are kept, so many of them come after a first one, however fast the machine is.
JOB = SMALL | {"epochs": 120}
STEPS = 12_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recovery")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Service]:
    temporary = folder / "tmp"
    temporary.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temporary))
        with service(folder) as running:
            yield running
            running.stop()
        # A worker does the same when it starts and every half minute; the last of the killed may have died since.
        patch.setattr(tempfile, "tempdir", str(temporary))
        sweep_scratch()
    assert not list(temporary.iterdir()), "nothing is left of the killed"


@pytest.fixture(scope="module")
def undisturbed(running: Service, folder: Path) -> dict[str, Any]:
    """Return what the job ends with when nobody disturbs it."""
    return running.result(running.wait(running.submit(**JOB), "succeeded"), folder / "data")


def _moments(running: Service, job: Json) -> Iterator[Callable[[], bool]]:
    """Yield conditions of the moments to kill: at random before its first steps, compiling, and at two random steps."""
    random_numbers = random.Random(0)
    deadline = time.monotonic() + random_numbers.uniform(0, 2)
    yield lambda: time.monotonic() > deadline or running.look(job)["step"] > 0
    last = running.events(job)[-1]["id"]
    yield lambda: any(event["data"].get("phase") == "compiling" for event in running.events(job, last))
    for part in (0.1, 0.4):
        goal = STEPS * (part + random_numbers.uniform(0, 0.3))

        def reached(goal: float = goal) -> bool:
            seen = running.look(job)
            return bool(seen["checkpoints"]) and seen["step"] >= goal

        yield reached


def _kill(kind: str, running: Service) -> None:
    if kind == "service":
        below = running.process.children(recursive=True)
        running.kill()
        until(partial(_none_alive, below), "the end of its processes")
        running.restart()
        return
    find = {"trainer": running.trainers, "worker": running.workers}[kind]
    found, trainers = until(find, f"a {kind}"), running.trainers()
    for process in found:
        process.kill()
    # Nobody goes on training without a worker beside the job that another one has taken up.
    until(partial(_none_alive, trainers), "the end of the training processes")


def _none_alive(processes: list[psutil.Process]) -> bool:
    return not alive(processes)


@pytest.mark.parametrize("kind", ["trainer", "worker", "service"])
def test_a_job_killed_four_times_ends_like_an_undisturbed_one(
    kind: str, running: Service, undisturbed: dict[str, Any], folder: Path
) -> None:
    job = running.submit(**JOB)
    for moment in _moments(running, job):
        until(moment, "the moment of the next kill")
        _kill(kind, running)
    seen = running.wait(job, "succeeded")
    assert seen["step"] == STEPS
    assert seen["recoveries"] > 0
    told = running.events(job)
    check_events(told, STEPS)
    states = [event["data"] for event in told if event["event"] == "state"]
    resumed = [state for state in states if state["status"] == "running" and 0 < state["step"] < STEPS]
    assert resumed, "no kill came after a first checkpoint"
    same(running.result(job, folder / "data"), undisturbed)
