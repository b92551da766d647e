"""``nobody reload`` and the signal behind it, with the real program in a terminal."""

import fcntl
import os
import pty
import re
import shutil
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from app.cli.main import cli
from app.faces.generator import FaceGenerator
from app.jobs.locks import FileLock, services
from tests.conftest import PATIENCE, ROOT
from tests.integration.cli.test_start import NOBODY
from tests.integration.conftest import write_weights


def _until(done: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def _take_terminal() -> None:
    """Make standard input the terminal of this process, and let its end end the process, whatever ran the tests."""
    fcntl.ioctl(0, termios.TIOCSCTTY)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup make test` has it ignored


def test_new_weights_are_served_and_broken_ones_are_refused_until_the_terminal_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, log, database = tmp_path / "live", tmp_path / "log", "postgresql://127.0.0.1:1/none"  # no worker is started
    live.mkdir()
    new = write_weights(tmp_path, 1) / "generator.h5"
    old = shutil.copy(write_weights(live) / "generator.h5", tmp_path / "old.h5")
    names = [FaceGenerator(live).sha256, FaceGenerator(new).sha256]
    for name, value in {"DATA": tmp_path / "data", "PORT": 0, "WEIGHTS": live, "DATABASE_URL": database}.items():
        monkeypatch.setenv(f"NOBODY_{name}", str(value))
    terminal, its_side = pty.openpty()
    with log.open("w") as output:
        process = subprocess.Popen(
            [NOBODY, "serve"],
            cwd=ROOT,
            stdin=its_side,
            stderr=output,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
    os.close(its_side)
    try:
        _until(lambda: re.search(r"http://127\.0\.0\.1:\d+", log.read_text()) is not None, log)
        [address] = re.findall(r"http://127\.0\.0\.1:\d+", log.read_text())
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:

            def served() -> str:
                return str(client.get("/info").json()["weights"]["sha256"])

            assert (served(), services(tmp_path / "data")) == (names[0], [process.pid])
            shutil.copy(new, live / "next")
            os.replace(live / "next", live / "generator.h5")
            assert served() == names[0]
            result = CliRunner().invoke(cli, ["reload"])
            assert (result.exit_code, result.stdout, result.stderr) == (
                0,
                f"process {process.pid} serves the weights {names[1]} now\n",
                "",
            )
            assert served() == names[1]

            (live / "generator.h5").write_bytes(b"not weights")
            result = CliRunner().invoke(cli, ["reload"])
            assert result.exit_code == 1
            assert f"process {process.pid} keeps its weights, {names[1][:12]}: " in result.stderr
            assert "damaged or not HDF5" in result.stderr
            assert served() == names[1]
            assert client.get("/sample").status_code == 200
            assert f"the weights stay as they are, {names[1][:12]}: {live}/generator.h5: " in log.read_text()

            os.replace(old, live / "generator.h5")
            process.send_signal(signal.SIGHUP)
            _until(lambda: served() == names[0], log)
        os.close(terminal)
        process.wait(PATIENCE)
        assert "Shutting down" in log.read_text()
    finally:
        process.kill()
        process.wait()
    result = CliRunner().invoke(cli, ["reload"])
    assert result.exit_code == 1
    assert f"expected a service that runs on this machine with the data folder {tmp_path / 'data'}" in result.stderr


def test_a_process_that_does_not_answer_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOBODY_DATA", str(tmp_path))
    monkeypatch.setattr("app.cli.reloading._PATIENCE", 0.0)
    lock = FileLock(tmp_path / "serve.lock", "nobody serve")  # by this process, which has no weights
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        result = CliRunner().invoke(cli, ["reload"])
    finally:
        signal.signal(signal.SIGHUP, before)
        lock.release()
    assert result.exit_code == 1
    assert f"process {os.getpid()} has not answered for 0 seconds; see its log" in result.stderr
