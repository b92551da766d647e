"""Training processes, seen from the worker: started, told, heard, ended; and a stock of them kept warm."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import tempfile
import threading
from multiprocessing.connection import Connection
from typing import Any

import psutil

from app.jobs.child import command
from app.jobs.trainer.messages import Message, Order

#: After so many jobs a process makes way for a new one: what TensorFlow has hoarded, about 10 MB a job, goes with it.
_MAX_ORDERS = 20


class ProcessEndedError(Exception):
    """The training process is gone."""


class TrainingProcess:
    """One training process. It ends by itself as soon as this process does, however that comes about."""

    def __init__(self) -> None:
        # A pair of sockets: when our end closes, and be it by kill -9, the other end knows at once.
        self._connection: Connection[Any, Any]
        self._connection, theirs = multiprocessing.Pipe()
        # TensorFlow leaves files behind in the temporary folder when it is killed.
        self._scratch = tempfile.TemporaryDirectory(prefix="nobody-", ignore_cleanup_errors=True)
        with theirs:
            self._process = subprocess.Popen(
                command("app.jobs.trainer", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | {"TMPDIR": self._scratch.name},
                start_new_session=True,  # a group of its own: killed as a whole, and deaf to the terminal's Ctrl-C
            )
        self._orders = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def reusable(self) -> bool:
        """Say whether the process may take another order."""
        return self._process.poll() is None and self._orders < _MAX_ORDERS

    def send(self, order: Order) -> None:
        """Give an order.

        Raises:
            ProcessEndedError: nobody is there to take it.
        """
        self._orders += 1
        try:
            self._connection.send(order)
        except OSError:
            raise ProcessEndedError from None

    def receive(self, wait: float) -> list[Message]:
        """Return what the process has said, waiting up to ``wait`` seconds for the first word.

        Raises:
            ProcessEndedError: it has ended, and all it said was received.
        """
        messages: list[Message] = []
        try:
            while self._connection.poll(0 if messages else wait):
                messages.append(self._connection.recv())
        except (EOFError, OSError):
            if not messages:
                raise ProcessEndedError from None
        return messages

    def memory(self) -> int:
        """Return the resident memory, in bytes; 0 once the process has ended."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def terminate(self) -> None:
        """Ask the process to save and stop."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process, with whatever it has started, and see it dead."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self._connection.close()
        self._scratch.cleanup()


class WarmProcesses:
    """Processes that have TensorFlow loaded and wait for an order.

    Args:
        most: how many may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._idle: list[TrainingProcess] = []
        self._closed = False

    def warm(self) -> None:
        """Have one ready for the first job."""
        self.give_back(TrainingProcess())

    def take(self) -> TrainingProcess:
        """Return a process: a warm one if there is any."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.reusable:
                    return process
                process.kill()
        return TrainingProcess()

    def give_back(self, process: TrainingProcess) -> None:
        """Keep a process for the next job, if it is good for one and not too many wait."""
        with self._lock:
            if not self._closed and process.reusable and len(self._idle) < self._most:
                self._idle.append(process)
                return
        process.kill()

    def close(self) -> None:
        """End those that wait, and keep none from now on."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.kill()
