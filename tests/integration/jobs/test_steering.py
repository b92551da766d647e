"""Cancel, pause, resume, fork, delete; and what a restart leaves of them."""

import io
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.jobs.file_names import snapshot_steps
from app.jobs.files import JobFiles
from app.jobs.plan import MOST_EXTRA_SNAPSHOTS
from tests.integration.jobs.harness import (
    LONG,
    SHORT,
    SMALL,
    Json,
    Service,
    alive,
    check_events,
    same,
    service,
    until,
)

CANCELS = 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("steering")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Service]:
    with service(folder) as running:
        yield running
        running.stop()


@pytest.fixture(scope="module")
def ended(running: Service) -> Json:
    """Return a job that has succeeded."""
    return running.wait(running.submit(**SHORT), "succeeded")


def _busy(running: Service) -> list[int]:
    """Return the training processes that use the processor."""
    return [process.pid for process in running.trainers() if process.cpu_percent(interval=0.3) > 20]


def test_ten_cancels(running: Service) -> None:
    moments = random.Random(1)
    jobs = []
    for i in range(CANCELS):
        job = running.submit(**LONG)
        jobs.append(job)
        if i % 5 == 0:
            running.wait(job, "running")
        time.sleep(moments.uniform(0, 0.8))
        assert running.ask(job, "cancel")["status"] in ("cancelling", "cancelled")
    for job in jobs:
        assert running.wait(job, "cancelled")["status"] == "cancelled"
        kinds = [event["data"]["status"] for event in running.events(job) if event["event"] == "state"]
        assert kinds[-1] == "cancelled"
    until(lambda: not _busy(running), "the training processes to rest")
    running.stop()
    running.restart()
    until(running.trainers, "the worker to be back")
    until(lambda: not _busy(running), "the training processes to rest")
    assert {running.look(job)["status"] for job in jobs} == {"cancelled"}


def test_cancelled_is_said_only_when_the_process_has_stopped(running: Service, folder: Path) -> None:
    job = running.submit(**LONG)
    until(lambda: running.look(job)["step"] > 0, "the first steps")
    assert running.ask(job, "cancel")["status"] == "cancelling"
    seen = running.wait(job, "cancelled")
    assert seen["step"] > 0
    # What was trained until then is kept.
    assert seen["checkpoints"][-1] == seen["step"]
    assert running.client.get(f"/jobs/{job['id']}/weights").status_code == 200
    assert running.client.get(f"/jobs/{job['id']}/history").json()["losses"].keys() >= {"discr_loss", "gen_loss"}
    again = running.client.post(f"/jobs/{job['id']}/cancel")
    assert again.status_code == 202, "asking again changes nothing"


def test_a_paused_job_is_trained_by_single_steps(running: Service, folder: Path) -> None:
    unbroken = running.submit(**SMALL | {"epochs": 50})
    job = running.submit(**SMALL | {"epochs": 50})
    until(lambda: running.look(job)["step"] > MOST_EXTRA_SNAPSHOTS, "the first steps")
    running.ask(job, "pause")
    at = running.wait(job, "paused")["step"]
    files = JobFiles(folder / "data", job["id"])
    halves_before = [files.snapshot(step, half=True) for step in range(MOST_EXTRA_SNAPSHOTS)]
    for path in halves_before:  # as if it had been trained by half steps until then
        path.write_bytes(files.snapshot(0).read_bytes())
    for body, expected, half in (
        ({}, at + 1, False),
        ({"half": True}, at + 1, True),
        ({"half": True}, at + 2, False),
        ({"half": True}, at + 2, True),
        ({"steps": 7}, at + 9, False),
    ):
        answer = running.client.post(f"/jobs/{job['id']}/step", json=body)
        assert answer.status_code == 202, answer.text
        seen = running.wait(job, "paused")
        assert (seen["step"], seen["half"], seen["checkpoints"][-1]) == (expected, half, expected)
    # Snapshots beyond the plan make way for newer ones; of these six, one may be in the plan.
    assert [path.exists() for path in halves_before[:7]] in ([False] * 6 + [True], [False] * 5 + [True] * 2)
    assert {0, at + 1, at + 2, at + 9} <= set(snapshot_steps(files.names()))
    halves = [event["data"] for event in running.events(job) if event["data"].get("half")]
    assert [data["step"] for data in halves] == [at + 1, at + 2]
    assert all(np.shape(data["scores"]) == (40, 40) for data in halves)

    refused = running.client.post(f"/jobs/{job['id']}/step", json={"half": True, "steps": 2})
    assert (refused.status_code, refused.json()["detail"]) == (422, "body: expected steps 1 or none with half, got 2")
    running.ask(job, "resume")
    assert running.client.post(f"/jobs/{job['id']}/step", json={}).status_code == 409
    for one in (job, unbroken):
        running.wait(one, "succeeded")
    same(running.result(job, folder / "data"), running.result(unbroken, folder / "data"))


