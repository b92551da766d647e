"""The real service with its real worker and training processes, and the means to kill any of them."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from tests.conftest import PATIENCE, ROOT
from tests.integration.jobs.postgresql import PostgreSQL

NOBODY = Path(sys.executable).with_name("nobody")

ENDED = ("succeeded", "failed", "cancelled")

#: Of all jobs one of the fastest to compile, for tests to which networks do not matter; compiled once by each process.
SMALL: dict[str, Any] = {"model": "simple_gan", "gen_shape": [2, 8, 5], "disc_iter": 1, "batch_size": 1_000}
#: One that ends at once, and the longest allowed: longer than anybody waits here, so that what goes on is not mistaken
#: for what has ended.
SHORT = SMALL | {"epochs": 1, "steps_per_epoch": 1}
LONG = SMALL | {"epochs": 10_000}

Json = dict[str, Any]


def until(condition: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait for something to become true, and return it; what takes long is looked at less often."""
    started = time.monotonic()
    while not (found := condition()):
        waited = time.monotonic() - started
        assert waited < patience, f"waited {patience:g} s for {what}"
        time.sleep(0.02 + waited / 50)
    return found


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run; one that is dead and not yet buried does not."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


class Program:
    """One ``nobody`` command as a real process; its log is a file."""

    def __init__(
        self, command: str, log: Path, /, *, cwd: Any = ROOT, program: Any = NOBODY, **settings: object
    ) -> None:
        self.log = log
        self._command = command
        self._program = program
        self._cwd = cwd
        self._environment = os.environ | {f"NOBODY_{name.upper()}": str(value) for name, value in settings.items()}
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        self._since = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("a") as output:
            self.process = psutil.Popen(
                [self._program, self._command],
                cwd=self._cwd,
                env=self._environment,
                stderr=output,
                stdout=output,
                text=True,
            )

    def said(self, pattern: str) -> str:
        """Wait until the log of this start matches, and return what did."""

        def look() -> re.Match[str] | None:
            assert self.process.poll() is None, self.log.read_text()
            return re.search(pattern, self.log.read_text()[self._since :])

        match: re.Match[str] = until(look, f"{pattern!r} in the log of {self._command}")
        return match[0]

    def descendants(self, word: str) -> list[psutil.Process]:
        """Return the living processes below this one whose command has the word."""
        found = []
        for process in self.process.children(recursive=True):
            try:
                if word in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as an operator does; nobody may be left, and nothing may have gone wrong."""
        below = self.process.children(recursive=True)
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=PATIENCE) in (0, -signal.SIGTERM)  # uvicorn repeats the signal
        assert not alive(below)
        log = self.log.read_text()
        assert "Traceback" not in log, log

    def end(self) -> None:
        """Leave nothing behind, whatever has happened."""
        if self.process.poll() is None:
            left = self.process.children(recursive=True)
            self.process.kill()
            self.process.wait()
            for process in left:
                try:
                    process.kill()
                except psutil.NoSuchProcess:
                    continue


class Service(Program):
    """``nobody serve`` on a port of its own, and a client of it."""

    def __init__(self, log: Path, /, *, cwd: Any = ROOT, program: Any = NOBODY, **settings: object) -> None:
        super().__init__("serve", log, cwd=cwd, program=program, port=0, **settings)
        self.connect()

    def connect(self) -> None:
        """Wait until it listens."""
        self.address = self.said(r"http://127\.0\.0\.1:\d+")
        self.client = httpx.Client(base_url=self.address, timeout=PATIENCE)

    def restart(self) -> None:
        """Start it again after its end."""
        self.client.close()
        self.start()
        self.connect()

    def end(self) -> None:
        """Leave nothing behind, whatever has happened."""
        self.client.close()
        super().end()

    def workers(self) -> list[psutil.Process]:
        """Return the embedded worker, if it runs."""
        return self.descendants("worker")

    def trainers(self) -> list[psutil.Process]:
        """Return the training processes, warm or busy."""
        return self.descendants("app.jobs.trainer")

    def submit(self, **body: object) -> Json:
        """Submit a job."""
        answer = self.client.post("/jobs", json={"model": "wgan_gp", "seed": 7} | body)
        assert answer.status_code == 202, answer.text
        job: Json = answer.json()
        assert answer.headers["location"] == f"/jobs/{job['id']}"
        return job

    def ask(self, job: Json, wish: str) -> Json:
        """Cancel, pause or resume."""
        answer = self.client.post(f"/jobs/{job['id']}/{wish}")
        assert answer.status_code == 202, answer.text
        seen: Json = answer.json()
        return seen

    def look(self, job: Json) -> Json:
        """Return the job as it is now."""
        answer = self.client.get(f"/jobs/{job['id']}")
        assert answer.status_code == 200, answer.text
        seen: Json = answer.json()
        return seen

    def wait(self, job: Json, *states: str, patience: float = PATIENCE) -> Json:
        """Wait for a state, by default any end."""
        wanted = states or ENDED

        def look() -> Json | None:
            seen = self.look(job)
            assert seen["status"] in wanted or seen["status"] not in ENDED, seen
            return seen if seen["status"] in wanted else None

        seen: Json = until(look, f"job {job['id']} to be {' or '.join(wanted)}", patience)
        return seen

    def events(self, job: Json, after: int = 0) -> list[Json]:
        """Return all the events there are by now."""
        found: list[Json] = []
        while True:
            answer = self.client.get(
                f"/jobs/{job['id']}/events", params={"after": after}, headers={"Accept": "application/json"}
            ).json()
            if not answer["events"]:
                return found
            found += answer["events"]
            after = answer["last"]

    def result(self, job: Json, where: Path | PostgreSQL) -> dict[str, np.ndarray[Any, Any]]:
        """Return everything that training has made: every loss, every weight, both optimizers.

        The checkpoints lie in a data folder, or in PostgreSQL.
        """
        history = self.client.get(f"/jobs/{job['id']}/history").json()["losses"]
        losses = {f"losses/{name}": np.array(values) for name, values in history.items()}
        if isinstance(where, PostgreSQL):
            last = max(name for name in where.files(job["id"]) if name.startswith("checkpoints/"))
            file = io.BytesIO(where.file(job["id"], last))
        else:
            file = io.BytesIO(max((where / "jobs" / job["id"] / "checkpoints").glob("*.npz")).read_bytes())
        with np.load(file) as arrays:
            return losses | dict(arrays)


class Follower:
    """Follows a job to its end, as an EventSource does: it comes back with the last id that it has."""

    def __init__(self, running: Service, job: Json) -> None:
        self._running, self._job = running, job
        self.events: list[Json] = []
        self.connections = 0
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        last = 0
        while True:
            address = f"{self._running.address}/jobs/{self._job['id']}/events?after={last}"
            text = ""
            with contextlib.suppress(httpx.HTTPError), httpx.stream("GET", address, timeout=PATIENCE) as answer:
                if answer.status_code == 204:
                    return
                self.connections += 1
                for piece in answer.iter_text() if answer.status_code == 200 else ():
                    text += piece
            whole = text.rpartition("\n\n")[0]
            self.events += json_lines(whole)
            last = self.events[-1]["id"] if self.events else 0
            time.sleep(0.2)  # EventSource waits for some seconds

    def end(self) -> list[Json]:
        """Return all events when the job has ended."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the events have no end"
        return self.events


@contextmanager
def service(folder: Path, *, cwd: Any = ROOT, program: Any = NOBODY, **settings: object) -> Iterator[Service]:
    """Run the service, with its files in a folder, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    running = Service(folder / "serve.log", cwd=cwd, program=program, **{"data": folder / "data"} | settings)
    try:
        yield running
    finally:
        running.end()


def check_events(events: list[Json], steps: int) -> None:
    """Check that events are numbered without gap or repetition and tell a story that makes sense."""
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    for kind in ("progress", "snapshot"):
        told = [event["data"]["step"] for event in events if event["event"] == kind]
        assert told == sorted(set(told)), f"{kind} events repeat or go back"
        assert told[-1] == steps
    assert [event["event"] for event in events].count("data") == 1
    states = [event["data"]["status"] for event in events if event["event"] == "state"]
    assert states[0] == "queued"
    assert states[-1] in ENDED
    assert not set(states[:-1]) & set(ENDED)


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Check that two trainings ended bit for bit alike."""
    assert one.keys() == other.keys()
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


def json_lines(text: str) -> list[Json]:
    """Parse server-sent events."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            events.append({"id": int(fields["id"]), "event": fields["event"], "data": json.loads(fields["data"])})
    return events


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=PATIENCE, **options)
