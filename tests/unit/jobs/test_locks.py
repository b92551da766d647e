"""One service on a data folder, one name a worker."""

import os
from pathlib import Path

import pytest

from app.config import Settings
from app.jobs.locks import FileLock, LockedError, WorkerSlot, service_lock, services


def test_a_lock_has_one_holder_and_says_who(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock", "the first")
    with pytest.raises(LockedError, match=r"in use by the first, process \d+ on"):
        FileLock(tmp_path / "lock", "the second")
    lock.release()
    FileLock(tmp_path / "lock", "the second").release()


def test_an_embedded_worker_has_one_name(tmp_path: Path) -> None:
    slot = WorkerSlot(Settings(data=tmp_path))
    assert slot.name == "embedded"
    slot.lock.release()


def test_workers_on_one_machine_have_different_names_and_get_them_back(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url="postgresql://somewhere/db")
    first, second = WorkerSlot(settings), WorkerSlot(settings)
    assert first.name != second.name
    first.lock.release()
    third = WorkerSlot(settings)
    assert third.name == first.name
    for slot in (second, third):
        slot.lock.release()


def test_services_are_found_by_their_locks_while_they_run(tmp_path: Path) -> None:
    alone = Settings(data=tmp_path)
    together = alone.model_copy(update={"database_url": "postgresql://somewhere/db"})
    assert services(tmp_path) == []
    locks = [service_lock(alone), service_lock(together), service_lock(together)]
    with pytest.raises(LockedError):
        service_lock(alone)
    elsewhere = tmp_path / "services" / "other-0.lock"
    elsewhere.write_text("nobody serve, process 1 on another machine")
    other = FileLock(tmp_path / "worker.lock", "nobody worker")
    assert services(tmp_path) == [os.getpid()] * 3
    for lock in locks:
        lock.release()
    assert services(tmp_path) == []
    other.release()
