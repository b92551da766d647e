"""Several services and workers on one PostgreSQL, and on machines that share nothing else."""

import io
import json
import signal
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from app.config import Settings
from app.jobs.record.database import connect
from tests.integration.jobs.harness import (
    SHORT,
    SMALL,
    Follower,
    Json,
    Program,
    Service,
    check_events,
    same,
    service,
    until,
)
from tests.integration.jobs.postgresql import PostgreSQL

STEPS = 3_000
JOB = SMALL | {"epochs": STEPS // 100}


@pytest.fixture
def database() -> Iterator[PostgreSQL]:
    # Not below pytest's folder: another pytest that starts would shut the server out of it.
    with tempfile.TemporaryDirectory(prefix="nobody-") as folder:
        server = PostgreSQL(Path(folder) / "postgresql")
        yield server
        server.stop()


def test_jobs_on_two_workers_of_which_one_freezes_and_one_dies(tmp_path: Path, database: PostgreSQL) -> None:
    shared = {"database_url": database.url, "concurrent_jobs": 2}
    with ExitStack() as stack:
        one, two = (stack.enter_context(service(tmp_path / name, **shared)) for name in ("one", "two"))
        workers = []
        for name, data in (("a", tmp_path / "a"), ("b", Path("/proc/none"))):  # workers need no folder
            worker = Program("worker", tmp_path / f"{name}.log", data=data, **shared)
            stack.callback(worker.end)
            workers.append(worker)
            worker.said("ready for 2 jobs")
        assert not one.workers(), "with a database to share, a service trains nothing"

        def submit(seeds: range) -> list[Json]:
            return [(one, two)[seed % 2].submit(**JOB | {"seed": seed}) for seed in seeds]

        def recovered(job: Json) -> bool:
            return bool(job["recoveries"]) and job["status"] == "running"

        jobs = submit(range(4))
        until(lambda: all(one.look(job)["status"] == "running" for job in jobs), "both workers to be busy")
        frozen, dying = workers
        frozen.process.send_signal(signal.SIGSTOP)
        dying.said("taking up the jobs of .*")
        until(lambda: any(map(recovered, map(two.look, jobs))), "work to go on")
        frozen.process.send_signal(signal.SIGCONT)
        jobs += submit(range(4, 8))
        frozen.said("was taken over by another worker")
        for process in until(lambda: frozen.descendants("app.jobs.trainer"), "its training processes"):
            process.kill()
        dying.kill()

        ends = [two.wait(job, "succeeded") for job in jobs]
        assert sum(job["recoveries"] for job in ends) >= 1
        alike = {}
        for job in jobs:
            seen = one.events(job)
            check_events(seen, STEPS)
            assert seen == two.events(job)
            states = [event["data"]["status"] for event in seen if event["event"] == "state"]
            assert states.count("succeeded") == 1
            alike[job["seed"]] = one.result(job, database)

        # A recovered job is the job that an undisturbed one would have been.
        again = one.submit(**JOB | {"seed": next(job["seed"] for job in ends if job["recoveries"])})
        one.wait(again, "succeeded")
        same(one.result(again, database), alike[again["seed"]])
        _check_results(two, again)
        frozen.stop()
        one.stop()
        two.stop()
    assert not [path for name in ("one", "two", "a") for path in (tmp_path / name).glob("**/jobs/*")], (
        "no machine keeps files of jobs"
    )


def _check_results(running: Service, job: Json) -> None:
    """Get everything of a job from a machine that shares no folder with its worker; fork it, and delete both."""
    small = SHORT | {"gen_shape": [2, 8, 2], "batch_size": 50}
    upload = {"data": ("own.csv", b"x,y\n" + b"1,2\n3,4\n" * 50)}
    own = running.client.post("/jobs", data={"job": json.dumps(small)}, files=upload)
    assert own.status_code == 202, own.text
    fork = running.client.post(f"/jobs/{job['id']}/fork", json={"step": job["steps"] - 300, "seed": 99})
    assert fork.status_code == 202, fork.text
    same_points = running.submit(**small | {"data": {"job": own.json()["id"]}})
    for one in (own.json(), fork.json(), same_points):
        seen = running.wait(one, "succeeded")
        for path in ("picture.png", "film", "weights", "samples?count=5&seed=1", "history", "script?format=curl"):
            answer = running.client.get(f"/jobs/{one['id']}/{path}")
            assert answer.status_code == 200, answer.text
        kinds = [event["data"].keys() for event in running.events(one) if event["event"] in ("data", "snapshot")]
        assert all("real" in data or "generated" in data for data in kinds), "with their pictures"
        assert seen["checkpoints"]
    files = [running.client.get(f"/jobs/{one['id']}/points").content for one in (own.json(), same_points)]
    assert files[0] == files[1]
    assert np.load(io.BytesIO(files[0])).shape == (100, 2)
    with zipfile.ZipFile(io.BytesIO(running.client.get(f"/jobs/{fork.json()['id']}/weights").content)) as archive:
        assert archive.testzip() is None
    for one in (own.json(), fork.json()):
        assert running.client.delete(f"/jobs/{one['id']}").status_code == 204
        assert running.client.get(f"/jobs/{one['id']}/points").status_code == 404


def test_an_outage_of_the_database(tmp_path: Path, database: PostgreSQL) -> None:
    shared = {"database_url": database.url, "data": tmp_path / "data"}
    body = JOB | {"epochs": 2 * JOB["epochs"]}
    with ExitStack() as stack:
        running = stack.enter_context(service(tmp_path / "one", **shared))
        worker = Program("worker", tmp_path / "worker.log", **shared)
        stack.callback(worker.end)
        job = running.submit(**body)
        until(lambda: running.look(job)["step"] > 0, "the first steps")
        follower = Follower(running, job)
        until(lambda: follower.connections, "the stream of events")

        database.stop()
        refused = running.client.get(f"/jobs/{job['id']}")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "database" in refused.json()["detail"]
        assert running.client.get("/sample").status_code == 200, "faces do not need it"
        worker.said("the database does not answer")
        database.start()

        seen = running.wait(job, "succeeded")
        assert seen["recoveries"] == 0, "training went on meanwhile"
        files = [name for name in database.files(job["id"]) if name.startswith("checkpoints/")]
        assert sorted(int(Path(name).stem.split("-")[0]) for name in files) == seen["checkpoints"], (
            "none of them is lost"
        )
        check_events(running.events(job), 2 * STEPS)
        assert [event["id"] for event in follower.end()] == [event["id"] for event in running.events(job)]
        assert follower.connections > 1, "the outage has ended the first stream"
        again = running.submit(**body)
        running.wait(again, "succeeded")
        same(running.result(again, database), running.result(job, database))
        worker.stop()
        running.stop()


def test_many_that_start_at_once_on_an_empty_database_wait_for_each_other(tmp_path: Path, database: PostgreSQL) -> None:
    settings = Settings(data=tmp_path, database_url=database.url)
    with ThreadPoolExecutor(4) as threads:
        for engine in threads.map(lambda _: connect(settings), range(4)):
            engine.dispose()
