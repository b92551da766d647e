"""Several processes on one port: connections are spread, whoever dies or freezes is replaced, all end together."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.integration.jobs.harness import NOBODY, Service, alive, run, service, until

#: Of a database that nobody has: faces need none, and then there is no worker.
NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("processes"), processes=2, database_url=NOWHERE) as running:
        until(lambda: _answering(running) == {"0", "1"}, "both processes to answer")
        yield running
        running.stop()


def _ask(running: Service, path: str) -> httpx.Response:
    """Ask over a new connection, which the system gives to one of the processes."""
    answer = httpx.get(running.address + path, timeout=60)
    assert answer.status_code == 200
    return answer


def _answering(running: Service, times: int = 12) -> set[str]:
    """Return the processes that answer."""
    found = (
        re.search(r'nobody_portrait_stock\{process="(\d)"\}', _ask(running, "/metrics").text) for _ in range(times)
    )
    return {match[1] for match in found if match}


def _parts(running: Service) -> list[psutil.Process]:
    return running.descendants("--part")


def test_all_serve_the_same_faces(running: Service) -> None:
    assert {_ask(running, "/sample?seed=7").content for _ in range(12)} == {_ask(running, "/sample?seed=7").content}
    metrics = _ask(running, "/metrics").text
    own = [line for line in metrics.splitlines() if line.startswith(("nobody_http", "nobody_face", "process_"))]
    assert own
    assert all('process="' in line for line in own)
    assert "\nnobody_database_up 0.0" in metrics, "of what is not of this process, all say the same"


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_one_that_dies_or_freezes_is_replaced_and_no_request_is_lost(running: Service, fault: signal.Signals) -> None:
    lost, kept = _parts(running)
    lost.send_signal(fault)

    def replaced() -> bool:
        _ask(running, "/sample")  # answered by the other one, or by the successor as soon as it listens
        parts = _parts(running)
        return len(parts) == 2 and lost not in parts

    until(replaced, "another process")
    assert kept in _parts(running)
    until(lambda: _answering(running) == {"0", "1"}, "both processes to answer")


def test_while_the_parent_is_frozen_all_go_on(running: Service) -> None:
    parts = _parts(running)
    running.process.suspend()
    try:
        assert _answering(running) == {"0", "1"}
        parts[0].kill()
        until(lambda: parts[0] not in alive(parts), "its end")
    finally:
        running.process.resume()
    until(lambda: len(_parts(running)) == 2 and _answering(running) == {"0", "1"}, "another process")
    assert parts[1] in _parts(running), "it did not fall silent: nobody listened"


def test_new_weights_reach_all(running: Service, tmp_path: Path) -> None:
    data = running.log.parent / "data"
    before = running.log.read_text().count("serving the weights")
    said = run(NOBODY, "reload", env=os.environ | {"NOBODY_DATA": str(data)})
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"process {running.process.pid} serves the weights ")
    assert running.log.read_text().count("serving the weights") == before + 2


def test_what_prevents_the_start_is_said_once(running: Service, tmp_path: Path) -> None:
    port = running.address.rpartition(":")[2]
    for settings, reason in (
        ({"PORT": port}, f"expected a free port at NOBODY_HOST=127.0.0.1 NOBODY_PORT={port}: Address already in use"),
        ({"PORT": "0", "WEIGHTS": str(tmp_path / "none.h5")}, "none.h5"),
        ({"PORT": "0", "DATA": "/proc/nobody", "DATABASE_URL": ""}, "NOBODY_DATA: expected a folder to write to"),
    ):
        given = {"DATA": str(tmp_path), "DATABASE_URL": NOWHERE} | settings
        environment = os.environ | {f"NOBODY_{name}": value for name, value in given.items()}
        said = run(NOBODY, "serve", "--processes", "3", env=environment)
        assert said.returncode == 1
        assert said.stderr.count("nobody: cannot start") == 1, said.stderr
        assert reason in said.stderr


def test_nobody_outlives_the_parent(tmp_path: Path) -> None:
    with service(tmp_path, processes=2) as running:
        until(lambda: len(_parts(running)) == 2 and running.workers(), "the processes and the worker")
        assert len(running.workers()) == 1
        below = running.process.children(recursive=True)
        running.kill()
        until(lambda: not alive(below), "the end of all")
