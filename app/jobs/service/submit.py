"""Submitting jobs: new ones, and forks of existing ones."""

import io
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app import logs
from app.jobs import file_names
from app.jobs.callers import ANYBODY
from app.jobs.disk import disk_use
from app.jobs.errors import NoTrainingError, NotThereError, QueueFullError, UnknownJobError
from app.jobs.files import JobFiles
from app.jobs.limits import LimitError, forked, specify
from app.jobs.record.values import Copied, JobRow, NewJob, Written, checkpoints_of, digest, new_id, specification_of
from app.jobs.service.database import JobDatabase
from app.jobs.service.examples import Singles, Table, prepared
from app.jobs.service.manage import show
from app.jobs.service.views import Job
from app.jobs.specification import ForkRequest, JobData, JobRequest, PointData, Specification, StoredData, ToyData

if TYPE_CHECKING:
    from app.jobs.record.store import JobStore

log = logging.getLogger("nobody.jobs")


def submit(database: JobDatabase, request: JobRequest, table: Table | None = None, key: str | None = None) -> Job:
    """Store a new job and queue it.

    Args:
        database: where the jobs are stored.
        request: the checked body.
        table: examples from an uploaded file, which replace the body's data.
        key: the Idempotency-Key.

    Raises:
        LimitError: the job exceeds a limit of this service.
        QueueFullError: too many jobs wait.
        QuotaError: the jobs of the caller's key use all that they may.
        IdempotencyError: the key belongs to another request.
        NotThereError: the points of the job whose data shall be learnt are gone.
    """
    if table is None and isinstance(request.data, JobData):
        return _submit_again(database, request, request.data.job, key)
    table = table or _sent(request)
    stored, points = (None, None) if table is None else prepared(table, request.normalize)
    specification = specify(request, stored, database.settings)
    parts = [request.model_dump_json(exclude={"data"} if stored else None).encode()]
    if stored is not None and points is not None:
        parts += [stored.model_dump_json().encode(), points.tobytes()]
    files = [] if points is None else [Written(file_names.POINTS, _npy(points))]
    new = NewJob(specification, request.name, request.metadata, digest(*parts), owner=request.owner, files=files)
    return _store(database, new, key)


def _npy(points: Singles) -> list[bytes | memoryview]:
    """Return a ``.npy`` in two parts, without a copy of the numbers."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(points))
    return [header.getvalue(), np.ascontiguousarray(points).data.cast("B")]


def described(database: JobDatabase, request: JobRequest, table: Table | None) -> ToyData | StoredData | None:
    """Return what a request would learn, if it is not the toy distribution of its body.

    Raises:
        LimitError: its points, or the job whose data it wants, cannot be taken.
    """
    if table is None and isinstance(request.data, JobData):
        return _data_of(database, request.data.job)[0]
    table = table or _sent(request)
    return None if table is None else prepared(table, request.normalize)[0]


def _sent(request: JobRequest) -> Table | None:
    """Return the points in a body."""
    if not isinstance(request.data, PointData):
        return None
    return Table(np.array(request.data.points, np.float64), name=request.data.name)


def _submit_again(database: JobDatabase, request: JobRequest, source: str, key: str | None) -> Job:
    """Store a new job that learns the data of another one."""
    data, job = _data_of(database, source)
    specification = specify(request, data, database.settings)
    gone = f"data.job: the points of job {source} are gone; send them again"
    new = NewJob(
        specification,
        request.name,
        request.metadata,
        digest(request.model_dump_json().encode()),
        owner=request.owner,
        files=_points_of(job, data, gone),
    )
    return _store(database, new, key)


def _data_of(database: JobDatabase, job_id: str) -> tuple[ToyData | StoredData, JobRow]:
    """Return what a job learns, and the job."""
    try:
        with database.store() as store:
            job = store.get(job_id)
            return specification_of(job).data, job
    except (UnknownJobError, NotThereError) as error:
        raise LimitError(f"data.job: {error}") from None


def _points_of(job: JobRow, data: ToyData | StoredData, gone: str) -> list[Copied]:
    """Return the file of a job's own points, if it has any."""
    return [Copied(file_names.POINTS, job, file_names.POINTS, gone)] if isinstance(data, StoredData) else []


