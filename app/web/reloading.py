"""New weights without a restart: SIGHUP asks for them, and a report says what came of it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from app.faces.engine import FacesUnavailableError
from app.faces.service import FaceService
from models.files.atomic import atomic_path
from models.files.weight_files import WeightsError

log = logging.getLogger("nobody")


class Report(NamedTuple):
    """What came of an attempt to serve new weights.

    Args:
        began: when, by the clock that all processes of a machine share (:func:`time.monotonic`).
        sha256: of the weights that are served since.
        error: why they are still the old ones; empty if they are the new ones.
    """

    began: float
    sha256: str
    error: str


_REPORT = TypeAdapter(Report)


def report_path(data: Path, process: int) -> Path:
    """Return where a process of this machine leaves its last report."""
    return data / "reloads" / f"{socket.gethostname()}-{process}.json"


def read_report(data: Path, process: int) -> Report | None:
    """Return the last report of a process, if there is a readable one."""
    try:
        return _REPORT.validate_json(report_path(data, process).read_bytes())
    except (OSError, ValueError):
        return None


def forget_report(data: Path, process: int) -> None:
    """Remove the last report of a process, or of one that had its number before this machine started."""
    with contextlib.suppress(OSError):
        report_path(data, process).unlink()


def write_report(data: Path, report: Report) -> None:
    """Leave a report of this process.

    Raises:
        OSError: the folder cannot be written.
    """
    with atomic_path(report_path(data, os.getpid())) as path:
        path.write_bytes(_REPORT.dump_json(report))


class Reloader:
    """Reloads the weights whenever it is asked to, one attempt after the other.

    Args:
        faces: what serves them.
        data: the folder for the reports.
    """

    def __init__(self, faces: FaceService, data: Path) -> None:
        self._faces = faces
        self.data = data
        self._wanted = asyncio.Event()
        #: Attempts that replaced the weights, and those that did not.
        self.done = self.failed = 0

    def ask(self) -> None:
        """Ask for an attempt that begins after this call; several calls before it begins ask for one."""
        self._wanted.set()

    async def run(self) -> None:
        """Do what is asked for, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            report = await self._reload()
            try:
                await asyncio.to_thread(write_report, self.data, report)
            except OSError as error:
                log.warning("the report on the weights could not be written for nobody reload: %s", error)

    async def _reload(self) -> Report:
        began, old, reason = time.monotonic(), self._faces.model.generator, ""
        try:
            await self._faces.reload()
        except (WeightsError, FacesUnavailableError) as error:
            reason = str(error)
        except Exception as error:
            log.exception("new weights could not be loaded")
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
        new = self._faces.model.generator
        if reason:
            self.failed += 1
            log.error("the weights stay as they are, %s: %s", old.id, reason)
        else:
            self.done += 1
            log.info("serving the weights %s now, before %s", new.id, old.id)
        return Report(began, new.sha256, reason)


def hold_hangups() -> None:
    """Let SIGHUP wait until :func:`listening` listens: until then it would end this process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


@asynccontextmanager
async def listening(reloader: Reloader) -> AsyncIterator[None]:
    """Let SIGHUP reload the weights.

    The system sends the same signal when it closes the terminal in which this process runs: then the service stops.
    """
    task = asyncio.create_task(reloader.run())
    bound = ends_with_terminal()

    def hang_up() -> None:
        if bound and not has_terminal():
            os.kill(os.getpid(), signal.SIGTERM)
        else:
            reloader.ask()

    is_main = threading.current_thread() is threading.main_thread()  # only there are signals received
    if is_main:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hang_up)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    yield
    if is_main:
        hold_hangups()  # too late for new weights, and no reason to die at once
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    forget_report(reloader.data, os.getpid())


def ends_with_terminal() -> bool:
    """Return whether this process runs in a terminal and ends when that is closed: not if ``nohup`` has started it."""
    return has_terminal() and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN


def has_terminal() -> bool:
    """Return whether this process runs in a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
