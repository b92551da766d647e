"""Where the files of a job lie, below the data folder."""

import shutil
import time
from pathlib import Path


class JobFiles:
    """The folder of one job.

    Checkpoints carry the number of the attempt that wrote them: a process that has lost its job and does not know it
    yet cannot overwrite anything that counts.
    """

    def __init__(self, data: Path, job_id: str) -> None:
        self.folder = data.resolve() / "jobs" / job_id

    @classmethod
    def at(cls, folder: Path) -> "JobFiles":
        """Return the files of the job whose folder this is."""
        return cls(folder.parent.parent, folder.name)

    @property
    def points(self) -> Path:
        """The caller's own examples, float32 ``(rows, dimensions)``."""
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

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

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


def sweep(data: Path, known: set[str]) -> None:
    """Delete the folders of jobs that are in no record: left by a process that was killed half-way.

    Those of the last hour may be of a job that is just being submitted.
    """
    for folder in (data.resolve() / "jobs").glob("*"):
        if folder.name not in known and folder.stat().st_mtime < time.time() - 3_600:
            shutil.rmtree(folder, ignore_errors=True)


def _attempt(path: Path) -> int:
    """Return the attempt that wrote a file: its name ends with the number."""
    return int(path.stem.rsplit("-", 1)[1])
