"""Starting and stopping the real program, as a user does."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import PATIENCE, ROOT
from tests.integration.conftest import write_weights

NOBODY = Path(sys.executable).with_name("nobody")
COMMANDS = {"nobody serve": [NOBODY, "serve"], "uvicorn": [sys.executable, "-m", "uvicorn", "app.main:app"]}


def _environment(**settings: object) -> dict[str, str]:
    return os.environ | {f"NOBODY_{name.upper()}": str(value) for name, value in settings.items()}


@contextmanager
def running(log: Path, *options: str, **settings: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run ``nobody serve`` on a free port until it listens; yield the process and its address."""
    settings = {"data": log.parent / "data"} | settings
    with log.open("w") as output:
        process = subprocess.Popen(
            [NOBODY, "serve", *options], cwd=ROOT, env=_environment(**{"port": 0} | settings), stderr=output, text=True
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (match := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.05)
        yield process, match[0]
    finally:
        process.kill()
        process.wait()


def test_serve_answers_and_stops(tmp_path: Path) -> None:
    with running(tmp_path / "log", weights=write_weights(tmp_path), drain_seconds=0.1) as (process, address):
        with httpx.Client(base_url=address) as client:
            deadline = time.monotonic() + PATIENCE
            while client.get("/readyz").status_code != 200:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert client.get("/sample").headers["content-type"] == "image/png"
            # Dots in a name are the name's own, also where a proxy or client would tidy a path.
            assert client.get("/avatar/%2E%2E%2Fa").status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) in (0, -signal.SIGTERM)
    log = (tmp_path / "log").read_text()
    assert "Traceback" not in log
    assert "cuda" not in log.lower(), "TensorFlow's start-up messages should stay out of the log"


def test_a_service_that_is_told_to_end_answers_until_the_balancer_has_noticed(tmp_path: Path) -> None:
    settings = {"weights": write_weights(tmp_path), "drain_seconds": 3_600, "database_url": "postgresql:///none"}
    with running(tmp_path / "log", **settings) as (process, address), httpx.Client(base_url=address) as client:
        assert client.get("/sample").status_code == 200
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE
        while "is ending" not in (ready := client.get("/readyz")).text:
            assert time.monotonic() < deadline
        assert (ready.status_code, ready.headers["retry-after"]) == (503, "5")
        assert client.get("/healthz").status_code == 200
        assert httpx.get(f"{address}/sample?seed=1", timeout=PATIENCE).status_code == 200  # new connections, too
        process.send_signal(signal.SIGTERM)  # somebody does not want to wait
        assert process.wait(timeout=PATIENCE) in (0, -signal.SIGTERM)


def test_options_overrule_the_environment(tmp_path: Path) -> None:
    options = ("--host", "127.0.0.1", "--port", "0")
    # Nobody can listen there: an address kept for documents (RFC 5737), and a port that is not ours.
    settings = {"weights": write_weights(tmp_path), "trusted_proxies": "127.0.0.1", "faces_per_minute": 1}
    with running(tmp_path / "log", *options, **settings, host="192.0.2.1", port=1) as (_, address):
        assert httpx.get(f"{address}/healthz", timeout=PATIENCE).status_code == 200
        stranger = {"X-Forwarded-For": "192.0.2.7"}  # as the proxy that the settings name says
        limited = [httpx.get(f"{address}/info", headers=stranger, timeout=PATIENCE).status_code for _ in range(2)]
        assert limited == [200, 429]


def test_a_client_that_never_finishes_cannot_hold_up_the_end(tmp_path: Path) -> None:
    with (
        running(tmp_path / "log", weights=write_weights(tmp_path)) as (process, address),
        socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2]))) as half,
    ):
        half.sendall(b"POST /sample HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{")
        httpx.get(f"{address}/healthz", timeout=PATIENCE)  # what came before this has been read
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=list(COMMANDS))
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "found no such file"),
        (b"not weights", "damaged or not HDF5"),
        (b"version https://git-lfs.github.com/spec/v1\n", "found a Git LFS pointer"),
    ],
)
def test_without_sound_weights_it_does_not_start(
    command: list[str], content: bytes | None, message: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "generator.h5").write_bytes(content)
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=_environment(weights=tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert line.startswith(f"nobody: cannot start: {tmp_path}/generator.h5: ")
    assert message in line


def test_a_wrong_setting_does_not_start_either() -> None:
    result = subprocess.run(
        [NOBODY, "serve"], env=_environment(port="http"), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert line.startswith("nobody: cannot start: NOBODY_PORT: ")


def test_numpy_is_told_how_many_threads_to_use_before_it_is_loaded() -> None:
    """With more than one, its matrix products wait for each other, and faces take several times as long."""
    code = "import os, sys, app; sys.exit('numpy' in sys.modules or os.environ['OPENBLAS_NUM_THREADS'] != '1')"
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, timeout=PATIENCE, check=True)


def test_serving_faces_loads_neither_tensorflow_nor_a_database(tmp_path: Path) -> None:
    heavy = {"tensorflow", "keras", "h5py", "sqlalchemy", "dbos", "opentelemetry.sdk"}
    code = f"import sys, app.main; app.main.app; print({heavy} & sys.modules.keys())"
    command, environment = [sys.executable, "-c", code], _environment(data=tmp_path)
    assert subprocess.check_output(command, cwd=ROOT, env=environment, text=True, timeout=PATIENCE) == "set()\n"


def test_help_is_quick_and_names_the_commands() -> None:
    result = subprocess.run([NOBODY, "--help"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert "serve" in result.stdout
    assert "train-faces" in result.stdout
    assert not result.stderr
