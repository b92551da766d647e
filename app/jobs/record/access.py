"""Opening the record, and telling an unreachable database from a fault of the program."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeGuard

from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.jobs.errors import DiskFullError, JobsUnavailableError, is_disk_full
from app.jobs.locks import LockedError
from app.jobs.record.database import connect, is_storage_full, is_unavailable
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore

log = logging.getLogger("nobody.jobs")

#: A caller waits no longer for a database that is locked, in seconds.
_PATIENCE_SECONDS = 5.0


def open_store(settings: Settings) -> JobStore:
    """Open the database that the settings name.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
    """
    engine = connect(settings, _PATIENCE_SECONDS)
    return JobStore(engine, Queue(engine), settings.max_queued_jobs)


@contextmanager
def unreachable_as_unavailable() -> Iterator[None]:
    """Turn errors of a database or folder that cannot be reached into an error for the caller; pass on all others.

    Raises:
        JobsUnavailableError: the database or the job folder cannot be reached; the log has the cause.
        DiskFullError: nothing can be stored there.
    """
    try:
        yield
    except (SQLAlchemyError, OSError, LockedError) as error:
        if isinstance(error, SQLAlchemyError) and not is_unavailable(error):
            raise
        log.warning("the jobs cannot be reached: %s", str(error).partition("\n")[0])
        if is_disk_full(error) or is_storage_full(error):
            raise DiskFullError from None
        what = f"folder cannot be written ({error.strerror})" if _is_of_files(error) else "database does not answer"
        raise JobsUnavailableError(f"the jobs' {what}; try again in a few seconds") from None


def _is_of_files(error: Exception) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and error.strerror is not None and not isinstance(error, ConnectionError)
