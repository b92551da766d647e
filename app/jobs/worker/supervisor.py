"""Runs one job from its start in a training process to its end."""

import contextlib
import logging
import threading
from functools import partial

from app import logs
from app.config import Settings
from app.jobs.record.database import retry_until_available
from app.jobs.record.leases import LeaseStore, LostLeaseError
from app.jobs.record.publications import Lease, Publication
from app.jobs.states import State
from app.jobs.worker.processes import WarmProcesses
from app.jobs.worker.trainer_run import TrainerRun

log = logging.getLogger("nobody.jobs")

#: Pause before another process is tried, per process that died since the last checkpoint, and its maximum, in seconds.
_PAUSES = (0.2, 2.0)


class JobSupervisor:
    """Lets training processes work on a job, one after the other, until there is nothing more to do.

    Args:
        leases: the record.
        processes: the source of training processes.
        settings: the limits of a job.
        stopping: set when the worker is to end; the job then goes back to the queue.
    """

    def __init__(
        self, leases: LeaseStore, processes: WarmProcesses, settings: Settings, stopping: threading.Event
    ) -> None:
        self._leases = leases
        self._processes = processes
        self._settings = settings
        self._stopping = stopping

    def run(self, job_id: str, run: int) -> None:
        """Complete one run of a job. A process that dies is replaced by another, which resumes from the checkpoint.

        However this ends, the job is in no state that claims a worker.
        """
        try:
            with logs.about(job=job_id):
                self._run(job_id, run)
        except BaseException as error:  # DBOS would only record the error, and the job would stay "running" for ever
            log.exception("job %s: its supervision failed", job_id)
            reason = f"the worker failed unexpectedly ({type(error).__name__}); its log says why"
            retry_until_available(lambda: self._leases.fail(job_id, run, reason))

    def _run(self, job_id: str, run: int) -> None:
        acquire = partial(self._leases.acquire, job_id, run)
        lease = retry_until_available(acquire)
        while lease is not None:
            logs.now_about(job=job_id, request_id=lease.request_id)
            if self._run_process(lease):
                return
            log.warning("job %s: its training process ended unexpectedly; starting another one", job_id)
            pause, longest = _PAUSES
            if self._stopping.wait(min(pause * lease.stalls, longest)):
                self._requeue(lease)
                return
            lease = retry_until_available(partial(acquire, lease.last_failure))

    def _requeue(self, lease: Lease) -> None:
        with contextlib.suppress(LostLeaseError):
            retry_until_available(lambda: self._leases.publish(lease, Publication(), lambda _: (State.QUEUED, None)))

    def _run_process(self, lease: Lease) -> bool:
        """Return True when this run of the job is over, False when it needs another process."""
        try:
            process = self._processes.take(lease.specification.settings.architecture)
        except OSError as error:
            log.exception("job %s: no process could be started", lease.job_id)
            lease.last_failure = f"no process could be started: {_public_reason(error)}"
            return False
        over = False
        try:
            over = TrainerRun(lease, process, self._leases, self._settings, self._stopping).run()
        except LostLeaseError:
            log.warning("job %s was taken over by another worker", lease.job_id)
            process.kill()
            over = True
        except Exception as error:
            log.exception("job %s: its supervision failed", lease.job_id)
            lease.last_failure = f"the worker had trouble: {_public_reason(error)}"
            process.kill()
        except BaseException:
            process.kill()
            raise
        self._processes.give_back(process)
        return over


def _public_reason(error: Exception) -> str:
    """Return the reason of an error without the paths of this machine."""
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__
