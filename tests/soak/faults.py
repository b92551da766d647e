"""``python -m tests.soak.faults``: what happens to a machine, happens to the real service while a job trains.

Meanwhile one client asks for faces, each over a new connection, and another one follows the job, as a browser does. The
job must end with the numbers of an undisturbed one, and its events must come once each. Disks need root, clocks need
libfaketime.
"""

import argparse
import contextlib
import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.integration.jobs.harness import (
    NOBODY,
    SMALL,
    Follower,
    Json,
    Program,
    Service,
    alive,
    check_events,
    run,
    same,
    service,
    until,
)
from tests.integration.jobs.postgresql import PostgreSQL

#: Trains for longer than a fault lasts; a frozen one goes on afterwards.
_EPOCHS_A_SECOND = 160
#: A face that takes longer than this has waited.
_PATIENCE = 120.0
_FAKE_TIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


class Faces:
    """Asks for a new face again and again, until :meth:`stop`."""

    def __init__(self, running: Service) -> None:
        self._running = running
        self._stopping = threading.Event()
        self.refused = 0
        self.longest = 0.0
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        while not self._stopping.wait(0.05):
            began = time.monotonic()
            try:
                ok = httpx.get(f"{self._running.address}/sample", timeout=_PATIENCE).status_code == 200
            except httpx.HTTPError:
                ok = False
            self.refused += not ok
            self.longest = max(self.longest, time.monotonic() - began)

    def stop(self) -> None:
        """Stop asking."""
        self._stopping.set()
        self._thread.join()


Fault = Callable[[Service], None]


def _kill(find: Callable[[Service], Sequence[psutil.Process]], running: Service) -> None:
    for process in find(running):
        process.kill()


def _restart(running: Service) -> None:
    below = running.process.children(recursive=True)
    running.kill()
    until(lambda: not alive(below), "the end of its processes")
    running.restart()


def _freeze(find: Callable[[Service], Sequence[psutil.Process]], seconds: float, running: Service) -> None:
    frozen = find(running)
    for process in frozen:
        process.suspend()
    time.sleep(seconds)
    for process in frozen:
        with contextlib.suppress(psutil.NoSuchProcess):  # replaced
            process.resume()


def _parts(running: Service) -> list[psutil.Process]:
    return running.descendants("--part")[:1]


def _itself(running: Service) -> list[psutil.Process]:
    return [psutil.Process(running.process.pid)]


def _fill(disk: Path, seconds: float, running: Service) -> None:
    with contextlib.suppress(OSError), (disk / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(2**16))
    refused = running.client.post("/jobs", json=SMALL)
    assert refused.status_code == 507, refused.text
    time.sleep(seconds)
    (disk / "filling").unlink()


def _forbid(disk: Path, seconds: float, running: Service) -> None:
    below = running.process.children(recursive=True)
    running.kill()  # what is open for writing keeps a disk from becoming read-only
    until(lambda: not alive(below), "the end of its processes")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    refused = run(NOBODY, "serve", env=os.environ | {"NOBODY_DATA": str(disk / "forbidden"), "NOBODY_PORT": "0"})
    assert "cannot start: NOBODY_DATA: expected a folder to write to" in refused.stderr, refused.stderr
    time.sleep(seconds)
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    running.restart()


def _move(clock: Path, seconds: float, running: Service) -> None:
    for offset in ("+3600", "-3600", "+0"):
        clock.write_text(f"{offset}\n")
        time.sleep(seconds / 3)
        running.client.get("/jobs").raise_for_status()


