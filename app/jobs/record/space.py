"""What the jobs take of the disk: those that have ended by their files, the others by what they may write."""

import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from app.config import Settings
from app.jobs.disk import HISTORY_BYTES, disk_use
from app.jobs.files import JobFiles
from app.jobs.record.reader import JobReader
from app.jobs.specification import Specification

#: A job that has ended may have superfluous files for so many seconds, until its worker has deleted them.
_TIDIED_SECONDS = 60.0


class Kept(NamedTuple):
    """A job that has ended: when, in seconds since 1970, and the bytes of its files and losses."""

    job_id: str
    ended: float
    bytes: int


class Space:
    """The disk that jobs take.

    Args:
        jobs: the record, with the jobs that are looked at.
        settings: where the files are, and what a job may write.
    """

    def __init__(self, jobs: JobReader, settings: Settings) -> None:
        self._jobs = jobs
        self._settings = settings

    def kept(self) -> list[Kept]:
        """Return the jobs that have ended, first the one that ended first."""
        sizes = self._jobs.file_sizes()
        return [
            Kept(job_id, ended, self._size_at_end(job_id, ended, sizes) + HISTORY_BYTES * steps)
            for job_id, ended, steps in self._jobs.ended()
        ]

    def _size_at_end(self, job_id: str, ended: float, sizes: dict[str, int]) -> int:
        if self._jobs.keeps_files:
            return sizes.get(job_id, 0)
        is_tidied = abs(time.time() - ended) > _TIDIED_SECONDS
        return (_size_at_end if is_tidied else _size)(self._folder(job_id))

    def reserved(self) -> int:
        """Return the bytes that the jobs that have not ended write at most."""
        return sum(self._reservations())

    def _reservations(self) -> Iterator[int]:
        for job_id, stored in self._jobs.unfinished():
            try:
                specification = Specification.model_validate(stored)
            except ValidationError:  # damaged, or of another release
                if self._jobs.keeps_files:
                    yield self._jobs.file_sizes().get(job_id, 0)
                else:
                    yield JobFiles.at(self._folder(job_id)).size()
            else:
                yield disk_use(specification, self._settings.job_bytes).total

    def _folder(self, job_id: str) -> Path:
        return JobFiles(self._settings.data, job_id).folder


def _size(folder: Path) -> int:
    """Return the bytes of a job's files."""
    return JobFiles.at(folder).size()


#: The same of a job that has ended a while ago: they stay as they are, and a job has hundreds of files.
_size_at_end = lru_cache(maxsize=65_536)(_size)
