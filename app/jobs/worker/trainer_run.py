"""One training process at work on one job."""

import contextlib
import logging
import threading
import time
from functools import partial

from app.config import Settings
from app.jobs import file_names
from app.jobs.checkpoint_pace import CheckpointPace
from app.jobs.disk import disk_use
from app.jobs.files import JobFiles
from app.jobs.record.database import retry_until_available
from app.jobs.record.leases import FinalState, LeaseStore
from app.jobs.record.publications import Lease, Publication
from app.jobs.states import HELD, State
from app.jobs.trainer.messages import Checkpoint, Done, Failed, Interrupted, Message, Progress, Started, TrainCommand
from app.jobs.worker.processes import ProcessEndedError, TrainingProcess
from app.jobs.worker.publishing import add_message
from app.jobs.worker.workplace import workplace

log = logging.getLogger("nobody.jobs")

#: Interval at which the job's state and limits are checked, in seconds.
_CHECK_SECONDS = 0.2
#: Time that a process has to save and stop, in seconds: because a caller wants it, because the worker is to end, or
#: where it has trained nothing and is cancelled.
_SAVE_SECONDS = 20.0
_STOP_SECONDS = 8.0
_CANCEL_SECONDS = 2.0
#: A process that sends nothing for so long hangs; even compiling a large step takes less. In seconds.
_SILENCE_SECONDS = 300.0


