"""Reads arrays from files that may be damaged; needs NumPy only."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class DamagedFileError(ValueError):
    """A file does not hold what was once written to it; the message says what was expected, without its path."""


def open_array(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Return the array of a ``.npy``; its numbers are read from the disk when they are used.

    Raises:
        DamagedFileError: it is none, or not whole.
        OSError: the file is not there, or cannot be read.
    """
    with _all_damage_named("a .npy"):
        return np.lib.format.open_memmap(path, mode="r")


def read_arrays(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz`` that ``numpy.savez`` wrote, by name.

    Raises:
        DamagedFileError: it is none, or not whole.
        OSError: the file is not there, or cannot be read.
    """
    # np.load would not close a damaged file that it opened itself.
    with _all_damage_named("an .npz"), open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        # What savez writes is not compressed: something small that unpacks into gigabytes is damaged.
        unpacked = sum(member.file_size for member in archive.zip.infolist())
        if unpacked > Path(path).stat().st_size:
            raise ValueError(f"{unpacked:,} bytes in an archive of fewer")
        return dict(archive)


@contextmanager
def _all_damage_named(expected: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Without a number, or of an invalid place in the file, it comes from what the file says.
        if error.errno not in (None, errno.EINVAL):
            raise
        raise DamagedFileError(f"expected {expected}, got a damaged file ({type(error).__name__})") from error
    except Exception as error:  # NumPy and zipfile can raise almost any error
        raise DamagedFileError(f"expected {expected}, got a damaged file ({type(error).__name__})") from error
