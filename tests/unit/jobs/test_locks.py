"""One service and one worker on a data folder, unless they share a database."""

import fcntl
import os
import socket
from pathlib import Path

import pytest

from app.config import Settings
from app.jobs.locks import EMBEDDED_LOCK, FileLock, LockedError, is_locked, service_lock, services, worker_lock


def test_a_lock_has_one_holder_and_says_who(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock", "the first")
    with pytest.raises(LockedError, match=r"in use by the first, process \d+ on"):
        FileLock(tmp_path / "lock", "the second")
    lock.release()
    FileLock(tmp_path / "lock", "the second").release()


def test_who_looks_whether_a_lock_is_held_keeps_nobody_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock"
    with path.open("w") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)  # as is_locked does
        monkeypatch.setattr("app.jobs.locks.time.sleep", lambda _: looking.close())
        lock = FileLock(path, "the first")
    assert is_locked(path)
    lock.release()


def test_sqlite_has_one_worker_and_postgresql_any_number(tmp_path: Path) -> None:
    alone = Settings(data=tmp_path)
    lock = worker_lock(alone)
    assert lock is not None
    with pytest.raises(LockedError, match="in use by nobody worker"):
        FileLock(tmp_path / EMBEDDED_LOCK, "another worker")
    assert worker_lock(alone.model_copy(update={"database_url": "postgresql://somewhere/db"})) is None
    lock.release()


def test_services_are_found_by_their_locks_while_they_run(tmp_path: Path) -> None:
    alone = Settings(data=tmp_path)
    together = alone.model_copy(update={"database_url": "postgresql://somewhere/db"})
    assert services(tmp_path) == []
    locks = [service_lock(alone), service_lock(together), service_lock(together)]
    with pytest.raises(LockedError):
        service_lock(alone)
    elsewhere = [FileLock(tmp_path / "services" / f"{number}.lock", "nobody serve") for number in (0, 1)]
    (tmp_path / "services" / "0.lock").write_text("nobody serve, process 1 on another machine\n")
    (tmp_path / "services" / "1.lock").write_text(f"nobody serve, process 1 on {socket.gethostname()}0\n")
    other = FileLock(tmp_path / "worker.lock", "nobody worker")
    assert services(tmp_path) == [os.getpid()] * 3
    for lock in locks:
        assert lock is not None
        lock.release()
    assert services(tmp_path) == []
    for lock in (other, *elsewhere):
        lock.release()


def test_a_service_that_shares_its_jobs_needs_no_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("no folder")
    alone = Settings(data=tmp_path / "file")
    with pytest.raises(OSError, match="file"):
        service_lock(alone)
    assert service_lock(alone.model_copy(update={"database_url": "postgresql://somewhere/db"})) is None
    assert "expected a folder to write to" in caplog.text
