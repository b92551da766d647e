"""The worker that ``nobody serve`` runs by itself when there is no database to share."""

import contextlib
import logging
import os
import subprocess
import threading

from app.config import Settings
from app.jobs.child import command

log = logging.getLogger("nobody.jobs")

#: Pause before a worker that has ended is replaced, and time it has to end when told, in seconds.
_RESTART_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_GRACE_SECONDS = 15


class EmbeddedWorker:
    """Keeps one ``nobody worker`` running beside the service; it ends when this process does, even by kill -9."""

    def __init__(self, settings: Settings) -> None:
        self._environment = os.environ | {
            f"NOBODY_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()
        }
        self._stop_wanted = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name="embedded-worker", daemon=True)

    def start(self) -> None:
        """Start the worker, and again whenever it ends."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Tell the worker to save what it trains, and to end; returns at once."""
        if self._stop_wanted.is_set():
            return  # told a second time, it would end without saving
        self._stop_wanted.set()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def wait(self) -> None:
        """Wait for the worker's end, and end it where it takes too long."""
        self.ask_to_stop()
        if not self._thread.is_alive():
            return  # it was never started
        self._thread.join(_GRACE_SECONDS)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()

    def _keep_running(self) -> None:
        pause = _RESTART_SECONDS
        while not self._stop_wanted.is_set():
            self._process = subprocess.Popen(
                command("app", "worker", "--embedded"),
                stdin=subprocess.PIPE,  # its end tells the worker that we are gone
                env=self._environment,
                start_new_session=True,  # Ctrl-C comes to us; we tell the worker
            )
            if self._stop_wanted.is_set():
                self._process.terminate()
            status = self._process.wait()
            if not self._stop_wanted.is_set():
                log.warning("the worker ended unexpectedly (status %d); starting another one", status)
                # One that gives up by itself is tried less and less often; one that was killed is replaced.
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS) if status > 0 else _RESTART_SECONDS
                self._stop_wanted.wait(pause)
