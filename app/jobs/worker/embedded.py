"""The worker that ``nobody serve`` runs itself, unless the database is shared."""

import contextlib
import logging
import os
import subprocess
import threading

from app.config import Settings
from app.jobs.child import command

log = logging.getLogger("nobody.jobs")

#: Pause before a worker that ended is restarted, and its maximum, in seconds.
_RESTART_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
#: Time that the worker has to end when asked to, in seconds.
_STOP_SECONDS = 15


class EmbeddedWorker:
    """Keeps one ``nobody worker`` running, which ends when this process ends, even by kill -9."""

    def __init__(self, settings: Settings) -> None:
        self._environment = os.environ | {
            f"NOBODY_{name.upper()}": str(value) for name, value in settings.model_dump(exclude_none=True).items()
        }
        self._stop_wanted = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_running, name="embedded-worker", daemon=True)

    def start(self) -> None:
        """Start the worker, and restart it whenever it ends."""
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Ask the worker to save its jobs and end; return at once."""
        if self._stop_wanted.is_set():
            return  # a second signal would end it without saving
        self._stop_wanted.set()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def wait(self) -> None:
        """Wait for the worker's end; kill it if it takes too long."""
        self.ask_to_stop()
        if not self._thread.is_alive():
            return  # never started
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()

    def _keep_running(self) -> None:
        pause = _RESTART_SECONDS
        while not self._stop_wanted.is_set():
            self._process = subprocess.Popen(
                command("app", "worker", "--embedded"),
                stdin=subprocess.PIPE,  # closed by our end, which ends the worker
                env=self._environment,
                start_new_session=True,  # gets no Ctrl-C; we ask it to stop
            )
            if self._stop_wanted.is_set():
                self._process.terminate()
            status = self._process.wait()
            if not self._stop_wanted.is_set():
                log.warning("the worker ended unexpectedly (status %d); starting another one", status)
                # After a crash, restart at once; after an error of its own, less and less often.
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS) if status > 0 else _RESTART_SECONDS
                self._stop_wanted.wait(pause)


def embedded_worker(settings: Settings) -> EmbeddedWorker | None:
    """Return the worker of a service, unless workers are started apart or nothing is trained here."""
    return EmbeddedWorker(settings) if settings.trains and not settings.database_url else None
