"""Whatever is killed, no job is lost, none is done twice, and the result is that of an undisturbed run."""

import random
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from tests.integration.jobs.harness import ENDED, Json, Service, alive, check_events, same, service, until

JOB = {"model": "wgan_gp", "data": {"name": "ring8"}, "gen_shape": [2, 32, 32, 2], "batch_size": 100}
KILLS = 10
#: Of the job without its kills: long enough for a look at it to cost no great part of it, short enough for a test.
TRAINING_SECONDS = 12


class Undisturbed(NamedTuple):
    """A job, and what it ends with when nobody disturbs it."""

    job: Json
    result: dict[str, Any]

    @property
    def steps(self) -> int:
        """Training steps of the job."""
        return int(self.job["epochs"]) * 100


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("undisturbed")
    with service(folder) as running:
        short = running.wait(running.submit(**JOB, epochs=30), "succeeded")
        job = JOB | {"epochs": max(20, round(short["steps_per_second"] * TRAINING_SECONDS / 100))}
        seen = running.submit(**job)
        running.wait(seen, "succeeded")
        return Undisturbed(job, running.result(seen, folder / "data"))


def _let_run(running: Service, undisturbed: Undisturbed, job: Json, kill: int, moments: random.Random) -> None:
    """Let the job go on to the random moment of its next kill.

    A training process loads TensorFlow first. Every second kill waits for a moment of training, however long this
    machine takes to get there; the others come after a while, at any point of the start, and on a fast machine early
    enough that the job does not end before its last kill.
    """
    goal = undisturbed.steps * (kill + moments.random()) / (KILLS + 2)

    def reached() -> bool:
        return int(running.look(job)["step"]) >= goal

    if kill % 2:
        until(reached, f"step {goal:.0f}")
    else:
        deadline = time.monotonic() + moments.uniform(0, 6)
        while time.monotonic() < deadline and not reached():
            time.sleep(0.02)


def _check(running: Service, job: Json, undisturbed: Undisturbed, data: Path) -> None:
    seen = running.wait(job, "succeeded")
    assert seen["step"] == undisturbed.steps
    assert seen["recoveries"] > 0
    told = running.events(job)
    check_events(told, undisturbed.steps)
    states = [event["data"] for event in told if event["event"] == "state"]
    resumed = [state for state in states if state["status"] == "running" and 0 < state["step"] < undisturbed.steps]
    assert resumed, "no kill came after a first checkpoint"
    same(running.result(job, data), undisturbed.result)
    running.stop()


def _none_alive(processes: list[psutil.Process]) -> bool:
    return not alive(processes)


@pytest.mark.parametrize("kind", ["trainer", "worker"])
def test_kill_a_part(kind: str, tmp_path: Path, undisturbed: Undisturbed) -> None:
    moments = random.Random(0)
    with service(tmp_path) as running:
        job = running.submit(**undisturbed.job)
        find = {"trainer": running.trainers, "worker": running.workers}[kind]
        for kill in range(KILLS):
            found, trainers = until(find, f"a {kind}"), running.trainers()
            for process in found:
                process.kill()
            # Nobody goes on training without a worker beside the job that another one has taken up.
            until(partial(_none_alive, trainers), "the end of the training processes")
            if running.look(job)["status"] in ENDED:
                break  # a machine that has become faster
            _let_run(running, undisturbed, job, kill, moments)
        _check(running, job, undisturbed, tmp_path / "data")


def test_kill_the_service(tmp_path: Path, undisturbed: Undisturbed) -> None:
    moments = random.Random(0)
    with service(tmp_path) as running:
        job = running.submit(**undisturbed.job)
        for kill in range(KILLS):
            below = running.process.children(recursive=True)
            running.kill()
            # Nobody who trains outlives the service.
            until(partial(_none_alive, below), "the end of its processes")
            running.restart()
            if running.look(job)["status"] in ENDED:
                break  # a machine that has become faster
            _let_run(running, undisturbed, job, kill, moments)
        _check(running, job, undisturbed, tmp_path / "data")
