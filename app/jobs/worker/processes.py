"""Training processes as the worker sees them, and a pool of warm ones."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any

import psutil

from app.jobs.child import command
from app.jobs.scratch import Scratch
from app.jobs.trainer.messages import Message, TrainCommand, WarmCommand, Warmed
from models.presets import ToySettings

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
        self._scratch = Scratch()
        with theirs:
            self._process = subprocess.Popen(
                command("app.jobs.trainer", str(theirs.fileno())),
                pass_fds=[theirs.fileno(), self._scratch.fd],  # the folder is in use as long as either process lives
                stdin=subprocess.DEVNULL,
                env=os.environ | {"TMPDIR": str(self._scratch.folder)},
                start_new_session=True,  # a process group, which is killed as a whole and gets no Ctrl-C
            )
        self._jobs = 0
        #: Architectures that it need not be asked to compile.
        self.compiled: set[ToySettings] = set()
        self.is_warming = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def reusable(self) -> bool:
        """Whether the process can take another job."""
        return self._process.poll() is None and self._jobs < _MAX_JOBS

    def train(self, command: TrainCommand, architecture: ToySettings) -> None:
        """Send a job.

        Raises:
            ProcessEndedError: the process has ended.
        """
        self._jobs += 1
        self.compiled.add(architecture)
        self._send(command)

    def compile_ahead(self, architecture: ToySettings) -> None:
        """Ask the idle process to compile the training step of an architecture."""
        self.is_warming = True
        with contextlib.suppress(ProcessEndedError):
            self._send(WarmCommand(architecture))

    def listen(self) -> None:
        """Take note of what the idle process has compiled."""
        with contextlib.suppress(ProcessEndedError):
            self.receive(wait=0)

    def receive(self, wait: float) -> list[Message]:
        """Return the messages of the process about its job; wait up to ``wait`` seconds for the first.

        Raises:
            ProcessEndedError: it has ended, and all its messages were received.
        """
        messages: list[Message] = []
        try:
            while self._connection.poll(0 if messages else wait):
                message = self._connection.recv()
                if isinstance(message, Warmed):
                    self.is_warming = False
                    if message.over:
                        self.compiled.add(message.architecture)
                else:
                    messages.append(message)
        except (EOFError, OSError):
            if not messages:
                raise ProcessEndedError from None
        return messages

    def _send(self, command: TrainCommand | WarmCommand) -> None:
        try:
            self._connection.send(command)
        except OSError:
            raise ProcessEndedError from None

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
        self._scratch.remove()


class WarmProcesses:
    """A pool of processes that have TensorFlow loaded and wait for a job.

    Args:
        most: how many may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: list[TrainingProcess] = []
        self._taken = 0
        self._quiet_since = time.monotonic()
        self._lock = threading.Lock()

    def warm(self) -> None:
        """Start a process for the first job."""
        self._waiting.append(TrainingProcess())

    @property
    def quiet_seconds(self) -> float:
        """For how long no job has been trained."""
        return 0.0 if self._taken else time.monotonic() - self._quiet_since

    def take(self, architecture: ToySettings | None = None) -> TrainingProcess:
        """Return a warm process, or else a new one; rather one that has compiled this architecture."""
        with self._lock:
            fit = [process for process in self._waiting if process.reusable]
            dead = [process for process in self._waiting if process not in fit]
            fit.sort(key=lambda process: (architecture in process.compiled, not process.is_warming))
            found = fit.pop() if fit else None
            self._waiting = fit
        for process in dead:
            process.kill()
        process = found or TrainingProcess()
        with self._lock:
            self._taken += 1
        return process

    def give_back(self, process: TrainingProcess) -> None:
        """Keep a process for the next job, or kill it if it is not reusable or enough wait."""
        with self._lock:
            self._taken -= 1
            self._quiet_since = time.monotonic()
            if process.reusable and len(self._waiting) < self._most:
                self._waiting.append(process)
                return
        process.kill()

    def compile_ahead(self, architectures: Iterable[ToySettings]) -> None:
        """Have one waiting process compile one of these that it has not; call this again and again."""
        with self._lock:
            fit = [process for process in self._waiting if process.reusable]
            for process in fit:
                process.listen()
            if any(process.is_warming for process in fit):
                return
            missing = ((one, process) for one in architectures for process in fit if one not in process.compiled)
            for architecture, process in islice(missing, 1):
                process.compile_ahead(architecture)

    def close(self) -> None:
        """Kill the waiting processes."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for process in waiting:
            process.kill()