@contextmanager
def _disk(folder: Path) -> Iterator[Path]:
    """Mount a small disk."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _try(
    name: str,
    fault: Fault,
    folder: Path,
    body: Json,
    undisturbed: dict[str, Any],
    server: PostgreSQL | None = None,
    **settings: Any,
) -> None:
    """Let a fault happen while a job trains, by default with SQLite, and print what it did."""
    with ExitStack() as stack:
        data = settings.setdefault("data", folder / "data")
        if server is not None:
            settings["database_url"] = server.url
        running = stack.enter_context(service(folder, **settings))
        if server is not None:
            worker = Program("worker", folder / "worker.log", **settings)
            stack.callback(worker.end)
        job = running.submit(**body)
        until(lambda: running.look(job)["checkpoints"], "the first checkpoint")
        faces, follower = Faces(running), Follower(running, job)
        stack.callback(faces.stop)
        until(lambda: follower.connections, "the stream of events")
        began = time.monotonic()
        fault(running)
        lasted = time.monotonic() - began
        running.client.close()  # its connection may have been that of a process that is gone
        running.connect()
        assert running.look(job)["status"] == "running", "the job must be longer than the fault"
        seen = running.wait(job, "succeeded", patience=600)
        faces.stop()
        events = follower.end()
        check_events(events, job["steps"])
        same(running.result(job, server or data), undisturbed)
    print(
        f"| {name} | {lasted:.1f} s | {faces.refused} | {faces.longest:.1f} s | {follower.connections} | "
        f"{seen['recoveries']} |",
        flush=True,
    )


def main() -> None:
    """Try all faults, or some."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="that each fault lasts")
    parser.add_argument("--only", default="", help="words that a fault has in its name")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nobody-faults-") as name:
        _try_all(Path(name), arguments.seconds, arguments.only)


def _try_all(folder: Path, seconds: float, only: str) -> None:
    body = SMALL | {"epochs": max(200, round(seconds * _EPOCHS_A_SECOND))}
    freeze = partial(partial, _freeze)
    faults: dict[str, tuple[Fault, dict[str, Any]]] = {
        "trainer killed": (partial(_kill, Service.trainers), {}),
        "worker killed": (partial(_kill, Service.workers), {}),
        "service killed and started again": (_restart, {}),
        "one of two processes killed": (partial(_kill, _parts), {"processes": 2}),
        "trainer frozen": (freeze(Service.trainers, seconds), {}),
        "worker frozen": (freeze(Service.workers, seconds), {}),
        "service frozen": (freeze(_itself, seconds), {}),
        "one of two processes frozen": (freeze(_parts, seconds), {"processes": 2}),
        "parent of two processes frozen": (freeze(_itself, seconds), {"processes": 2}),
    }
    with ExitStack() as stack:
        if os.getuid() == 0:
            disk = stack.enter_context(_disk(folder / "disk"))
            faults["disk full, then emptied"] = (partial(_fill, disk, seconds), {"data": disk / "full"})
            faults["data folder read-only when the service starts"] = (
                partial(_forbid, disk, seconds),
                {"data": disk / "forbidden"},
            )
        if _FAKE_TIME.exists():
            clock = folder / "clock"
            clock.write_text("+0\n")
            faults["clock an hour ahead, behind, right"] = (partial(_move, clock, seconds), {})
        with service(folder / "undisturbed") as running:
            job = running.wait(running.submit(**body), "succeeded", patience=600)
            undisturbed = running.result(job, folder / "undisturbed" / "data")
        print("| fault | lasts | faces not had | longest face | connections of the follower | recoveries |")
        print("|---|---|---|---|---|---|", flush=True)
        for name, (fault, settings) in faults.items():
            if only not in name:
                continue
            with _faked(folder / "clock") if name.startswith("clock") else contextlib.nullcontext():
                _try(name, fault, folder / name.replace(" ", "-"), body, undisturbed, **settings)
        if only in "database stopped":
            _stop_database(folder, seconds, body, undisturbed)


@contextmanager
def _faked(clock: Path) -> Iterator[None]:
    """Let programs that start now see a clock that a file moves; the one that measures time spans stays."""
    faked = {
        "LD_PRELOAD": str(_FAKE_TIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    os.environ.update(faked)
    try:
        yield
    finally:
        for name in faked:
            del os.environ[name]


def _stop_database(folder: Path, seconds: float, body: Json, undisturbed: dict[str, Any]) -> None:
    server = PostgreSQL(folder / "postgresql")

    def stop(running: Service) -> None:
        server.stop()
        refused = running.client.get("/jobs")
        assert refused.status_code == 503, refused.text
        time.sleep(seconds)
        server.start()
        until(lambda: running.client.get("/jobs").status_code == 200, "the database to be back")

    try:
        _try("database stopped", stop, folder / "database", body, undisturbed, server)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
