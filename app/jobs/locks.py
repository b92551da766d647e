"""File locks, which the system releases when their process ends, however it ends."""

import contextlib
import fcntl
import logging
import os
import re
import socket
import time
from pathlib import Path
from typing import IO

from app.config import Settings

log = logging.getLogger("nobody")

#: Files in the data folder that the only service and the only worker of an SQLite database hold.
_SERVE_LOCK, EMBEDDED_LOCK = "serve.lock", "worker.lock"
_SERVICE = "nobody serve"
#: Who only looks whether a lock is held, see :func:`is_locked`, holds it for less than so many seconds.
_LOOK_SECONDS = 0.1


class LockedError(Exception):
    """Another process holds the lock; the message says which."""


class FileLock:
    """An exclusive lock on a file, until the end of the process or :meth:`release`.

    Args:
        path: the file; its text names the holder.
        holder: name of this process, for error messages.
        wait: seconds to wait for the current holder.

    Raises:
        LockedError: another process holds it.
    """

    def __init__(self, path: Path, holder: str, wait: float = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (open as long as the lock is held)
        deadline = time.monotonic() + max(wait, _LOOK_SECONDS)
        while not self._taken():
            if time.monotonic() >= deadline:
                self._file.seek(0)
                known = self._file.read().strip() or "another process"
                self._file.close()
                raise LockedError(f"{path.parent} is in use by {known}")
            time.sleep(0.02)
        self._file.truncate(0)
        self._file.write(f"{holder}, process {os.getpid()} on {socket.gethostname()}\n")
        self._file.flush()

    def _taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Release the lock."""
        self._file.close()


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock on a file."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def worker_lock(settings: Settings) -> FileLock | None:
    """Take the lock of the only worker of an SQLite database; wait for the end of a predecessor.

    Returns:
        The lock; None with a shared database, which may have many workers.

    Raises:
        LockedError: another worker uses this data folder.
    """
    return None if settings.database_url else FileLock(settings.data / EMBEDDED_LOCK, "nobody worker", wait=10)


def service_lock(settings: Settings) -> FileLock | None:
    """Take the lock of a service; with a shared database, many may use one data folder.

    Returns:
        The lock; None with a shared database and a folder that cannot be written: faces need no folder.

    Raises:
        LockedError: another service uses this data folder without a shared database, or no slot is free.
    """
    if settings.database_url:
        try:
            return _free_slot(settings.data / "services", _SERVICE)
        except OSError as error:
            log.warning("expected a folder to write to, got %s; nobody reload will not find this service", error)
            return None
    return FileLock(settings.data / _SERVE_LOCK, _SERVICE)


def services(data: Path) -> list[int]:
    """Return the processes of this machine that hold the lock of a service of this data folder."""
    held = [path for path in (data / _SERVE_LOCK, *sorted((data / "services").glob("*.lock"))) if is_locked(path)]
    here = re.compile(rf"{_SERVICE}, process (\d+) on {re.escape(socket.gethostname())}")
    return [int(match[1]) for path in held if (match := here.fullmatch(path.read_text().strip()))]


def _free_slot(folder: Path, holder: str) -> FileLock:
    """Return a lock in a folder that no other process of this machine holds."""
    host = socket.gethostname()
    for slot in range(1_000):
        with contextlib.suppress(LockedError):
            return FileLock(folder / f"{host}-{slot}.lock", holder)
    raise LockedError(f"{folder} has no free slot for another process on {host}")
