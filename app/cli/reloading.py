"""``nobody reload``: new weights for the services that run."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
import typer

from app.cli import consoles
from app.config import load_settings

#: Each process has so many seconds to answer: to load weights takes one, under load a few.
_PATIENCE = 90.0


def reload() -> None:
    """Let the running service read its weights anew, without a restart and without losing a request.

    Put the new weights where NOBODY_WEIGHTS points, by a rename, so that nobody sees half a file. The services of this
    machine that use the data folder NOBODY_DATA then load and check them, draw a stock of faces, and change over at
    once. Exits with 1, and says why, if the old weights stay. A signal SIGHUP to the service does the same, without an
    answer.
    """
    from app.jobs.locks import services

    data = load_settings().data
    try:
        processes = services(data)
    except PermissionError:
        consoles.fail(f"{data} belongs to another user; run this as the user that runs the service")
    if not processes:
        consoles.fail(
            f"expected a service that runs on this machine with the data folder {data}, found none; start it with "
            "nobody serve, or set NOBODY_DATA as it has it"
        )
    for process in processes:
        typer.echo(f"process {process} serves the weights {_reload(process, data)} now")


def _reload(process: int, data: Path) -> str:
    """Let one service reload, and return the hash of its weights."""
    from app.web.reloading import forget_report, read_report

    asked, patience = time.monotonic(), _PATIENCE * _parts(process)
    forget_report(data, process)
    try:
        os.kill(process, signal.SIGHUP)
        while (report := read_report(data, process)) is None or report.began < asked:
            os.kill(process, 0)
            if time.monotonic() > asked + patience:
                consoles.fail(f"process {process} has not answered for {patience:g} seconds; see its log")
            time.sleep(0.05)
    except ProcessLookupError:
        consoles.fail(f"process {process} has ended; see its log")
    except PermissionError:
        consoles.fail(f"process {process} belongs to another user; run this as the user that runs the service")
    if report.error:
        consoles.fail(f"process {process} keeps its weights, {report.sha256[:12]}: {report.error}")
    return report.sha256


def _parts(process: int) -> int:
    """Return how many processes of a service reload their weights, one after the other."""
    with contextlib.suppress(psutil.Error):
        return max(1, sum("--part" in child.cmdline() for child in psutil.Process(process).children()))
    return 1
