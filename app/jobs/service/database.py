"""What all job services share: the record, the job files, and threads for heavy work."""

import contextlib
import copy
import errno
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, Self

from app.config import Settings
from app.jobs.callers import ANYBODY, Caller
from app.jobs.errors import NotThereError
from app.jobs.file_names import StoredFiles
from app.jobs.files import JobFiles
from app.jobs.record.values import JobRow
from app.pools import Pool

if TYPE_CHECKING:
    from app.jobs.record.store import JobStore

log = logging.getLogger("nobody.jobs")

#: After a failed attempt to open the database, the next attempt waits for so many seconds.
_PAUSE_SECONDS = 2.0
#: A call waits no longer for a thread; then, the database has some seconds to answer, see app.jobs.record.access.
_WAIT_SECONDS = 10.0


class _Record:
    """The record, which is opened at the first call: faces are served whether the database answers or not."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self.store: JobStore | None = None
        self._failed = -float("inf")

    def opened(self, open_store: Callable[[Settings], "JobStore"]) -> "JobStore":
        """Return the record; open it where that is not done yet, or where its file was replaced."""
        if self.store is not None and not self.store.is_gone:
            return self.store
        # Nobody waits while another thread tries to open the database, nor soon after an attempt that failed.
        if time.monotonic() - self._failed < _PAUSE_SECONDS or not self._lock.acquire(timeout=_PAUSE_SECONDS):
            raise ConnectionError  # tried a moment ago
        try:
            if self.store is not None and self.store.is_gone:
                log.warning("the database of the jobs was removed or replaced; opening it anew")
                self.store.close()
                self.store = None
            if self.store is None:
                self.store = open_store(self._settings)
            return self.store
        except Exception:
            self._failed = time.monotonic()
            raise
        finally:
            self._lock.release()


class JobDatabase:
    """The jobs for one caller; by default for anybody.

    Args:
        settings: where the jobs are stored, and the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.caller = ANYBODY
        self._record = _Record(settings)
        with contextlib.suppress(OSError):
            tempfile.gettempdir()  # tries a file there, once: later, a full disk would read as a missing folder
        # Pages and pictures have other threads: they do not wait for a database that is locked.
        self.calls = Pool("asking for jobs", threads=16, waiting=1_000, patience=_WAIT_SECONDS)
        # Who submits a job does not wait for somebody's samples, nor they for a film.
        self.submissions = Pool("submitting jobs", threads=2, waiting=64, patience=_WAIT_SECONDS)
        self.results = Pool("reading results of jobs", threads=2, waiting=32)
        self.films = Pool("drawing films", threads=1, waiting=8)

    def seen_by(self, caller: Caller) -> Self:
        """Return the same jobs for a caller, to whom those of others are not there."""
        seen = copy.copy(self)
        seen.caller = caller
        return seen

    def files(self, job: JobRow) -> StoredFiles:
        """Return the files of a job."""
        return JobFiles(self.settings.data, job["id"]) if self.settings.database_url is None else FileRows(self, job)

    @contextlib.contextmanager
    def store(self) -> Iterator["JobStore"]:
        """Yield the record of the jobs, as the caller sees them.

        Raises:
            JobsUnavailableError: the database does not answer, now or while it is used.
        """
        # The only import of SQLAlchemy and DBOS in the web process; they would double the time to the first face.
        from app.jobs.record import access

        with access.unreachable_as_unavailable():
            yield self._record.opened(access.open_store).seen_by(self.caller)


class FileRows:
    """The files of a job that PostgreSQL keeps.

    Args:
        database: of the job.
        job: whose files they are.
    """

    def __init__(self, database: JobDatabase, job: JobRow) -> None:
        self._database = database
        self._job = job

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        with self._database.store() as store:
            content = store.read_file(self._job, name)
        if content is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return content

    def open(self, name: str) -> BinaryIO:
        """Copy a file to this machine's temporary ones; nobody else sees the copy, and it goes when it is closed."""
        with contextlib.ExitStack() as opened:
            file = opened.enter_context(tempfile.TemporaryFile())
            with self._database.store() as store:
                found = store.fetch_file(self._job, name, file)
            if not found:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
            file.seek(0)
            opened.pop_all()
            return file

    def names(self) -> list[str]:
        """Return the names of all files."""
        with self._database.store() as store:
            return store.file_names(self._job)


@contextlib.contextmanager
def reading_files_of(job_id: str) -> Iterator[None]:
    """Report files of a job that are deleted during the read, or damaged.

    Raises:
        NotThereError: a file cannot be read; the message says why.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotThereError(
            f"the files of job {job_id} are gone; it was deleted, or they have made way for newer ones"
        ) from None
    except OSError as error:
        raise NotThereError(f"the files of job {job_id} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, IndexError, TypeError):  # DamagedFileError, or arrays that do not fit
        raise NotThereError(f"the files of job {job_id} are damaged") from None
