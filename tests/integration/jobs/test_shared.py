"""Several services and workers on one PostgreSQL."""

import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.config import Settings
from app.jobs.record.database import connect
from tests.integration.jobs.harness import SMALL, Follower, Json, Program, check_events, same, service, until
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
    shared = {"database_url": database.url, "data": tmp_path / "data", "concurrent_jobs": 2}
    with ExitStack() as stack:
        one, two = (stack.enter_context(service(tmp_path / name, **shared)) for name in ("one", "two"))
        workers = []
        for name in ("a", "b"):
            worker = Program("worker", tmp_path / f"{name}.log", **shared)
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
            alike[job["seed"]] = one.result(job, tmp_path / "data")

        # A recovered job is the job that an undisturbed one would have been.
        again = one.submit(**JOB | {"seed": next(job["seed"] for job in ends if job["recoveries"])})
        one.wait(again, "succeeded")
        same(one.result(again, tmp_path / "data"), alike[again["seed"]])
        frozen.stop()
        one.stop()
        two.stop()


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
        files = (tmp_path / "data" / "jobs" / job["id"] / "checkpoints").iterdir()
        assert sorted(int(file.name.partition("-")[0]) for file in files) == seen["checkpoints"], "none of them is lost"
        check_events(running.events(job), 2 * STEPS)
        assert [event["id"] for event in follower.end()] == [event["id"] for event in running.events(job)]
        assert follower.connections > 1, "the outage has ended the first stream"
        again = running.submit(**body)
        running.wait(again, "succeeded")
        same(running.result(again, tmp_path / "data"), running.result(job, tmp_path / "data"))
        worker.stop()
        running.stop()


def test_many_that_start_at_once_on_an_empty_database_wait_for_each_other(tmp_path: Path, database: PostgreSQL) -> None:
    settings = Settings(data=tmp_path, database_url=database.url)
    with ThreadPoolExecutor(4) as threads:
        for engine in threads.map(lambda _: connect(settings), range(4)):
            engine.dispose()
