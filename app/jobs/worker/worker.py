"""``nobody worker``: takes jobs from the queue and has them trained."""

import logging
import os
import secrets
import signal
import socket
import threading
from importlib.util import find_spec
from types import FrameType

from dbos import DBOS, DBOSConfig
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.jobs.errors import JobsUnavailableError
from app.jobs.files import JobFiles, sweep
from app.jobs.locks import worker_lock
from app.jobs.record.adoption import adopt
from app.jobs.record.database import connect
from app.jobs.record.leases import LeaseStore
from app.jobs.record.queue import APPLICATION, APPLICATION_VERSION, QUEUE, WORKFLOW, Queue
from app.jobs.record.store import JobStore
from app.jobs.scratch import sweep_scratch
from app.jobs.worker.heartbeats import BEAT_SECONDS, Heartbeats
from app.jobs.worker.periodic import Periodic
from app.jobs.worker.processes import WarmProcesses
from app.jobs.worker.supervisor import JobSupervisor
from app.jobs.worker.tidying import Tidying
from app.jobs.worker.warming import Warming

log = logging.getLogger("nobody.jobs")

#: Intervals at which the queue, the database file and interrupted work are checked, in seconds.
_QUEUE_SECONDS = 0.2
_FILE_SECONDS = 1.0
_REPAIR_SECONDS = 30.0
#: Interval at which old jobs are deleted, where there is a limit, in seconds.
_TIDY_SECONDS = 10.0
#: Interval at which another training step may be compiled ahead, in seconds.
_WARM_SECONDS = 0.5
#: Time that all jobs together have to save and stop when the worker ends, in seconds.
_STOP_SECONDS = 12


def run_worker(settings: Settings) -> None:
    """Train jobs until SIGTERM or Ctrl-C; jobs that run then are saved and go back to the queue.

    Raises:
        LockedError: another worker runs on the same data folder.
        JobsUnavailableError: the database cannot be used, or TensorFlow is not installed.
        OSError: the data folder cannot be written.
    """
    if find_spec("tensorflow") is None:
        raise JobsUnavailableError("TensorFlow, which trains the jobs, is not installed; pip install tensorflow keras")
    try:
        Worker(settings).run()
    except SQLAlchemyError as error:
        where = "NOBODY_DATABASE_URL" if settings.database_url else settings.data / "jobs.sqlite"
        raise JobsUnavailableError(f"no usable database at {where}: {str(error).splitlines()[0]}") from None


class Worker:
    """A DBOS executor; its only workflow trains one job."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = worker_lock(settings)  # held to the end of the process
        #: Never used twice: the jobs of a worker that is gone are told from those of its successor.
        self._name = f"{socket.gethostname()}-{secrets.token_hex(4)}"
        self._engine = connect(settings)
        sweep(settings.data)
        adopt(self._engine, settings.data)
        self._queue = queue = Queue(self._engine)
        self._store = JobStore(self._engine, queue, settings.max_queued_jobs)
        self._leases = LeaseStore(self._engine, queue, self._name)
        self._heartbeats = Heartbeats(self._engine, queue, self._name) if settings.database_url else None
        self._stopping = threading.Event()
        self._processes = WarmProcesses(settings.concurrent_jobs)
        self._supervisor = JobSupervisor(self._leases, self._processes, settings, self._stopping)

    def run(self) -> None:
        """Work until SIGTERM or Ctrl-C."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        background = [Periodic("repairing interrupted work", _REPAIR_SECONDS, self._repair)]
        if self._settings.keep_days is not None or self._settings.max_disk is not None:
            tidying = Tidying(self._store, self._settings, self._stopping)
            background.append(Periodic("deleting old jobs", _TIDY_SECONDS, tidying.go_on))
        if self._settings.warm_architectures:
            warming = Warming(self._store, self._processes, self._settings)
            background.append(Periodic("compiling ahead", _WARM_SECONDS, warming.go_on))
        if self._heartbeats is not None:
            self._heartbeats.beat()
            background.append(Periodic("watching the other workers", BEAT_SECONDS, self._heartbeats.tick))
        try:
            self._repair()
        except Exception:
            log.exception("repairing interrupted work failed; trying again in %g seconds", _REPAIR_SECONDS)
        self._launch()
        for thread in background:
            thread.start()
        self._processes.warm()
        log.info("worker %s: ready for %d jobs at a time", self._name, self._settings.concurrent_jobs)
        while not self._stopping.wait(_FILE_SECONDS):
            if self._store.is_gone:
                log.error("the database file of the jobs was removed or replaced; a new worker will open it")
                os._exit(1)
        signal.alarm(_STOP_SECONDS + 5)  # ends this process even if the database does not answer
        for thread in background:
            thread.stop()
        # DBOS stops taking jobs and waits for the running ones, whose supervisors watch the same event.
        DBOS.destroy(workflow_completion_timeout_sec=_STOP_SECONDS)
        self._processes.close()
        if self._heartbeats is not None:
            self._heartbeats.leave()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping.is_set():
            os._exit(1)  # second signal: end at once; jobs resume from their checkpoints
        self._stopping.set()

    def _repair(self) -> None:
        """Resume jobs that no worker has, complete interrupted deletions, and clean up after dead processes."""
        sweep_scratch()
        if self._heartbeats is None:  # we are the only worker: whoever else has runs is dead
            self._queue.recover(self._queue.executors() - {self._name})
        self._leases.repair()
        for job_id in self._store.leftovers():
            try:
                self._store.clear(JobFiles(self._settings.data, job_id))
            except OSError as error:
                log.warning("the files of the deleted job %s are still there: %s", job_id, error)

    def _launch(self) -> None:
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_engine": self._engine,
            "application_version": APPLICATION_VERSION,
            "executor_id": self._name,
            "log_level": "ERROR",
            "run_migrations": False,  # connect() has done so
        }
        DBOS(config=config)

        @DBOS.step(name="train")
        def train(job_id: str, run: int) -> None:
            self._supervisor.run(job_id, run)

        # No limit of recoveries: leases count those without progress, see MAX_STALLS.
        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
        def train_workflow(job_id: str, run: int) -> None:
            train(job_id, run)

        DBOS.launch()
        concurrency = self._settings.concurrent_jobs
        DBOS.register_queue(QUEUE, worker_concurrency=concurrency, polling_interval_sec=_QUEUE_SECONDS)
