"""One job, attended from its start in a training process to its end."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.jobs.files import JobFiles
from app.jobs.record.leases import End, Lease, LeaseBook, LostLeaseError, Publication
from app.jobs.record.tables import is_away
from app.jobs.states import HELD, State
from app.jobs.trainer.messages import (
    Checkpoint,
    Done,
    Failed,
    Interrupted,
    Message,
    Order,
    Phase,
    Progress,
    Snapshot,
    Started,
)
from app.jobs.worker.processes import ProcessEndedError, TrainingProcess, WarmProcesses
from models.catalogue import LOSS_NAMES

log = logging.getLogger("nobody.jobs")

#: How often callers' wishes are looked up, and how long a process may take to save and stop, in seconds.
_LOOK_SECONDS = 0.2
_GRACE = {State.CANCELLING: 2.0}
_USUAL_GRACE = 8.0
#: A process that says nothing for so long hangs: nothing takes that long, not even compiling a large step.
_SILENCE_SECONDS = 300.0
#: Pauses before another process is tried: after the first that died, and at most, in seconds.
_PAUSES = (0.2, 2.0)
#: Pause before another try where the database does not answer.
_RETRY_SECONDS = 0.5

T = TypeVar("T")


class Supervision:
    """Lets training processes work on one job until there is nothing more to do.

    Args:
        leases: the record.
        processes: where training processes come from.
        settings: the limits of a job.
        stopping: set when the worker is to end: the job then goes back to the queue.
    """

    def __init__(
        self, leases: LeaseBook, processes: WarmProcesses, settings: Settings, stopping: threading.Event
    ) -> None:
        self._leases = leases
        self._processes = processes
        self._settings = settings
        self._stopping = stopping

    def attend(self, job_id: str, run: int) -> None:
        """See one run of a job through; a process that dies is replaced, and goes on from the last checkpoint.

        However this ends, the job is in no state that says that somebody works on it.
        """
        try:
            self._attend(job_id, run)
        except BaseException as error:  # whatever it is: the queue would only note it, and the job run for ever
            log.exception("job %s: it could not be attended", job_id)
            reason = f"the worker failed unexpectedly ({type(error).__name__}); its log says why"
            patiently(lambda: self._leases.fail(job_id, run, reason))

    def _attend(self, job_id: str, run: int) -> None:
        take = partial(self._leases.take, job_id, run)
        lease = patiently(take)
        while lease is not None:
            if self._attempt(lease):
                return
            log.warning("job %s: its training process ended unexpectedly; starting another one", job_id)
            # What keeps on failing (no memory, no disk) gets time to recover, and does not fill the log.
            first, longest = _PAUSES
            if self._stopping.wait(min(first * lease.stalls, longest)):
                self._hand_back(lease)
                return
            lease = patiently(partial(take, lease.trouble))

    def _hand_back(self, lease: Lease) -> None:
        with contextlib.suppress(LostLeaseError):
            patiently(lambda: self._leases.publish(lease, Publication(), lambda wished: (State.QUEUED, None)))

    def _attempt(self, lease: Lease) -> bool:
        """Return True when this run of the job is over, False when it needs another process."""
        try:
            process = self._processes.take()
        except OSError as error:
            log.exception("job %s: no process could be started", lease.job_id)
            lease.trouble = f"no process could be started: {_said(error)}"
            return False
        over = False
        try:
            over = _Attempt(lease, process, self._leases, self._settings, self._stopping).run()
        except LostLeaseError:
            log.warning("job %s was taken over by another worker", lease.job_id)
            process.kill()
            return True
        except Exception as error:
            log.exception("job %s: it could not be attended", lease.job_id)
            lease.trouble = f"the worker had trouble: {_said(error)}"
            process.kill()
        except BaseException:
            process.kill()
            raise
        self._processes.give_back(process)
        return over


class _Attempt:
    """One training process at work on a job."""

    def __init__(
        self,
        lease: Lease,
        process: TrainingProcess,
        leases: LeaseBook,
        settings: Settings,
        stopping: threading.Event,
    ) -> None:
        self._lease = lease
        self._process = process
        self._leases = leases
        self._settings = settings
        self._stopping = stopping
        self._files = JobFiles(settings.data, lease.job_id)
        self._looked = 0.0
        self._heard = time.monotonic()
        self._idle_memory = 0  # of the process before the job; known once it has started
        self._told: float | None = None  # when the process was told to stop
        self._reason: str | None = None  # why the job must fail although its process obeys

    def run(self) -> bool:
        """Return True when this run of the job is over, False when it needs another process.

        Raises:
            LostLeaseError: another worker has the job.
        """
        lease = self._lease
        order = Order(
            specification=lease.specification.model_dump(mode="json"),
            folder=self._files.folder,
            attempt=lease.attempt,
            first_step=lease.first_step,
            checkpoint=lease.checkpoint,
        )
        try:
            self._files.make()
            self._check_folder()
            self._files.tidy_unfinished()
            self._process.send(order)
            while True:
                messages = self._process.receive(wait=0.1)
                if messages:
                    self._heard = time.monotonic()
                if self._handle(messages):
                    return True
                self._look()
        except ProcessEndedError:
            return self._process_ended()

    def _check_folder(self) -> None:
        """Take back the folder that was just made, should the job have been taken over, and deleted, meanwhile."""
        try:
            patiently(lambda: self._leases.look(self._lease))
        except LostLeaseError:
            with contextlib.suppress(OSError):
                self._files.folder.rmdir()
            raise

    def _handle(self, messages: list[Message]) -> bool:
        publication = Publication()
        for message in messages:
            match message:
                case Done():
                    publication.values |= {"weights": message.weights, "weights_step": message.step}
                    self._publish(publication, partial(self._end, message.finished))
                    self._files.tidy_weights(message.weights, self._lease.attempt)
                    return True
                case Failed():
                    self._reason = message.reason
                    self._publish(publication, partial(self._end, False))
                    self._process.kill()
                    return True
                case _:
                    self._note(publication, message)
        if publication:
            self._publish(publication)
        return False

    def _end(self, finished: bool, wished: State) -> tuple[State, str | None]:
        """Return the state in which the job leaves a process that has stopped, and the error if it failed."""
        if wished == State.CANCELLING:
            return State.CANCELLED, None
        if finished:
            return State.SUCCEEDED, None
        if self._reason:
            return State.FAILED, self._reason
        return (State.PAUSED if wished == State.PAUSING else State.QUEUED), None

    def _note(self, publication: Publication, message: Message) -> None:
        lease, values = self._lease, publication.values
        match message:
            case Interrupted():
                lease.trouble = message.reason
            case Started():
                self._idle_memory = message.memory
            case Phase():
                values["phase"] = message.name
                publication.events.append(("phase", {"phase": message.name, "step": lease.step}))
            case Progress():
                self._note_progress(publication, message)
            case Snapshot() if message.step > lease.snapshot:
                if lease.snapshot < 0:
                    publication.events.append(("data", {"step": message.step}))
                lease.snapshot = values["snapshot"] = message.step
                values["figures"] = message.figures
                publication.events.append(("snapshot", {"step": message.step, "figures": message.figures}))
                self._note_warnings(publication, message)
            case Checkpoint():
                if message.step > lease.checkpoint_step:  # else nothing was gained since the job was taken up
                    lease.stalls = values["stalls"] = 0
                lease.checkpoint = values["checkpoint"] = message.file
                values["checkpoint_step"] = message.step
                if message.kept:
                    publication.kept_checkpoints[str(message.step)] = message.file
                    lease.kept.add(message.file)

    def _note_warnings(self, publication: Publication, message: Snapshot) -> None:
        """Tell of a change; a warning that still holds keeps its words, which say since when."""
        lease = self._lease
        warnings = {name: lease.warnings.get(name, text) for name, text in message.warnings.items()}
        if warnings != lease.warnings:
            lease.warnings = publication.values["warnings"] = warnings
            publication.events.append(("warnings", {"step": message.step, "warnings": warnings}))

    def _note_progress(self, publication: Publication, message: Progress) -> None:
        lease, values = self._lease, publication.values
        lease.seconds += message.seconds
        values["seconds"] = lease.seconds
        # What a process trains a second time, on from the checkpoint of the one before, is known already.
        new = message.losses[-(message.step - lease.step) :] if message.step > lease.step else message.losses[:0]
        if not len(new):
            return
        names = LOSS_NAMES[lease.specification.model]
        lease.step = message.step
        values |= {
            "step": message.step,
            "losses": dict(zip(names, (float(value) for value in new[-1]), strict=True)),
            "steps_per_second": len(message.losses) / max(message.seconds, 1e-6) if message.paced else None,
        }
        publication.blocks.append((message.step, new))
        means = dict(zip(names, (float(value) for value in new.mean(axis=0, dtype="float64")), strict=True))
        publication.events.append(
            ("progress", {"step": message.step, "losses": means, "steps_per_second": values["steps_per_second"]})
        )

    def _publish(self, publication: Publication, end: End | None = None) -> State:
        state = patiently(lambda: self._leases.publish(self._lease, publication, end))
        if "checkpoint" in publication.values:
            names = self._lease.kept | {publication.values["checkpoint"]}
            self._files.tidy_checkpoints(names, self._lease.attempt)
        return state

    def _look(self) -> None:
        """Look what callers wish and whether the job keeps to its limits; stop the process where need be."""
        now = time.monotonic()
        if now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        patiently(lambda: self._leases.look(self._lease))
        if self._idle_memory and self._process.memory() - self._idle_memory > self._settings.job_memory * 2**20:
            self._fail(f"the job took more than {self._settings.job_memory:,} MiB of memory; take a smaller network")
        elif self._lease.seconds > self._settings.job_seconds and self._reason is None:
            self._reason = (
                f"the job trained for {self._settings.job_seconds:g} seconds, the most a job may; its last weights "
                "and checkpoint are kept"
            )
        wanted = self._lease.state != State.RUNNING or self._stopping.is_set() or self._reason is not None
        if wanted and self._told is None:
            self._told = now
            self._process.terminate()
        if now - self._heard > _SILENCE_SECONDS:
            log.warning("job %s: its training process has been silent for %g s", self._lease.job_id, _SILENCE_SECONDS)
            self._process.kill()
            raise ProcessEndedError
        grace = _GRACE.get(self._lease.state, _USUAL_GRACE)
        if self._told is not None and now - self._told > grace:
            self._process.kill()
            raise ProcessEndedError

    def _fail(self, reason: str) -> None:
        self._reason = reason
        self._process.kill()
        raise ProcessEndedError

    def _process_ended(self) -> bool:
        """Decide what becomes of a job whose process is dead; what it had published stands."""
        self._process.kill()

        def end(wished: State) -> tuple[State, str | None]:
            if wished == State.RUNNING and not self._reason and not self._stopping.is_set():
                return wished, None  # it deserves another process
            return self._end(False, wished)

        return self._publish(Publication(), end) not in HELD


def _said(error: Exception) -> str:
    """Return why something failed, for who does not run the service: without its paths."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def patiently(action: Callable[[], T]) -> T:
    """Do something with the database, again and again for as long as it does not answer, or cannot be written."""
    said = False
    while True:
        try:
            return action()
        except SQLAlchemyError as error:
            if not is_away(error):
                raise
            if not said:
                log.warning("the database does not answer; trying again until it does")
                said = True
            time.sleep(_RETRY_SECONDS)
