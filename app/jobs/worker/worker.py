"""``nobody worker``: takes jobs from the queue and has them trained."""

import logging
import os
import signal
import sys
import threading
from types import FrameType

from dbos import DBOS, DBOSConfig

from app.config import Settings
from app.jobs.files import JobFiles, sweep
from app.jobs.locks import Executor
from app.jobs.record.leases import LeaseBook
from app.jobs.record.queue import APPLICATION, APPLICATION_VERSION, QUEUE, WORKFLOW, Queue
from app.jobs.record.store import JobStore
from app.jobs.record.tables import connect
from app.jobs.worker.heartbeats import Presence
from app.jobs.worker.processes import WarmProcesses
from app.jobs.worker.supervisor import Supervision

log = logging.getLogger("nobody.jobs")

#: How often the queue is looked at, in seconds.
_POLL_SECONDS = 0.1
#: How often the worker looks whether its database is still there, in seconds.
_LOOK_SECONDS = 1.0
#: Time that all jobs together have to save and stop when the worker ends, in seconds.
_GRACE_SECONDS = 12


class Worker:
    """A worker process: an executor of DBOS's queue whose one workflow trains one job.

    Args:
        settings: of the service.

    Raises:
        LockedError: another worker stands on the same data folder.
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
    """

    def __init__(self, settings: Settings) -> None:
        self._executor = Executor(settings)
        self._concurrency = settings.concurrent_jobs
        self._engine = connect(settings)
        sweep(settings.data)
        self._stopping = threading.Event()
        self._processes = WarmProcesses(settings.concurrent_jobs)
        queue = Queue(self._engine)
        self._settings = settings
        self._store = JobStore(self._engine, queue, settings.max_queued_jobs)
        self._leases = LeaseBook(self._engine, queue, self._executor.name)
        self._supervision = Supervision(self._leases, self._processes, settings, self._stopping)
        self._presence = Presence(self._engine, self._executor.name, _holders, _recover, self._mend)

    def run(self) -> None:
        """Work until SIGTERM or Ctrl-C; jobs that run then are saved and go back to the queue."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        self._presence.beat()
        try:
            self._mend()
        except Exception:
            log.exception("looking for what was left half-done failed; trying again in a while")
        self._launch()
        self._presence.start()
        self._processes.warm()
        log.info("worker %s: ready for %d jobs at a time", self._executor.name, self._concurrency)
        while not self._stopping.wait(_LOOK_SECONDS):
            self._check_database()
        _end_after(_GRACE_SECONDS + 5)  # a database that does not answer cannot keep us
        self._presence.stop()
        # DBOS stops looking for jobs, and waits for those that run, which see the same event.
        DBOS.destroy(workflow_completion_timeout_sec=_GRACE_SECONDS)
        self._processes.close()
        self._presence.leave()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping.is_set():
            os._exit(1)  # asked twice: at once. Whatever is lost is recovered from its checkpoint.
        self._stopping.set()

    def _check_database(self) -> None:
        if self._store.is_gone:
            log.error("the database of the jobs was taken away; ending, for another worker to open the one there is")
            os._exit(1)

    def _mend(self) -> None:
        """Take up what others have left half-done: jobs that nobody works on, and what is left of deleted ones."""
        self._leases.mend()
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
            "executor_id": self._executor.name,
            "log_level": "ERROR",
            "run_migrations": False,  # connect() has done so
        }
        DBOS(config=config)

        @DBOS.step(name="train")
        def train(job_id: str, run: int) -> None:
            self._supervision.attend(job_id, run)

        # Without a limit of recoveries: the record has its own, which counts those that came to nothing.
        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
        def train_workflow(job_id: str, run: int) -> None:
            train(job_id, run)

        DBOS.launch()
        DBOS.register_queue(QUEUE, worker_concurrency=self._concurrency, polling_interval_sec=_POLL_SECONDS)


def _holders() -> set[str]:
    pending = DBOS.list_workflows(status="PENDING", name=WORKFLOW, load_input=False, load_output=False)
    return {workflow.executor_id for workflow in pending if workflow.executor_id}


def _recover(executors: list[str]) -> None:
    # What DBOS does at its own start for its own name. Public resume_workflow would start a workflow a second time
    # that somebody else has taken up in the meantime; this one asks for the dead executor's name.
    DBOS._recover_pending_workflows(executors)


def _end_after(seconds: float) -> None:
    timer = threading.Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()


def end_with_parent() -> None:
    """End this process, at once, when the one that started it closes our standard input, however it ended."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
