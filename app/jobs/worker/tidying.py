"""Deletes jobs that have ended: those that are old, and the oldest where others need the room."""

import contextlib
import logging
import math
import time
from collections.abc import Iterator, Sequence

from app.config import Settings
from app.jobs.errors import UnknownJobError
from app.jobs.files import JobFiles
from app.jobs.record.space import Kept, Space
from app.jobs.record.store import JobStore
from app.jobs.states import TransitionError

log = logging.getLogger("nobody.jobs")

_DAY_SECONDS = 86_400.0


class Tidying:
    """Deletes what the settings ``keep_days`` and ``max_disk`` leave no room for, never a job that has not ended.

    Args:
        store: the record.
        settings: how long jobs are kept, and how much of the disk is for them.
    """

    def __init__(self, store: JobStore, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def go_on(self) -> None:
        """Delete what is due, unless another worker does so at this moment."""
        settings = self._settings
        with self._store.tidying_alone() as alone:
            if not alone:
                return
            space = Space(self._store, settings)
            seconds = math.inf if settings.keep_days is None else settings.keep_days * _DAY_SECONDS
            room = math.inf if settings.max_disk is None else settings.max_disk * 2**20 - space.reserved()
            for job, why in due(space.kept(), time.time() - seconds, room):
                self._delete(job.job_id, why)

    def _delete(self, job_id: str, why: str) -> None:
        with contextlib.suppress(UnknownJobError, TransitionError):  # a caller was faster
            self._store.delete(job_id)
            log.info("job %s was deleted: %s", job_id, why)
            try:
                self._store.clear(JobFiles(self._settings.data, job_id))
            except OSError as error:  # the next repair tries again
                log.warning("the files of the deleted job %s are still there: %s", job_id, error)


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
