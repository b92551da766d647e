"""A service whose queue, files or database are lost goes on."""

import resource
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.jobs.harness import LONG, SHORT, Service, service, until


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lost")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Service]:
    with service(folder, concurrent_jobs=1) as running:
        yield running
        running.stop()


def test_a_restart_takes_up_jobs_that_the_queue_has_lost(running: Service, folder: Path) -> None:
    jobs_there = [running.submit(**LONG) for _ in range(3)]
    until(lambda: running.look(jobs_there[0])["step"] > 0, "the first steps")
    running.ask(jobs_there[2], "pause")
    running.stop()
    with closing(sqlite3.connect(folder / "data" / "jobs.sqlite")) as database, database:
        database.execute("DELETE FROM workflow_status")
        database.execute("UPDATE jobs SET state = 'cancelling' WHERE id = ?", (jobs_there[1]["id"],))
    running.restart()
    assert running.wait(jobs_there[1], "cancelled")["error"] is None
    step = running.look(jobs_there[0])["step"]
    until(lambda: running.look(jobs_there[0])["step"] > step, "more steps")
    assert running.look(jobs_there[2])["status"] == "paused"
    for job in (jobs_there[0], jobs_there[2]):
        running.ask(job, "cancel")
    for job in jobs_there:
        running.wait(job, "cancelled")
        assert running.client.delete(f"/jobs/{job['id']}").status_code == 204


def test_files_that_are_emptied_under_the_database(running: Service, folder: Path) -> None:
    done = running.submit(**SHORT)
    running.wait(done, "succeeded")
    points = {"points": [[0.1 * i, 0.5] for i in range(10)]}
    own = running.submit(**LONG | {"gen_shape": [2, 8, 2], "batch_size": 10}, data=points)
    until(lambda: running.look(own)["step"] > 0, "the first steps")
    running.ask(own, "pause")
    running.wait(own, "paused")
    shutil.rmtree(folder / "data" / "jobs")

    for what in ("picture.png", "film", "samples", "weights"):
        answer = running.client.get(f"/jobs/{done['id']}/{what}")
        assert (what, answer.status_code, "gone" in answer.json()["detail"]) == (what, 409, True)
    answer = running.client.post(f"/jobs/{done['id']}/fork", json={"epochs": 2})
    assert (answer.status_code, "gone" in answer.json()["detail"]) == (409, True)
    assert running.client.get(f"/jobs/{done['id']}/history").status_code == 200, "the record has them"
    assert len(running.events(done)) > 3
    assert running.look(done)["status"] == "succeeded"

    running.ask(own, "resume")
    assert "gone" in running.wait(own, "failed")["error"]
    new = running.submit(**SHORT)
    running.wait(new, "succeeded")
    for job in (done, own, new):
        assert running.client.delete(f"/jobs/{job['id']}").status_code == 204
    assert running.client.get("/jobs").json()["jobs"] == []


def test_a_full_disk_is_named(running: Service) -> None:
    """No file of the service grows, as if its disk or its quota were full."""
    client, body = running.client, SHORT | {"gen_shape": [2, 8, 2], "batch_size": 2}
    csv = {"data": ("points.csv", b"0.25,0.5\n" * 1_000)}
    before = client.get("/jobs").json()["jobs"]
    no_limits = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (0, no_limits[1]))
    try:
        answers = {
            "a job": client.post("/jobs", json=SHORT),
            "points": client.post("/jobs", json=body | {"data": {"name": "own", "points": [[0, 1], [1, 0]]}}),
            "an upload": client.post("/jobs/data", files=csv),
        }
        for what, answer in answers.items():
            assert (what, answer.status_code) == (what, 507)
            assert "the disk of the service is full" in answer.json()["detail"]
        assert client.get("/jobs").json()["jobs"] == before
        assert client.get("/sample?seed=1").status_code == 200
    finally:
        resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, no_limits)
    after = running.submit(**SHORT)
    running.ask(after, "cancel")
    running.wait(after, "cancelled", "succeeded")


@pytest.fixture(scope="module")
def emptied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("emptied")


@pytest.fixture(scope="module")
def bereft(emptied: Path) -> Iterator[Service]:
    """Yield a service whose files are deleted under it, so that it need not end in good order."""
    with service(emptied) as running:
        yield running


def _empty(folder: Path) -> None:
    """Delete what is in a folder: the database first, then folders, again where a process has just written to one."""
    for path in sorted(folder.iterdir(), key=Path.is_dir):
        if not path.is_dir():
            path.unlink(missing_ok=True)
        while path.exists():
            shutil.rmtree(path, ignore_errors=True)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_a_data_folder_that_is_emptied_under_the_service(busy: bool, bereft: Service, emptied: Path) -> None:
    job = bereft.submit(**LONG if busy else SHORT)
    if busy:
        until(lambda: bereft.look(job)["step"] > 0, "the first steps")
    else:
        bereft.wait(job, "succeeded")
    worker = bereft.workers()[0]
    _empty(emptied / "data")
    answer = until(
        lambda: (answer := bereft.client.get("/jobs")).status_code == 200 and answer,
        "a database to be there again",
    )
    assert answer.json()["jobs"] == []
    assert bereft.client.get(f"/jobs/{job['id']}").status_code == 404
    until(lambda: not worker.is_running(), "the worker of the old database to end")
    again = bereft.submit(**SHORT)
    bereft.wait(again, "succeeded")
    assert bereft.client.get(f"/jobs/{again['id']}/picture.png").status_code == 200
    assert not (emptied / "data" / "jobs" / job["id"]).exists()
    assert ": 500 after " not in bereft.log.read_text(), "no answer was a 500"