def test_a_process_that_ignores_the_request_is_killed(running: Service) -> None:
    job = running.submit(**LONG)
    until(lambda: running.look(job)["step"] > 0, "the first steps")
    deaf = running.trainers()
    for process in deaf:
        process.suspend()  # SIGTERM does not reach it
    running.ask(job, "cancel")
    running.wait(job, "cancelled")
    left = alive(deaf)
    assert len(left) < len(deaf), "the job is said to be cancelled while its process is there"
    for process in left:  # an idle one, which takes the next job
        process.resume()


def test_paused_and_resumed_ends_like_unbroken(running: Service, folder: Path) -> None:
    body = SMALL | {"epochs": 50}
    unbroken = running.submit(**body)
    running.wait(unbroken, "succeeded")
    job = running.submit(**body)
    for _ in range(3):
        until(lambda: running.look(job)["step"] > 0, "the first steps")
        running.ask(job, "pause")
        seen = running.wait(job, "paused", "succeeded")
        if seen["status"] == "succeeded":
            break
        assert seen["checkpoints"][-1] == seen["step"]
        running.ask(job, "resume")
    running.wait(job, "succeeded")
    check_events(running.events(job), 5_000)
    same(running.result(job, folder / "data"), running.result(unbroken, folder / "data"))


def test_a_paused_job_waits_through_a_restart(running: Service, folder: Path) -> None:
    job = running.submit(**LONG)
    until(lambda: running.look(job)["step"] > 0, "the first steps")
    running.ask(job, "pause")
    paused = running.wait(job, "paused")
    other = running.submit(**LONG)
    until(lambda: running.look(other)["step"] > 0, "the first steps")
    running.stop()
    # What ran when the service ended has gone back to the queue, saved.
    with closing(sqlite3.connect(folder / "data" / "jobs.sqlite")) as database:
        states = dict(database.execute("SELECT id, state FROM jobs WHERE id IN (?, ?)", (job["id"], other["id"])))
    assert states == {job["id"]: "paused", other["id"]: "queued"}
    running.restart()
    until(lambda: running.look(other)["status"] == "running", "the other job to go on")
    assert running.look(job) == paused
    assert running.look(other)["recoveries"] == 0
    running.ask(other, "cancel")
    running.wait(other, "cancelled")
    running.ask(job, "resume")
    until(lambda: running.look(job)["step"] > paused["step"], "more steps")
    running.ask(job, "cancel")
    running.wait(job, "cancelled")


