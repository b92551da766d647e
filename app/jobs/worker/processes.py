"""Training processes as the worker sees them, and a pool of warm ones."""

import contextlib
import multiprocessing
import os
import queue
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import psutil

from app.jobs.child import command
from app.jobs.trainer.messages import Message, TrainCommand

#: A process is replaced after so many jobs, because TensorFlow keeps about 10 MB of each.
_MAX_JOBS = 20


class ProcessEndedError(Exception):
    """The training process has ended."""


class TrainingProcess:
    """One training process. It ends when this process ends, however that happens."""

    def __init__(self) -> None:
        # A socket pair: the other end notices when ours is closed, even by kill -9.
        self._connection: Connection[Any, Any]
        self._connection, theirs = multiprocessing.Pipe()
        # TensorFlow leaves temporary files behind when it is killed.
        self._scratch = tempfile.TemporaryDirectory(prefix="nobody-", ignore_cleanup_errors=True)
        with theirs:
            self._process = subprocess.Popen(
                command("app.jobs.trainer", str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=os.environ | {"TMPDIR": self._scratch.name},
                start_new_session=True,  # a process group, which is killed as a whole and gets no Ctrl-C
            )
        self._jobs = 0

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def reusable(self) -> bool:
        """Whether the process can take another job."""
        return self._process.poll() is None and self._jobs < _MAX_JOBS

    def send(self, command: TrainCommand) -> None:
        """Send a command.

        Raises:
            ProcessEndedError: the process has ended.
        """
        self._jobs += 1
        try:
            self._connection.send(command)
        except OSError:
            raise ProcessEndedError from None

    def receive(self, wait: float) -> list[Message]:
        """Return the messages of the process; wait up to ``wait`` seconds for the first.

        Raises:
            ProcessEndedError: it has ended, and all its messages were received.
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
        """Return the resident memory in bytes; 0 after the end of the process."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def terminate(self) -> None:
        """Ask the process to save and stop."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process and all that it started, and wait for its end."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self._connection.close()
        self._scratch.cleanup()


class WarmProcesses:
    """A pool of processes that have TensorFlow loaded and wait for a job.

    Args:
        most: how many may wait.
    """

    def __init__(self, most: int) -> None:
        self._idle: queue.LifoQueue[TrainingProcess] = queue.LifoQueue(most)

    def warm(self) -> None:
        """Start a process for the first job."""
        self.give_back(TrainingProcess())

    def take(self) -> TrainingProcess:
        """Return a warm process, or else a new one."""
        for process in self._drain():
            if process.reusable:
                return process
            process.kill()
        return TrainingProcess()

    def give_back(self, process: TrainingProcess) -> None:
        """Keep a process for the next job, or kill it if it is not reusable or enough wait."""
        try:
            if process.reusable:
                self._idle.put_nowait(process)
                return
        except queue.Full:
            pass
        process.kill()

    def close(self) -> None:
        """Kill the waiting processes."""
        for process in self._drain():
            process.kill()

    def _drain(self) -> Iterator[TrainingProcess]:
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._idle.get_nowait()
