"""Locks on files: they end with the process that holds them, however it ends."""

import fcntl
import os
import socket
import time
from pathlib import Path
from typing import IO

from app.config import Settings


class LockedError(Exception):
    """Another process holds the lock; the message says which."""


class FileLock:
    """An exclusive lock on a file, held until the process ends or :meth:`release`.

    Args:
        path: the lock's file; its text names the holder.
        holder: what this process calls itself.
        wait: seconds to wait for a holder that is about to go.

    Raises:
        LockedError: another process holds it.
    """

    def __init__(self, path: Path, holder: str, wait: float = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (held as long as the lock)
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
        """Let others have it."""
        self._file.close()


class Executor:
    """This worker's name, which no other worker has while it lives, and which it has again after a restart.

    Raises:
        LockedError: an embedded worker stands on this data folder already.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.database_url:
            # The one before may still be on its way out.
            self.lock = FileLock(settings.data / "worker.lock", "nobody worker", wait=10)
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