class TrainerRun:
    """Sends a job to a training process, publishes what it reports, and stops it when need be.

    Args:
        lease: of the job.
        process: that trains.
        leases: the record.
        settings: the limits of a job.
        stopping: set when the worker is to end; the job then goes back to the queue.
    """

    def __init__(
        self,
        lease: Lease,
        process: TrainingProcess,
        leases: LeaseStore,
        settings: Settings,
        stopping: threading.Event,
    ) -> None:
        self._lease = lease
        self._process = process
        self._leases = leases
        self._settings = settings
        self._stopping = stopping
        self._files: JobFiles  # while it runs
        self._in_database = settings.database_url is not None  # where its files are kept
        self._upload = CheckpointPace(shortest=0)
        self._newest: str | None = None  # file of the last checkpoint that the process has told of
        self._checked = 0.0
        self._heard = time.monotonic()
        self._idle_memory = 0  # of the process before the job; 0 until it has started
        self._has_trained = False
        self._stop_sent: float | None = None
        self._failure: str | None = None  # why the job fails, whatever its process does

    def run(self) -> bool:
        """Return True when this run of the job is over, False when it needs another process.

        Raises:
            LostLeaseError: another worker has the job.
        """
        with workplace(self._lease, self._leases, self._settings) as self._files:
            try:
                self._process.train(self._command(), self._lease.specification.settings.architecture)
                while True:
                    messages = self._process.receive(wait=0.1)
                    if messages:
                        self._heard = time.monotonic()
                    if self._handle(messages):
                        return True
                    self._check()
            except ProcessEndedError:
                return self._process_ended()

    def _command(self) -> TrainCommand:
        lease = self._lease
        return TrainCommand(
            specification=lease.specification.model_dump(mode="json"),
            folder=self._files.folder,
            attempt=lease.attempt,
            first_step=lease.first_step,
            checkpoint=lease.checkpoint,
            pause_at=lease.pause_at,
            half=lease.half,
            request_id=lease.request_id,
            kept_checkpoints=disk_use(lease.specification, self._settings.job_bytes).kept,
        )

    def _handle(self, messages: list[Message]) -> bool:
        """Publish messages; return whether the process is done with the job."""
        publication = Publication()
        for message in messages:
            if isinstance(message, Checkpoint):
                self._newest = message.file
            match message:
                case Started():
                    self._idle_memory = message.memory
                case Interrupted():
                    self._lease.last_failure = message.reason
                case Done():
                    add_message(publication, self._lease, message, self._files)
                    self._publish(publication, partial(self._final_state, message.finished, message.step))
                    return True
                case Failed():
                    self._failure = message.reason
                    self._publish(publication, partial(self._final_state, False, self._lease.step))
                    self._process.kill()
                    return True
                case Checkpoint() if self._is_too_soon(message):
                    pass
                case _:
                    self._has_trained |= isinstance(message, Progress)
                    add_message(publication, self._lease, message, self._files)
        if publication:
            self._publish(publication)
        return False

    def _final_state(self, finished: bool, step: int, requested: State) -> tuple[State, str | None]:
        """Return the job's state after its process has stopped at a step, and the error if it failed."""
        if requested == State.CANCELLING:
            return State.CANCELLED, None
        if finished:
            return State.SUCCEEDED, None
        if self._failure:
            return State.FAILED, self._failure
        goal = self._lease.pause_at
        pauses = requested == State.PAUSING or (goal is not None and step >= goal)
        return (State.PAUSED if pauses else State.QUEUED), None

    def _is_too_soon(self, checkpoint: Checkpoint) -> bool:
        """Return whether a checkpoint for recovery is left out, because it takes long to bring it to the database."""
        return not (checkpoint.kept or checkpoint.last or self._upload.is_due())

    def _publish(self, publication: Publication, final_state: FinalState | None = None) -> State:
        def publish() -> State:
            has_checkpoint = self._in_database and "checkpoint" in publication.values
            with self._upload.writing() if has_checkpoint else contextlib.nullcontext():
                return self._leases.publish(self._lease, publication, final_state)

        state = retry_until_available(publish)
        if publication.files:
            self._tidy(publication)
        return state

    def _tidy(self, publication: Publication) -> None:
        """Delete the files that a publication has made superfluous."""
        names = self._files.names()
        done = publication.superseded(names, self._lease)
        if self._in_database:  # which has them now
            # The process looks whether it has written the real examples, and may write its newest checkpoint once more:
            # then, it is the last one.
            done += [
                name for name in publication.files if name != file_names.REAL and not file_names.is_checkpoint(name)
            ]
            done += file_names.earlier_checkpoints(names, self._newest, ()) if self._newest else []
        self._files.delete(done)

    def _check(self) -> None:
        """Stop the process where a caller, a limit or the end of the worker requires it."""
        now = time.monotonic()
        if now - self._checked < _CHECK_SECONDS:
            return
        self._checked = now
        retry_until_available(lambda: self._leases.refresh(self._lease))
        self._check_limits()
        if now - self._heard > _SILENCE_SECONDS:
            log.warning("job %s: its training process has been silent for %g s", self._lease.job_id, _SILENCE_SECONDS)
            self._kill()
        state = self._lease.state
        if self._stop_sent is None:
            if state != State.RUNNING or self._stopping.is_set() or self._failure is not None:
                self._stop_sent = now
                self._process.terminate()
        elif now - self._stop_sent > self._patience(state):
            self._kill()

    def _patience(self, state: State) -> float:
        """Return the seconds that the process has after it was told to stop."""
        if state == State.CANCELLING and not self._has_trained:  # it compiles, say
            return _CANCEL_SECONDS
        return _STOP_SECONDS if self._stopping.is_set() else _SAVE_SECONDS

    def _check_limits(self) -> None:
        settings = self._settings
        if self._idle_memory and self._process.memory() - self._idle_memory > settings.job_memory * 2**20:
            self._failure = f"the job took more than {settings.job_memory:,} MiB of memory; take a smaller network"
            self._kill()
        if self._lease.seconds > settings.job_seconds and self._failure is None:
            self._failure = (
                f"the job trained for {settings.job_seconds:g} seconds, the most a job may; its last weights and "
                "checkpoint are kept"
            )

    def _kill(self) -> None:
        self._process.kill()
        raise ProcessEndedError

    def _process_ended(self) -> bool:
        """Decide how a job goes on whose process is dead; what was published stands."""
        self._process.kill()

        def final_state(requested: State) -> tuple[State, str | None]:
            if requested == State.RUNNING and not self._failure and not self._stopping.is_set():
                return requested, None  # another process continues
            return self._final_state(False, self._lease.checkpoint_step, requested)

        return self._publish(Publication(), final_state) not in HELD
