"""Where the files of a job lie, below the data folder."""

import contextlib
import shutil
from pathlib import Path

#: What the name of a folder begins with while it is being deleted.
_GONE = ".deleted-"


class JobFiles:
    """The folder of one job.

    Checkpoints carry the number of the attempt that wrote them: a process that has lost its job and does not know it
    yet cannot overwrite anything that counts.
    """

    def __init__(self, data: Path, job_id: str) -> None:
        self.job_id = job_id
        self.folder = data.resolve() / "jobs" / job_id

    @classmethod
    def at(cls, folder: Path) -> "JobFiles":
        """Return the files of the job whose folder this is."""
        return cls(folder.parent.parent, folder.name)

    @property
    def points(self) -> Path:
        """The caller's own examples as they are trained on, float32 ``(rows, dimensions)``."""
        return self.folder / "points.npy"

    @property
    def real(self) -> Path:
        """Some real examples and the modes, as JSON, for pictures."""
        return self.folder / "real.json"

    def snapshot(self, step: int) -> Path:
        """Return the file of the generated points and the discriminator's scores at a step, as JSON."""
        return self.folder / "snapshots" / f"{step:09}.json"

    def snapshot_steps(self) -> list[int]:
        """Return the steps with a snapshot, in order."""
        return sorted(int(path.stem) for path in (self.folder / "snapshots").glob("?????????.json"))

    def checkpoint(self, name: str) -> Path:
        """Return a checkpoint by its name in the record."""
        return self.folder / "checkpoints" / name

    def weights(self, name: str) -> Path:
        """Return a folder of ``generator.h5``, ``discriminator.h5`` and ``generator.npz`` by its name in the record."""
        return self.folder / name

    def make(self) -> None:
        """Make the folder, for who holds the job. Nobody else may: it would come back after a deletion."""
        self.folder.mkdir(parents=True, exist_ok=True)

    def remove(self) -> None:
        """Delete everything; what a process that is killed meanwhile leaves behind is known by its name.

        Raises:
            OSError: it cannot be deleted, or not all of it.
        """
        gone = self.folder.with_name(_GONE + self.job_id)
        _delete(gone)  # of a try before
        with contextlib.suppress(FileNotFoundError):
            self.folder.rename(gone)
        _delete(gone)

    def tidy_unfinished(self) -> None:
        """Delete the files that a process was writing when it was killed."""
        for path in self.folder.rglob(".*"):
            path.unlink(missing_ok=True)

    def tidy_checkpoints(self, names: set[str], attempt: int) -> None:
        """Delete the checkpoints that the record does not name, but nothing of a later attempt than ours."""
        for path in (self.folder / "checkpoints").glob("*.npz"):
            if path.name not in names and _attempt(path) <= attempt:
                path.unlink(missing_ok=True)

    def tidy_weights(self, name: str, attempt: int) -> None:
        """Delete all weights but these, but nothing of a later attempt than ours."""
        for path in self.folder.glob("weights-*"):
            if path.name != name and _attempt(path) <= attempt:
                shutil.rmtree(path, ignore_errors=True)


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from any other of its name while somebody has it open; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _delete(path: Path) -> None:
    while path.is_dir():
        with contextlib.suppress(FileNotFoundError):  # somebody else deletes it, too
            shutil.rmtree(path)
    path.unlink(missing_ok=True)


def sweep(data: Path) -> None:
    """Delete what is left of jobs whose deletion was interrupted, and nothing else.

    A folder that our record does not know may belong to that of another database, which will be used again.
    """
    for folder in (data.resolve() / "jobs").glob(f"{_GONE}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _attempt(path: Path) -> int:
    """Return the attempt that wrote a file: its name ends with the number."""
    return int(path.stem.rsplit("-", 1)[1])