def test_fork(running: Service, folder: Path) -> None:
    body = SMALL | {"model": "wgan_gp", "steps_per_epoch": 2}
    parent = running.submit(**body, epochs=10)
    running.wait(parent, "succeeded")

    # With nothing changed but the length, a fork does what the parent would have done.
    longer = running.submit(**body, epochs=15)
    running.wait(longer, "succeeded")
    answer = running.client.post(f"/jobs/{parent['id']}/fork", json={"step": 12, "epochs": 15, "name": "longer"})
    assert answer.status_code == 202, answer.text
    fork: Json = running.wait(answer.json(), "succeeded")
    assert fork["parent"] == {"id": parent["id"], "step": 12}
    assert (fork["first_step"], fork["step"], fork["name"]) == (12, 30, "longer")
    ours, theirs = (running.result(job, folder / "data") for job in (fork, longer))
    same(ours, {name: values[12:] if name.startswith("losses/") else values for name, values in theirs.items()})
    history = running.client.get(f"/jobs/{fork['id']}/history?format=csv").text.splitlines()
    assert history[0] == "step,discr_loss,gen_loss,gp"
    assert history[1].startswith("13,")

    changed = running.client.post(f"/jobs/{parent['id']}/fork", json={"step": 12, "learning_rate": 1e-6})
    quiet = running.wait(changed.json(), "succeeded")
    assert quiet["learning_rate"] == 1e-6
    before = running.client.get(f"/jobs/{quiet['id']}/picture.png", params={"step": 12})
    assert before.status_code == 200
    film = running.client.get(f"/jobs/{quiet['id']}/film", params={"format": "webp", "size": 300})
    assert (film.status_code, film.headers["content-type"]) == (200, "image/webp")
    with Image.open(io.BytesIO(film.content)) as frames:
        assert frames.n_frames == 9  # type: ignore[attr-defined]

    for change, word in (
        ({"step": 13}, "12"),
        ({"step": 20}, "more steps"),
        ({"gen_shape": [2, 9, 5]}, "gen_shape"),
    ):
        refused = running.client.post(f"/jobs/{parent['id']}/fork", json=change)
        assert refused.status_code in (409, 422)
        assert word in refused.json()["detail"]


def test_a_fork_repeated_under_its_key_is_the_same_job(running: Service, ended: Json) -> None:
    first, again = (
        running.client.post(f"/jobs/{ended['id']}/fork", json={"epochs": 2}, headers={"Idempotency-Key": "fork"})
        for _ in range(2)
    )
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    running.wait(first.json(), "succeeded")


def test_resumed_while_it_is_pausing_a_job_goes_on(running: Service) -> None:
    job = running.submit(**LONG)
    until(lambda: running.look(job)["step"] > 0, "the first steps")
    for _ in range(3):
        running.ask(job, "pause")
        running.ask(job, "resume")
    step = running.look(job)["step"]
    until(lambda: running.look(job)["step"] > step, "more steps")
    running.ask(job, "cancel")
    running.wait(job, "cancelled")


def test_delete(running: Service, folder: Path) -> None:
    job = running.submit(**LONG)
    refused = running.client.delete(f"/jobs/{job['id']}")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("the job is ")
    running.ask(job, "cancel")
    running.wait(job, "cancelled")
    assert running.client.delete(f"/jobs/{job['id']}").status_code == 204
    assert running.client.get(f"/jobs/{job['id']}").status_code == 404
    assert running.client.get(f"/jobs/{job['id']}/events").status_code == 404
    assert not (folder / "data" / "jobs" / job["id"]).exists()


def _deleted(running: Service, job: Json) -> bool:
    return running.client.delete(f"/jobs/{job['id']}").status_code == 204


def test_deleted_in_the_moment_of_its_end_a_job_disturbs_nobody(running: Service) -> None:
    for _ in range(10):
        job = running.submit(**SHORT)
        until(partial(_deleted, running, job), "its end")
    # The end of the service looks into the log.


@pytest.mark.parametrize("wish", ["pause", "resume", "cancel"])
def test_illegal_transitions_name_the_state(wish: str, running: Service, ended: Json) -> None:
    answer = running.client.post(f"/jobs/{ended['id']}/{wish}")
    assert answer.status_code == 409
    assert "succeeded" in answer.json()["detail"]


def test_nobody_else_on_the_machine_can_read_the_jobs(running: Service, ended: Json, folder: Path) -> None:
    files = [path for path in folder.rglob("*") if ended["id"] in str(path) or path.suffix == ".sqlite"]
    assert len(files) > 10
    assert [path for path in files if path.stat().st_mode & 0o077] == []