def fork(database: JobDatabase, parent_id: str, changes: ForkRequest, key: str | None = None) -> Job:
    """Start a new job from a checkpoint of another one.

    Raises:
        UnknownJobError: the parent does not exist.
        NotThereError: the parent has no checkpoint, or none at that step.
        LimitError: the changed job exceeds a limit, or has no steps left.
    """
    request_digest = digest(b"fork", parent_id.encode(), changes.model_dump_json().encode())
    with database.store() as store:
        known = store.known(key, request_digest)
        if known is not None:
            return show(database, known["id"])
        parent = store.get(parent_id)
    specification = specification_of(parent)
    step, checkpoint = checkpoint_of(parent, changes.step)
    specification = forked(specification, changes, step, database.settings)
    name = f"{step:09}-0.npz"
    gone = (
        f"the checkpoint of step {step} is gone: it made way for a newer one, or the files of the job were deleted; "
        "fork from another step"
    )
    new = NewJob(
        specification,
        changes.name if changes.name is not None else parent["name"],
        changes.metadata if changes.metadata is not None else parent["metadata"],
        request_digest,
        parent_id,
        name,
        step,
        changes.owner if changes.owner is not None else parent["owner"],
        files=[
            Copied(file_names.checkpoint(name), parent, file_names.checkpoint(checkpoint), gone),
            *_points_of(parent, specification.data, gone),
        ],
    )
    return _store(database, new, key)


def checkpoint_of(parent: JobRow, step: int | None) -> tuple[int, str]:
    """Return step and file of the checkpoint of this step, by default of the newest one."""
    known = checkpoints_of(parent)
    if not known:
        raise NotThereError(f"the job is {parent['state']} and has no checkpoint yet")
    if step is None:
        step = max(known)
    if step not in known:
        steps = ", ".join(str(kept) for kept in sorted(known))
        raise NotThereError(f"expected a step with a checkpoint, one of {steps}, got {step}")
    return step, known[step]


def _store(database: JobDatabase, new: NewJob, key: str | None) -> Job:
    """Write the files of a new job, if it has any, then its record. Remove the files if the job is not stored."""
    job_id = new_id()
    new = new._replace(request_id=logs.request_id())
    with database.store() as store:
        known = store.known(key, new.digest)
        if known is not None:
            return show(database, known["id"])
        if not database.settings.trains:
            raise NoTrainingError
        _check_space(database, store, new.specification)
        if store.keeps_files or not new.files:
            return show(database, _admit(database, store, job_id, new, key)["id"])
        files = JobFiles(database.settings.data, job_id)
        store.announce(job_id)
        stored = False
        try:
            _save(new, files, database.settings.data)
            job = _admit(database, store, job_id, new, key, announced=True)
            stored = job["id"] == job_id  # a repetition of the request may have been faster
        finally:
            if not stored:
                try:
                    store.clear(files)
                except Exception as error:  # the caller learns of the first error; a worker clears up when it starts
                    log.warning("job %s could not be cleared away yet: %s", job_id, str(error).partition("\n")[0])
    return show(database, job["id"])


def _save(new: NewJob, files: JobFiles, data: Path) -> None:
    """Write the files of a new job into its folder.

    Raises:
        NotThereError: one that is to be copied is gone.
    """
    for file in new.files:
        path = files.path(file.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(file, Copied):
            try:
                shutil.copyfile(JobFiles(data, file.job["id"]).path(file.source), path)
            except FileNotFoundError:
                raise NotThereError(file.gone) from None
        else:
            with open(path, "wb") as target:
                target.writelines(file.parts)


def _admit(
    database: JobDatabase, store: "JobStore", job_id: str, new: NewJob, key: str | None, announced: bool = False
) -> JobRow:
    """Store a job if there still is room for it: others may have taken it since it was looked for."""
    if database.caller.quota is None and database.settings.max_disk is None:
        return store.submit(job_id, new, key, announced=announced)
    with store.admitting_alone():
        if store.known(key, new.digest) is None:
            _check_space(database, store, new.specification)
        return store.submit(job_id, new, key, announced=announced)


def _check_space(database: JobDatabase, store: "JobStore", specification: Specification) -> None:
    """Refuse a job for which there is no room: in its caller's quota, or beside the jobs that have not ended.

    Those that have ended make room, see :mod:`app.jobs.worker.tidying`.
    """
    from app.jobs.record.space import Space  # SQLAlchemy is loaded by now

    settings, quota = database.settings, database.caller.quota
    wanted = disk_use(specification, settings.job_bytes).total
    if quota is not None:
        mine = Space(store, settings)
        quota.check_files(wanted, sum(job.bytes for job in mine.kept()), mine.reserved())
    if settings.max_disk is not None:
        reserved = Space(store.seen_by(ANYBODY), settings).reserved()
        if reserved + wanted > settings.max_disk * 2**20:
            raise QueueFullError(
                f"expected at most {settings.max_disk:,} MiB of all jobs: those that have not ended may write "
                f"{reserved / 2**20:,.0f}, and this one {wanted / 2**20:,.0f}; try again when some have ended"
            )
