"""Reads arrays from files that may be damaged; needs NumPy only."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt


class DamagedFileError(ValueError):
    """A file does not hold what was once written to it; the message says what was expected, without its path."""


def open_array(file: BinaryIO) -> npt.NDArray[Any]:
    """Return the array of an open ``.npy``; its numbers are read from the disk when they are used.

    Raises:
        DamagedFileError: it is none, or not whole.
        OSError: the file cannot be read.
    """
    with _all_damage_named("a .npy"):
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, in_columns, dtype = read_header[version](file)
        if dtype.hasobject:
            raise ValueError("objects, which are not numbers")
        order: Literal["F", "C"] = "F" if in_columns else "C"
        return np.memmap(file, dtype, "r", file.tell(), shape, order)


def read_arrays(file: BinaryIO) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an open ``.npz`` that ``numpy.savez`` wrote, by name.

    Raises:
        DamagedFileError: it is none, or not whole.
        OSError: the file cannot be read.
    """
    with _all_damage_named("an .npz"), np.load(file, allow_pickle=False) as archive:
        # What savez writes is not compressed: something small that unpacks into gigabytes is damaged.
        unpacked = sum(member.file_size for member in archive.zip.infolist())
        if unpacked > os.fstat(file.fileno()).st_size:
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
