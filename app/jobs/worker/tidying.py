"""Deletes jobs that have ended: those that are old, and the oldest where others need the room."""

import contextlib
import logging
import math
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import islice

from app.config import Settings
from app.jobs.errors import UnknownJobError
from app.jobs.files import JobFiles
from app.jobs.record.space import Kept, Space
from app.jobs.record.store import JobStore
from app.jobs.states import TransitionError

log = logging.getLogger("nobody.jobs")

_DAY_SECONDS = 86_400.0
#: Jobs that are deleted at a time; the others are due again some seconds later.
_AT_ONCE = 100


class Tidying:
    """Deletes what the settings ``keep_days`` and ``max_disk`` leave no room for, never a job that has not ended.

    Args:
        store: the record.
        settings: how long jobs are kept, and how much of the disk is for them.
        stopping: set when the worker is to end; what is due is left to the next one.
    """

    def __init__(self, store: JobStore, settings: Settings, stopping: threading.Event) -> None:
        self._store = store
        self._settings = settings
        self._stopping = stopping

    def go_on(self) -> None:
        """Delete what is due, unless another worker does so at this moment."""
        with self._store.tidying_alone() as alone:
            deleted = list(self._delete()) if alone else []
        # Afterwards: files take long, and the transaction that keeps others away should not last for long.
        for job_id in deleted:
            if self._stopping.is_set():
                return  # the next repair goes on
            try:
                self._store.clear(JobFiles(self._settings.data, job_id))
            except OSError as error:  # the next repair tries again
                log.warning("the files of the deleted job %s are still there: %s", job_id, error)

    def _delete(self) -> Iterator[str]:
        """Delete the records of the jobs that are due, some at a time; yield their ids."""
        settings = self._settings
        space = Space(self._store, settings)
        seconds = math.inf if settings.keep_days is None else settings.keep_days * _DAY_SECONDS
        room = math.inf if settings.max_disk is None else settings.max_disk * 2**20 - space.reserved()
        for job, why in islice(due(space.kept(), time.time() - seconds, room), _AT_ONCE):
            if self._stopping.is_set():
                return
            with contextlib.suppress(UnknownJobError, TransitionError):  # a caller was faster
                self._store.delete(job.job_id)
                log.info("job %s was deleted: %s", job.job_id, why)
                yield job.job_id


def due(kept: Sequence[Kept], oldest: float, room: float) -> Iterator[tuple[Kept, str]]:
    """Choose the jobs to delete, and say why.

    Args:
        kept: jobs that have ended, first the one that ended first.
        oldest: when the oldest may have ended that is kept.
        room: bytes that all of them may take.
    """
    taken = sum(job.bytes for job in kept)
    for job in kept:
        if job.ended < oldest:
            yield job, "it ended longer ago than NOBODY_KEEP_DAYS"
        elif taken > room:
            yield job, "others need its room, see NOBODY_MAX_DISK"
        else:
            return
        taken -= job.bytes
