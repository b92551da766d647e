"""The topology of compose.yaml as processes: PostgreSQL, two services, two workers, and Debian's nginx before them.

While clients ask for faces, and one follows a job, the database crashes, a worker is killed, and every other process is
started anew.
"""

import contextlib
import http.client
import io
import itertools
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.conftest import PATIENCE, ROOT
from tests.integration.jobs.harness import SMALL, Json, Program, check_events, json_lines, until
from tests.integration.jobs.postgresql import PostgreSQL, free_port
from tests.integration.nginx import Nginx

STEPS = 4_000
JOB = SMALL | {"epochs": STEPS // 100, "seed": 7}
KEY = {"Authorization": f"Bearer {'k' * 43}"}
#: Seconds between two faces for the same client: the processor has other work, too.
_PAUSE = 0.04


class Topology:
    """All processes, and what a client does through nginx."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        database = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nobody-")))  # see test_shared
        self.database = PostgreSQL(database / "postgresql")
        stack.callback(self.database.stop)

        def start(command: str, name: str, **settings: object) -> Program:
            shared = {"database_url": self.database.url, "concurrent_jobs": 1, "data": folder / name}
            program = Program(command, folder / f"{name}.log", **shared, **settings)
            stack.callback(program.end)
            return program

        serving = {"trusted_proxies": "127.0.0.1", "api_keys": f"ada={'k' * 43}", "job_calls_per_minute": 0}
        self.services, here = [], {}
        for name in ("serve-1", "serve-2"):
            port = free_port()
            here[f"{name}:8000"] = f"127.0.0.1:{port}"
            self.services.append(start("serve", name, port=port, **serving))
        self.workers = [start("worker", name) for name in ("worker-1", "worker-2")]
        port = free_port()
        here["listen 8080;"] = f"listen 127.0.0.1:{port};"
        self.nginx = Nginx(folder, (ROOT / "docs" / "deploy" / "nginx.conf").read_text(), here)
        stack.callback(self.nginx.end)
        for program in (*self.services, *self.workers):
            ready(program)
        self.place, self.address = ("127.0.0.1", port), f"http://127.0.0.1:{port}"
        self.client = stack.enter_context(httpx.Client(base_url=self.address, headers=KEY, timeout=PATIENCE))
        until(self._answers, "nginx")

    def _answers(self) -> bool:
        self.nginx.check()
        with contextlib.suppress(httpx.ConnectError):
            return self.client.get("/readyz").status_code == 200
        return False

    def submit(self, key: str) -> str:
        """Submit a job, as often as it takes."""

        def accepted() -> httpx.Response | None:
            answer = self.client.post("/jobs", json=JOB, headers={"Idempotency-Key": key})
            assert answer.status_code in (202, 502, 503), answer.text
            return answer if answer.status_code == 202 else None

        return str(until(accepted, "a job to be accepted").json()["id"])

    def end_of(self, job: str) -> Json:
        """Wait for the end of a job, and return it."""

        def ended() -> Json | None:
            answer = self.client.get(f"/jobs/{job}")
            assert answer.status_code in (200, 503), answer.text
            seen: Json = answer.json()
            return seen if answer.status_code == 200 and seen["ended"] else None

        seen: Json = until(ended, f"the end of the job {job}")
        return seen

    def trains(self, worker: Program) -> bool:
        """Return whether a worker is in the middle of a job."""
        name = worker.said(r"worker \S+: ready").split()[1].rstrip(":")
        query = "SELECT count(*) FROM jobs WHERE executor = %s AND state = 'running' AND step > 0"
        with psycopg.connect(self.database.url) as connection:
            counted = connection.execute(query, [name]).fetchone()
        return bool(counted and counted[0])

    def results(self, job: str) -> dict[str, bytes]:
        """Return what a training has made: losses, points, networks."""
        parts = ("history?format=csv", "samples?count=200&seed=1&format=npy", "weights")
        found = {part: self.client.get(f"/jobs/{job}/{part}").raise_for_status().content for part in parts}
        with zipfile.ZipFile(io.BytesIO(found.pop("weights"))) as files:
            return found | {name: files.read(name) for name in files.namelist() if name != "job.json"}


class Visitors:
    """Clients that ask for faces without a pause, over new connections, and want the same bytes for the same seed."""

    def __init__(self, place: tuple[str, int]) -> None:
        self._place = place
        self._end = threading.Event()
        self._seen: dict[int, bytes] = {}
        self.faces = 0
        self.failed: list[str] = []
        self._threads = [threading.Thread(target=self._visit) for _ in range(2)]

    def __enter__(self) -> "Visitors":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _visit(self) -> None:
        for seed in itertools.cycle(range(50)):
            if self._end.wait(_PAUSE):
                return
            try:
                self._ask(seed)
            except (OSError, http.client.HTTPException) as error:
                self.failed.append(repr(error))

    def _ask(self, seed: int) -> None:
        connection = http.client.HTTPConnection(*self._place, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", f"/sample?seed={seed}")
            answer = connection.getresponse()
            face = answer.read()
        self.faces += 1
        if answer.status != 200 or self._seen.setdefault(seed, face) != face:
            self.failed.append(f"{answer.status} {face[:300]!r}")


class Follower(threading.Thread):
    """Somebody who follows a job to its end, and connects again where the stream breaks off."""

    def __init__(self, address: str, job: str) -> None:
        super().__init__(daemon=True)
        self.events: list[Json] = []
        self._url = f"{address}/jobs/{job}/events"
        self.start()

    def run(self) -> None:
        """Follow it."""
        until(self._has_ended, "the end of the events")

    def _has_ended(self) -> bool:
        headers = KEY | ({"Last-Event-ID": str(self.events[-1]["id"])} if self.events else {})
        text = ""
        with (
            contextlib.suppress(httpx.TransportError),
            httpx.stream("GET", self._url, headers=headers, timeout=PATIENCE) as stream,
        ):
            if stream.status_code != 200:
                return stream.status_code == 204
            for piece in stream.iter_text():
                text += piece
        self.events += json_lines(text.rpartition("\n\n")[0])
        return False


def ready(program: Program) -> None:
    """Wait until a service or a worker can work."""
    program.said(r"Uvicorn running on|ready for 1 jobs")


def restart(program: Program) -> None:
    """Start a service or a worker anew, as an operator does."""
    program.stop()
    program.start()
    ready(program)


@pytest.fixture
def topology(tmp_path: Path) -> Iterator[Topology]:
    with ExitStack() as stack:
        yield Topology(tmp_path, stack)


def test_no_face_fails_and_no_job_is_lost_or_done_twice(topology: Topology) -> None:
    rolling, dying = topology.workers
    jobs: dict[str, str] = {}
    followers = []

    def submit(*keys: str) -> None:
        for key in keys:
            jobs[key] = topology.submit(key)
            followers.append(Follower(topology.address, jobs[key]))

    with Visitors(topology.place) as visitors:
        submit("one", "two")
        until(lambda: all(map(topology.trains, topology.workers)), "both workers to train")

        topology.database.stop()
        refused = topology.client.post("/jobs", json=JOB, headers={"Idempotency-Key": "three"})
        assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
        topology.database.start()
        submit("three")

        restart(rolling)
        submit("four", "five")  # so that there is one for each of the workers
        until(lambda: topology.trains(dying), "a job to lose")
        dying.kill()
        dying.start()
        for service in topology.services:
            restart(service)
        topology.nginx.reload()
        ready(dying)
        ends = [topology.end_of(job) for job in jobs.values()]
        for follower in followers:
            follower.join()
    assert visitors.faces > 100
    assert not visitors.failed, visitors.failed[:3]

    assert [end["status"] for end in ends] == ["succeeded"] * 5
    for follower in followers:
        check_events(follower.events, STEPS)
    assert {key: topology.submit(key) for key in jobs} == jobs, "whoever asks again gets the same jobs"
    assert {job["id"] for job in topology.client.get("/jobs").json()["jobs"]} == set(jobs.values())
    undisturbed = topology.submit("undisturbed")
    topology.end_of(undisturbed)
    results = topology.results(undisturbed)
    for job in jobs.values():
        assert topology.results(job) == results
    for program in (*topology.workers, *topology.services):
        program.stop()
