"""The files of jobs, in the data folder."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from app.jobs import file_names

#: Prefix of a folder that is being deleted.
_DELETED = ".deleted-"


class JobFiles:
    """The folder of one job.

    The names of checkpoints and weights end with the attempt that wrote them, so that a process that has lost the job
    without knowing it cannot overwrite a valid file.
    """

    def __init__(self, data: Path, job_id: str) -> None:
        self.job_id = job_id
        self.folder = data.resolve() / "jobs" / job_id

    @classmethod
    def at(cls, folder: Path) -> "JobFiles":
        """Return the files of the job with this folder."""
        return cls(folder.parent.parent, folder.name)

    def path(self, name: str) -> Path:
        """Return where a file lies; see :mod:`app.jobs.file_names`."""
        return self.folder / name

    @property
    def points(self) -> Path:
        """The caller's own examples."""
        return self.path(file_names.POINTS)

    @property
    def real(self) -> Path:
        """Some real examples and the modes."""
        return self.path(file_names.REAL)

    def snapshot(self, step: int, half: bool = False) -> Path:
        """Return the snapshot of a step."""
        return self.path(file_names.snapshot(step, half))

    def checkpoint(self, name: str) -> Path:
        """Return a checkpoint by its name in the database."""
        return self.path(file_names.checkpoint(name))

    def weights(self, name: str) -> Path:
        """Return the folder of the networks, by its name in the database."""
        return self.folder / name

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self.path(name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        """Open a file, which can then be read to its end, whoever deletes it."""
        return self.path(name).open("rb")

    def names(self) -> list[str]:
        """Return the names of all files, without those that are being written."""
        found = []
        for folder, _, names in os.walk(self.folder):
            within = Path(folder).relative_to(self.folder)
            found += [(within / name).as_posix() for name in names if not name.startswith(".")]
        return found

    def make(self) -> None:
        """Make the folder. Only for who holds the job: it would reappear after a deletion."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def size(self) -> int:
        """Return the bytes of all files."""
        total = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # made way for a newer one
                    total += os.stat(os.path.join(folder, name)).st_size
        return total

    def remove(self) -> None:
        """Delete everything. A folder that remains of an interrupted deletion is recognized by its name.

        Raises:
            OSError: something could not be deleted.
        """
        gone = self.folder.with_name(_DELETED + self.job_id)
        _delete(gone)  # of an earlier try
        with contextlib.suppress(FileNotFoundError):
            self.folder.rename(gone)
        _delete(gone)

    def tidy_unfinished(self) -> None:
        """Delete the temporary files of a process that was killed."""
        for path in self.folder.rglob(".*"):
            path.unlink(missing_ok=True)

    def delete(self, names: Iterable[str]) -> None:
        """Delete these files, and the folders of weights once they are empty."""
        for path in map(self.path, names):
            path.unlink(missing_ok=True)
            if path.parent.name.startswith("weights-"):  # into the others, the process writes on
                with contextlib.suppress(OSError):
                    path.parent.rmdir()


def identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode of a file, which change when it is replaced; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _delete(path: Path) -> None:
    while path.is_dir():
        with contextlib.suppress(FileNotFoundError):  # another process deletes it, too
            shutil.rmtree(path)
    path.unlink(missing_ok=True)


def sweep(data: Path) -> None:
    """Delete the folders of interrupted deletions.

    Folders of unknown jobs stay: another database may use the same data folder.
    """
    for folder in (data.resolve() / "jobs").glob(f"{_DELETED}*"):
        shutil.rmtree(folder, ignore_errors=True)


def allocated_bytes(folder: Path) -> int:
    """Return how much of the disk the files of a folder take; those that vanish meanwhile take nothing."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(where, name)).st_blocks * 512
    return total
