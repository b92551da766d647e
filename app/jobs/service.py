"""What the routes ask for: jobs in the database together with their files."""

import io
import json
import logging
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.config import Settings
from app.jobs import pictures, sampling
from app.jobs.errors import JobsUnavailableError, NotThereError
from app.jobs.files import JobFiles
from app.jobs.specification import (
    LOSS_NAMES,
    ForkRequest,
    JobRequest,
    PointData,
    Shape,
    Specification,
    forked,
    specify,
)
from app.jobs.states import State

if TYPE_CHECKING:  # a service that is never asked for a job does not load a database
    from app.jobs.store import Event, JobRow, JobStore

log = logging.getLogger("nobody.jobs")

Points = npt.NDArray[np.float32]


class JobService:
    """The jobs. The database is opened at the first call: faces are served whether it answers or not.

    Args:
        settings: where the jobs are kept, and the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._store: JobStore | None = None

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
        from sqlalchemy.exc import InterfaceError, OperationalError

        try:
            yield self._opened()
        except (OperationalError, InterfaceError, OSError) as error:
            raise JobsUnavailableError(
                "the database of the jobs does not answer; try again in a few seconds"
            ) from error

    def _opened(self) -> "JobStore":
        with self._lock:
            if self._store is None:
                from app.jobs.database import connect
                from app.jobs.queue import Queue
                from app.jobs.store import JobStore

                engine = connect(self.settings)
                self._store = JobStore(engine, Queue(engine), self.settings.max_queued_jobs)
            return self._store

    def files(self, job_id: str) -> JobFiles:
        """Return where the files of a job lie."""
        return JobFiles(self.settings.data, job_id)

    def submit(self, request: JobRequest, points: Points | None, key: str | None) -> "JobRow":
        """Store a new job and queue it.

        Args:
            request: the checked body.
            points: examples from an uploaded file, which take the place of the body's data.
            key: the Idempotency-Key, if there is one.

        Raises:
            LimitError: the job is beyond a limit of this service.
            QueueFullError: too many jobs wait.
            IdempotencyError: the key belongs to another request.
        """
        from app.jobs.store import NewJob, digest, new_id

        if points is None and isinstance(request.data, PointData):
            points = np.array(request.data.points, np.float32)
        specification = specify(request, None if points is None else Shape(*points.shape), self.settings)
        parts = [request.model_dump_json(exclude={"data"} if points is not None else None).encode()]
        job_id = new_id()
        files = self.files(job_id)
        if points is not None:
            parts.append(points.tobytes())
            files.folder.mkdir(parents=True)
            np.save(files.points, points, allow_pickle=False)
        new = NewJob(specification, request.name, request.metadata, digest(*parts))
        return self._submit(job_id, new, key)

    def fork(self, parent_id: str, changes: ForkRequest, key: str | None) -> "JobRow":
        """Start a new job from a checkpoint of another one.

        Raises:
            UnknownJobError: there is no such parent.
            NotThereError: it has no checkpoint, or none at that step.
            LimitError: the changed job is beyond a limit, or has no steps left.
        """
        from app.jobs.store import NewJob, digest, new_id

        with self.store() as store:
            parent = store.get(parent_id)
        step, checkpoint = _checkpoint(parent, changes.step)
        specification = forked(Specification.model_validate(parent["specification"]), changes, step, self.settings)
        job_id = new_id()
        files, theirs = self.files(job_id), self.files(parent_id)
        name = f"{step:09}-0.npz"
        copies = [(theirs.checkpoint(checkpoint), files.checkpoint(name))]
        if theirs.points.exists():
            copies.append((theirs.points, files.points))
        try:
            for source, target in copies:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read_bytes())
        except FileNotFoundError:
            files.remove()
            raise NotThereError(f"the checkpoint of step {step} made way for a newer one; try again") from None
        new = NewJob(
            specification,
            changes.name if changes.name is not None else parent["name"],
            changes.metadata if changes.metadata is not None else parent["metadata"],
            digest(b"fork", parent_id.encode(), changes.model_dump_json().encode()),
            parent_id,
            name,
            step,
        )
        return self._submit(job_id, new, key)

    def _submit(self, job_id: str, new: Any, key: str | None) -> "JobRow":
        job = None
        try:
            with self.store() as store:
                job = store.submit(job_id, new, key)
        finally:
            if job is None or job["id"] != job_id:  # refused, or a repetition
                self.files(job_id).remove()
        return job

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended, and its files.

        Raises:
            UnknownJobError: there is no such job.
            TransitionError: it has not ended.
        """
        with self.store() as store:
            store.delete(job_id)
        self.files(job_id).remove()

    def event_text(self, job: "JobRow", event: "Event") -> str:
        """Return the data of an event as JSON; those of pictures lie in files."""
        files = self.files(job["id"])
        paths = {"data": files.real, "snapshot": files.snapshot(event.data.get("step", 0))}
        if event.kind in paths:
            try:
                return paths[event.kind].read_text()
            except FileNotFoundError:
                pass  # the job was deleted a moment ago
        return json.dumps(event.data)

    def picture(self, job: "JobRow", step: int | None, size: int) -> Image.Image:
        """Draw a job: its points, its discriminator, its losses until ``step`` (the newest snapshot by default).

        Raises:
            NotThereError: there is no snapshot of that step.
        """
        files = self.files(job["id"])
        steps = [known for known in files.snapshot_steps() if known <= job["snapshot"]]
        if not steps:
            raise NotThereError(f"the job is {job['state']} and has no picture yet")
        if step is None:
            step = steps[-1]
        if step not in steps:
            near = min(steps, key=lambda known: abs(known - step))
            raise NotThereError(
                f"expected a step with a snapshot, got {step}; the nearest is {near}, the last {steps[-1]}"
            )
        with self.store() as store:
            losses = store.losses_of(job)
        return pictures.picture(
            json.loads(files.real.read_text()),
            json.loads(files.snapshot(step).read_text()),
            losses[: step - job["first_step"]],
            LOSS_NAMES[job["specification"]["model"]],
            first_step=job["first_step"],
            title=f"{job['specification']['model']}, step {step:,} of {job['steps']:,}",
            size=size,
        )

    def samples(self, job: "JobRow", count: int, seed: int) -> Points:
        """Draw fresh samples of the job's generator, float32 ``(count, dimensions)``.

        Raises:
            NotThereError: the job has no weights yet.
        """
        path = self.weights(job) / "generator.npz"
        return sampling.sample(path, job["specification"]["latent_type"], count, seed)

    def weights(self, job: "JobRow") -> Path:
        """Return the folder of the job's networks.

        Raises:
            NotThereError: the job has no weights yet.
        """
        if not job["weights"]:
            raise NotThereError(f"the job is {job['state']} and has no weights; they are written when it stops")
        return self.files(job["id"]).weights(job["weights"])

    def archive(self, job: "JobRow", description: str) -> bytes:
        """Return a zip of ``generator.h5``, ``discriminator.h5`` and ``job.json``.

        Raises:
            NotThereError: the job has no weights yet.
        """
        folder = self.weights(job)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in ("generator.h5", "discriminator.h5"):
                archive.write(folder / name, name)
            archive.writestr("job.json", description)
        return buffer.getvalue()


def _checkpoint(parent: "JobRow", step: int | None) -> tuple[int, str]:
    known = {int(kept): file for kept, file in parent["kept_checkpoints"].items()}
    if parent["checkpoint"]:
        known.setdefault(parent["checkpoint_step"], parent["checkpoint"])
    if not known:
        raise NotThereError(f"the job is {State(parent['state'])} and has no checkpoint yet")
    if step is None:
        step = max(known)
    if step not in known:
        steps = ", ".join(str(kept) for kept in sorted(known))
        raise NotThereError(f"expected a step with a checkpoint, one of {steps}, got {step}")
    return step, known[step]
