"""New weights without a restart: SIGHUP asks for them, and a report says what came of it."""

import asyncio
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

from app import part
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


def report_path(data: Path, number: int | None = None) -> Path:
    """Return where the services of this machine leave their last report, or the processes of one of them theirs."""
    which = "" if number is None else f"-{number}"
    return data / "reloads" / f"{socket.gethostname()}{which}.json"


def read_report(data: Path, number: int | None = None) -> Report | None:
    """Return the last report, if there is a readable one."""
    try:
        return _REPORT.validate_json(report_path(data, number).read_bytes())
    except (OSError, ValueError):
        return None


def write_report(data: Path, report: Report, number: int | None = None) -> None:
    """Leave a report.

    Raises:
        OSError: the folder cannot be written.
    """
    with atomic_path(report_path(data, number)) as path:
        path.write_bytes(_REPORT.dump_json(report))


class Reloader:
    """Reloads the weights whenever it is asked to, one attempt after the other.

    Args:
        faces: what serves them.
        data: the folder for the reports.
    """

    def __init__(self, faces: FaceService, data: Path) -> None:
        self._faces = faces
        self._data = data
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
                number = None if part.mine is None else part.mine.number
                await asyncio.to_thread(write_report, self._data, report, number)
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
    in_terminal = has_terminal()

    def hang_up() -> None:
        if in_terminal and not has_terminal():
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


def has_terminal() -> bool:
    """Return whether this process runs in a terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
