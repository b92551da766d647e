"""Folders for temporary files of a process that may be killed: others remove what it leaves behind."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

#: Folders of this release and later ones; those of earlier releases had no lock.
_PREFIX = "nobody-scratch-"


class Scratch:
    """A new folder among the temporary files of this machine.

    Its lock is held by this process and by all that inherit ``fd``; when the last of them has ended, however it ended,
    :func:`sweep_scratch` may remove the folder.
    """

    def __init__(self) -> None:
        while True:
            self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
            with contextlib.suppress(BlockingIOError, FileNotFoundError):  # swept before it was locked
                self.fd = _locked(self.folder, fcntl.LOCK_SH)
                return

    def remove(self) -> None:
        """Remove the folder and all in it. May be repeated."""
        if self.fd >= 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self.fd)
            self.fd = -1


def sweep_scratch() -> None:
    """Remove the folders that no living process holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # held, gone, or of another user
            fd = _locked(folder, fcntl.LOCK_EX)
            try:
                shutil.rmtree(folder)
            finally:
                os.close(fd)


def _locked(folder: Path, kind: int) -> int:
    """Open and lock a folder.

    Raises:
        BlockingIOError: another process has locked it.
        FileNotFoundError: it is not there, or was removed before it was locked.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(fd), folder.stat()):
            raise FileNotFoundError(folder)
    except OSError:
        os.close(fd)
        raise
    return fd
