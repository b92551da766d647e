"""The folder in which a training process works on a job."""

import contextlib
from collections.abc import Iterator

from app.config import Settings
from app.jobs.files import JobFiles
from app.jobs.record.database import retry_until_available
from app.jobs.record.leases import LeaseStore, LostLeaseError
from app.jobs.record.publications import Lease
from app.jobs.scratch import Scratch


@contextlib.contextmanager
def workplace(lease: Lease, leases: LeaseStore, settings: Settings) -> Iterator[JobFiles]:
    """Yield the folder of a job, with the files that it goes on from.

    With SQLite that is where its files are kept. PostgreSQL keeps them itself: there, it is a scratch folder of this
    machine, which goes away with the block.

    Raises:
        LostLeaseError: another worker has the job.
        OSError: the folder cannot be written.
    """
    if settings.database_url is None:
        files = JobFiles(settings.data, lease.job_id)
        _make(files, lease, leases)
        files.tidy_unfinished()
        yield files
        return
    scratch = Scratch()
    try:
        files = JobFiles(scratch.folder, lease.job_id)
        files.make()
        retry_until_available(lambda: leases.fetch(lease, files))
        yield files
    finally:
        scratch.remove()


def _make(files: JobFiles, lease: Lease, leases: LeaseStore) -> None:
    """Make the job's folder; remove it again if the job was taken over, and deleted, in the meantime."""
    files.make()
    try:
        retry_until_available(lambda: leases.refresh(lease))
    except LostLeaseError:
        with contextlib.suppress(OSError):
            files.folder.rmdir()
        raise
