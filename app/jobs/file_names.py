"""The names of a job's files, the same in its folder and in the database."""

import re
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from app.jobs.plan import MOST_EXTRA_SNAPSHOTS, Plan

#: The caller's own examples as they are trained on, float32 ``(rows, dimensions)``.
POINTS = "points.npy"
#: Some real examples and the modes, as JSON, for pictures.
REAL = "real.json"
#: The networks, in the folder of the weights.
NETWORKS = ("generator.h5", "discriminator.h5", "generator.npz")
_SNAPSHOT = re.compile(r"snapshots/([0-9]{9})(-half)?\.json")


class StoredFiles(Protocol):
    """The files of a job, wherever they are kept: to read."""

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            OSError: it is not there, or cannot be read.
        """

    def open(self, name: str) -> BinaryIO:
        """Open a file, which can then be read to its end, whoever deletes it.

        Raises:
            OSError: it is not there, or cannot be read.
        """

    def names(self) -> list[str]:
        """Return the names of all files."""


def snapshot(step: int, half: bool = False) -> str:
    """Return the name of the generated points and the discriminator's scores at a step, as JSON.

    With ``half``, the discriminator is ahead of the generator by its updates of the next step.
    """
    return f"snapshots/{step:09}{'-half' if half else ''}.json"


def snapshot_steps(names: Iterable[str]) -> list[int]:
    """Return the steps with a snapshot, in order."""
    return sorted(int(path.stem) for path in map(PurePosixPath, names) if path.match("snapshots/?????????.json"))


def outdated_snapshots(names: Iterable[str], plan: Plan) -> list[str]:
    """Return the snapshots that make way: all but the newest of those that are not in the plan.

    So a job may be stopped, and trained by single and half steps, as often as one likes.
    """
    matches = [match for match in map(_SNAPSHOT.fullmatch, names) if match is not None]
    extra = [(int(match[1]), match[2] or "", match[0]) for match in matches]
    extra = sorted(one for one in extra if one[1] or not plan.has_snapshot(one[0]))
    return [name for _, _, name in extra[:-MOST_EXTRA_SNAPSHOTS]]


def checkpoint(file: str) -> str:
    """Return the name of a checkpoint; the database has that of its file."""
    return f"checkpoints/{file}"


def is_checkpoint(name: str) -> bool:
    """Return whether a name is that of a checkpoint."""
    return PurePosixPath(name).match("checkpoints/*.npz")


def network(weights: str, file: str) -> str:
    """Return the name of one of the ``NETWORKS``; the database has that of the weights, a folder."""
    return f"{weights}/{file}"


def earlier_checkpoints(names: Iterable[str], newest: str, kept: Collection[str]) -> list[str]:
    """Return the checkpoints that were written before ``newest``, but not the kept ones.

    The training process may be ahead: what it has written since belongs to messages that nobody has read yet.

    Args:
        names: of all files.
        newest: file of a checkpoint.
        kept: files of checkpoints.
    """
    found = map(PurePosixPath, filter(is_checkpoint, names))
    before = _place(PurePosixPath(newest))
    return [str(path) for path in found if path.name not in kept and _place(path) < before]


def earlier_weights(names: Iterable[str], current: str, attempt: int) -> list[str]:
    """Return the files of all weights but the current ones and those of later attempts."""
    found = [path for path in map(PurePosixPath, names) if path.match("weights-*/*")]
    return [
        str(path) for path in found if path.parent.name != current and int(path.parent.name.split("-")[1]) <= attempt
    ]


def _place(checkpoint: PurePosixPath) -> tuple[int, int]:
    """Return attempt and step of a checkpoint, from its name: the order in which they are written."""
    step, attempt = checkpoint.stem.split("-")
    return int(attempt), int(step)
