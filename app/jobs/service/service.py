"""What the routes ask for: jobs in the database together with their files."""

import asyncio
import io
import json
import logging
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from app.config import Settings
from app.jobs.errors import JobsUnavailableError, NotThereError
from app.jobs.files import JobFiles
from app.jobs.limits import LimitError, forked, specify
from app.jobs.service import pictures, sampling
from app.jobs.service.examples import Table, prepared
from app.jobs.service.views import iso_time, view
from app.jobs.specification import ForkRequest, JobRequest, PointData, StoredData
from app.jobs.states import State
from models.catalogue import LOSS_NAMES

if TYPE_CHECKING:  # a service that is never asked for a job does not load a database
    from app.jobs.record.rows import JobRow
    from app.jobs.record.store import Event, JobStore, NewJob

log = logging.getLogger("nobody.jobs")

Points = npt.NDArray[np.float32]
P = ParamSpec("P")
T = TypeVar("T")

#: Heavy things that are done at the same time, and pause after a vain try to reach the database, in seconds.
_THREADS = 2
_PAUSE_SECONDS = 2.0
#: Numbers in one answer.
MAX_VALUES = 2_000_000


class JobService:
    """The jobs. The database is opened at the first call: faces are served whether it answers or not.

    Args:
        settings: where the jobs are kept, and the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._store: JobStore | None = None
        self._failed = -float("inf")
        self._threads = ThreadPoolExecutor(_THREADS, "jobs")

    async def heavily(self, work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """Do something that takes much time or memory, a few such things at a time, beside the event loop."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(work, *arguments, **keywords))

    def limits(self) -> dict[str, int | float]:
        """Return the limits of jobs, by the names of their settings."""
        return self.settings.model_dump(
            include={
                "concurrent_jobs",
                "max_queued_jobs",
                "max_steps",
                "max_width",
                "max_depth",
                "max_batch",
                "max_rows",
                "max_upload",
                "job_memory",
                "job_seconds",
            }
        )

    @contextmanager
    def store(self) -> Iterator["JobStore"]:
        """Yield the record of the jobs.

        Raises:
            JobsUnavailableError: the database does not answer, now or while it is used.
        """
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield self._opened()
        except (SQLAlchemyError, OSError) as error:
            from app.jobs.record.tables import is_away

            if not isinstance(error, OSError) and not is_away(error):
                raise
            log.warning("the jobs cannot be reached: %s", str(error).partition("\n")[0])
            what = f"folder cannot be written ({error.strerror})" if _is_of_files(error) else "database does not answer"
            raise JobsUnavailableError(f"the jobs' {what}; try again in a few seconds") from None

    def _opened(self) -> "JobStore":
        if self._store is not None and not self._store.is_gone:
            return self._store
        # Whoever comes while another one tries, or has just failed, is not kept waiting.
        if time.monotonic() - self._failed < _PAUSE_SECONDS or not self._lock.acquire(timeout=_PAUSE_SECONDS):
            raise ConnectionError  # tried a moment ago
        try:
            if self._store is not None and self._store.is_gone:
                log.warning("the database of the jobs was taken away; opening another one")
                self._store.close()
                self._store = None
            if self._store is None:
                self._store = self._open()
            return self._store
        except Exception:
            self._failed = time.monotonic()
            raise
        finally:
            self._lock.release()

    def _open(self) -> "JobStore":
        from app.jobs.record.queue import Queue
        from app.jobs.record.store import JobStore
        from app.jobs.record.tables import connect

        engine = connect(self.settings)
        return JobStore(engine, Queue(engine), self.settings.max_queued_jobs)

    def files(self, job_id: str) -> JobFiles:
        """Return where the files of a job lie."""
        return JobFiles(self.settings.data, job_id)

    def submit(self, request: JobRequest, table: Table | None, key: str | None) -> "JobRow":
        """Store a new job and queue it.

        Args:
            request: the checked body.
            table: examples from an uploaded file, which take the place of the body's data.
            key: the Idempotency-Key, if there is one.

        Raises:
            LimitError: the job is beyond a limit of this service.
            QueueFullError: too many jobs wait.
            IdempotencyError: the key belongs to another request.
        """
        from app.jobs.record.store import NewJob, digest

        if table is None and isinstance(request.data, PointData):
            table = Table(np.array(request.data.points, np.float64))
        stored, points = (None, None) if table is None else prepared(table, request.normalize)
        specification = specify(request, stored, self.settings)
        parts = [request.model_dump_json(exclude={"data"} if stored else None).encode()]
        if stored is not None and points is not None:
            parts += [stored.model_dump_json().encode(), points.tobytes()]
        new = NewJob(specification, request.name, request.metadata, digest(*parts))

        if points is None:
            return self._submit(new, key)

        def write(files: JobFiles) -> None:
            files.make()
            np.save(files.points, points, allow_pickle=False)

        return self._submit(new, key, write)

    def fork(self, parent_id: str, changes: ForkRequest, key: str | None) -> "JobRow":
        """Start a new job from a checkpoint of another one.

        Raises:
            UnknownJobError: there is no such parent.
            NotThereError: it has no checkpoint, or none at that step.
            LimitError: the changed job is beyond a limit, or has no steps left.
        """
        from app.jobs.record.rows import specification_of
        from app.jobs.record.store import NewJob, digest

        request_digest = digest(b"fork", parent_id.encode(), changes.model_dump_json().encode())
        with self.store() as store:
            known = store.known(key, request_digest)
            if known is not None:
                return known
            parent = store.get(parent_id)
        specification = specification_of(parent)
        step, checkpoint = _checkpoint(parent, changes.step)
        specification = forked(specification, changes, step, self.settings)
        name = f"{step:09}-0.npz"
        new = NewJob(
            specification,
            changes.name if changes.name is not None else parent["name"],
            changes.metadata if changes.metadata is not None else parent["metadata"],
            request_digest,
            parent_id,
            name,
            step,
        )
        theirs = self.files(parent_id)

        def write(files: JobFiles) -> None:
            files.checkpoint(name).parent.mkdir(parents=True)
            try:
                shutil.copyfile(theirs.checkpoint(checkpoint), files.checkpoint(name))
                if theirs.points.exists():
                    shutil.copyfile(theirs.points, files.points)
            except FileNotFoundError:
                raise NotThereError(
                    f"the checkpoint of step {step} is gone: it made way for a newer one, or the files of the job were "
                    "deleted; fork from another step"
                ) from None

        return self._submit(new, key, write)

    def _submit(self, new: "NewJob", key: str | None, write: Callable[[JobFiles], None] | None = None) -> "JobRow":
        """Write the files of a new job, if it has any, then its record; where that comes to nothing, the files go."""
        from app.jobs.record.store import new_id

        job_id = new_id()
        with self.store() as store:
            known = store.known(key, new.digest)
            if known is not None:
                return known
            if write is None:
                return store.submit(job_id, new, key)
            store.announce(job_id)
            stored = False
            try:
                write(self.files(job_id))
                job = store.submit(job_id, new, key, announced=True)
                stored = job["id"] == job_id  # or a repetition was faster
                return job
            finally:
                if not stored:
                    self._clear(store, job_id)

    def _clear(self, store: "JobStore", job_id: str) -> None:
        try:
            store.clear(self.files(job_id))
        except Exception as error:  # what brought us here is said; a worker clears up when it starts
            log.warning("job %s could not be cleared away yet: %s", job_id, str(error).partition("\n")[0])

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended, its files and its place in the queue. What fails half-way may be repeated.

        Raises:
            UnknownJobError: there is no such job.
            TransitionError: it has not ended.
        """
        with self.store() as store:
            store.delete(job_id)
            store.clear(self.files(job_id))

    def event_text(self, job: "JobRow", event: "Event") -> str:
        """Return the data of an event as JSON; those of pictures lie in files."""
        files = self.files(job["id"])
        step = event.data.get("step")
        paths = {"data": files.real, "snapshot": files.snapshot(step if isinstance(step, int) else 0)}
        if event.kind in paths:
            try:
                return paths[event.kind].read_text()
            except OSError:
                pass  # the job was deleted a moment ago, or its files are gone
        return json.dumps(event.data)

    def events_text(self, job: "JobRow", after: int, most: int) -> str:
        """Return up to ``most`` events after the event ``after`` as JSON; see :class:`~.views.Events`."""
        with self.store() as store:
            events = store.events_after(job, after, most)
        last = events[-1].seq if events else after
        # An ended job has all its events; of a damaged one, some may be lost.
        ended = State(job["state"]).ended and (len(events) < most or last >= job["last_event"])
        # The data are JSON already, and large: they are passed on as they are.
        texts = [
            f'{{"id":{seq},"event":{json.dumps(kind)},"at":"{iso_time(at)}","data":{self.event_text(job, event)}}}'
            for event in events
            for seq, kind, at, _ in [event]
        ]
        return f'{{"events":[{",".join(texts)}],"last":{last},"ended":{json.dumps(ended)}}}'

    def picture(self, job_id: str, step: int | None, size: int) -> bytes:
        """Draw a job as PNG: its points, its discriminator, its losses until ``step`` (by default the last snapshot's).

        Raises:
            UnknownJobError: there is no such job.
            NotThereError: there is no snapshot of that step.
        """
        with self.store() as store:
            job = store.get(job_id)
            losses = store.losses_of(job)
        files = self.files(job_id)
        steps = [known for known in files.snapshot_steps() if known <= job["snapshot"]]
        if not steps and job["snapshot"] >= 0:
            raise NotThereError(f"the pictures of job {job_id} are gone: its files were deleted")
        if not steps:
            raise NotThereError(f"the job is {job['state']} and has no picture yet")
        if step is None:
            step = steps[-1]
        if step not in steps:
            near = min(steps, key=lambda known: abs(known - step))
            raise NotThereError(
                f"expected a step with a snapshot, got {step}; the nearest is {near}, the last {steps[-1]}"
            )
        with _files_that_may_go(job_id):
            real, snapshot = (json.loads(path.read_text()) for path in (files.real, files.snapshot(step)))
        return pictures.picture(
            losses[: step - job["first_step"]],
            real=real,
            snapshot=snapshot,
            names=LOSS_NAMES[job["specification"]["model"]],
            first_step=job["first_step"],
            title=f"{job['specification']['model']}, step {step:,} of {job['steps']:,}",
            size=size,
        )

    def samples(self, job_id: str, count: int, seed: int) -> sampling.Samples:
        """Draw fresh samples of the job's generator, in the units of its examples.

        Raises:
            UnknownJobError: there is no such job.
            NotThereError: the job has no weights yet.
            LimitError: that would be too many numbers for one answer.
        """
        from app.jobs.record.rows import require_readable

        with self.store() as store:
            job = store.get(job_id)
        require_readable(job)
        dimensions = job["specification"]["gen_shape"][-1]
        if count * dimensions > MAX_VALUES:
            raise LimitError(
                f"count: expected at most {MAX_VALUES:,} numbers in one answer, got {count:,} samples of "
                f"{dimensions:,}; ask several times, with different seeds"
            )
        path = self.weights(job) / "generator.npz"
        with _files_that_may_go(job_id):
            outputs = sampling.sample(path, job["specification"]["latent_type"], count, seed)
        stored = job["specification"]["data"]
        return sampling.in_units(outputs, StoredData.model_validate(stored) if "rows" in stored else None)

    def weights(self, job: "JobRow") -> Path:
        """Return the folder of the job's networks.

        Raises:
            NotThereError: the job has no weights yet.
        """
        if not job["weights"]:
            raise NotThereError(f"the job is {job['state']} and has no weights; they are written when it stops")
        return self.files(job["id"]).weights(job["weights"])

    def archive(self, job_id: str) -> bytes:
        """Return a zip of ``generator.h5``, ``discriminator.h5`` and ``job.json``.

        Raises:
            UnknownJobError: there is no such job.
            NotThereError: the job has no weights yet.
        """
        with self.store() as store:
            job = store.get(job_id)
        folder = self.weights(job)
        buffer = io.BytesIO()
        with _files_that_may_go(job_id), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("generator.h5", "discriminator.h5"):
                archive.write(folder / name, name)
            archive.writestr("job.json", view(job, None).model_dump_json(indent=2))
        return buffer.getvalue()


def _is_of_files(error: Exception) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and error.strerror is not None and not isinstance(error, ConnectionError)


@contextmanager
def _files_that_may_go(job_id: str) -> Iterator[None]:
    """Say that a job is gone where its files go while they are being read, or that they are damaged."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotThereError(f"the files of job {job_id} are gone; it was deleted, or its weights renewed") from None
    except OSError as error:
        raise NotThereError(f"the files of job {job_id} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile):
        raise NotThereError(f"the files of job {job_id} are damaged") from None


def _checkpoint(parent: "JobRow", step: int | None) -> tuple[int, str]:
    known = {int(kept): file for kept, file in parent["kept_checkpoints"].items()}
    if parent["checkpoint"] and parent["checkpoint_step"] is not None:
        known.setdefault(parent["checkpoint_step"], parent["checkpoint"])
    if not known:
        raise NotThereError(f"the job is {State(parent['state'])} and has no checkpoint yet")
    if step is None:
        step = max(known)
    if step not in known:
        steps = ", ".join(str(kept) for kept in sorted(known))
        raise NotThereError(f"expected a step with a checkpoint, one of {steps}, got {step}")
    return step, known[step]
