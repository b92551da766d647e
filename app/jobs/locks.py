"""File locks, which the system releases when their process ends, however it ends."""

import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO

from app.config import Settings

#: File in the data folder that the only worker of an SQLite database holds.
EMBEDDED_LOCK = "worker.lock"


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
        deadline = time.monotonic() + wait
        while not self._taken():
            if time.monotonic() >= deadline:
                self._file.seek(0)
                known = self._file.read().strip() or "another process"
                self._file.close()
                raise LockedError(f"{path.parent} is in use by {known}")
            time.sleep(0.05)
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


class WorkerSlot:
    """A name and a lock for this worker. No other running worker has them; a restarted worker gets its own back.

    Raises:
        LockedError: another worker uses this data folder without a shared database, or no slot is free.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.database_url:
            # Waits for the end of a predecessor.
            self.lock = FileLock(settings.data / EMBEDDED_LOCK, "nobody worker", wait=10)
            self.name = "embedded"
            return
        host = socket.gethostname()
        for slot in range(1_000):
            try:
                self.lock = FileLock(settings.data / "workers" / f"{host}-{slot}.lock", "nobody worker")
            except LockedError:
                continue
            self.name = f"{host}-{slot}"
            return
        raise LockedError(f"{settings.data / 'workers'} has no free slot for another worker on {host}")
