"""Real examples from a ``.npy``: numbers of any real type, in C or Fortran order, or named columns of such numbers.

The header is checked before anything is allocated, and nothing is unpickled.
"""

import io
import math
import warnings
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from app.jobs.errors import UploadError
from app.jobs.service.csv_cells import are_sound, printable, short
from app.jobs.service.examples import ACCEPTED, MAX_COLUMNS, Table, check_limit
from app.jobs.specification import MAX_POINT

#: Numbers that are checked at a time, to take little memory.
_BLOCK = 2**20
#: The header of a file of plain numbers is much shorter.
_MAX_HEADER = 2**14


def read_npy(path: Path, max_rows: int) -> Table:
    """Read a ``.npy``; see :func:`app.jobs.service.uploads.read_table`."""
    header = _read_header(path)
    _check_types(header.dtype)
    _check_shape(header, max_rows)
    size, there = header.dtype.itemsize, path.stat().st_size - header.length
    claimed = math.prod(header.shape) * size
    if there != claimed:
        lengths = " × ".join(f"{length:,}" for length in (*header.shape, size))
        raise UploadError(
            f".npy: expected {lengths} = {claimed:,} bytes after the header, as it says, got {there:,}; the file is "
            "damaged or was cut off"
        )
    values: npt.NDArray[Any] = np.memmap(path, header.dtype, "r", header.length, header.shape, header.order)
    if header.titles is not None:
        values = np.column_stack([values[name].astype(np.float64) for name in header.dtype.names or ()])
    _check_numbers(values)
    return Table(values, header.titles)


class _Header(NamedTuple):
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype[Any]
    titles: tuple[str, ...] | None  # of named columns
    length: int


def _read_header(path: Path) -> _Header:
    with open(path, "rb") as file:
        buffer = io.BytesIO(file.read(_MAX_HEADER))
    try:
        version = np.lib.format.read_magic(buffer)
        # Version 3.0 differs from 2.0 only in the encoding of the header: UTF-8, for titles that are not Latin.
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files of Python 2 and the like
            shape, fortran_order, dtype = read(buffer)
        names = dtype.names
        if names and version == (3, 0):
            names = tuple(name.encode("latin-1").decode() for name in names)
        if version <= (3, 0) and all(0 <= length < 2**63 for length in shape):
            titles = tuple(map(printable, names)) if names else None
            return _Header(shape, "F" if fortran_order else "C", dtype, titles, buffer.tell())
    except Exception:  # NumPy parses the header as Python, which can raise almost any error
        pass
    raise UploadError(f"{ACCEPTED}, got a .npy with a damaged or unusual header; write it with numpy.save")


def _check_types(dtype: np.dtype[Any]) -> None:
    for kind in [dtype[name] for name in dtype.names] if dtype.names else [dtype]:
        if kind.hasobject:
            raise UploadError(
                ".npy: expected numbers, got pickled Python objects, which are never read; save "
                "points.astype('float32')"
            )
        if kind.kind == "c":
            raise UploadError(f".npy: expected real numbers, got complex ones ({kind}); save points.real")
        if kind.kind not in "biuf":
            raise UploadError(f".npy: expected real numbers, got the type {short(str(kind))}")


def _check_shape(header: _Header, max_rows: int) -> None:
    shape = header.shape
    if header.titles is not None:
        if len(shape) != 1:
            raise UploadError(f".npy: expected named columns in one dimension, got {len(shape)}; save points.ravel()")
        shape = (*shape, len(header.titles))
    if len(shape) != 2:
        got, advice = f"{len(shape)}, of the shape", "save points.reshape(len(points), -1)"
        if len(shape) == 1:
            got, advice = "the shape", "where an example is one number, save points.reshape(-1, 1)"
        raise UploadError(f".npy: expected two dimensions (rows, coordinates), got {got} {short(str(shape))}; {advice}")
    check_limit(".npy: rows", shape[0], max_rows)
    check_limit(".npy: columns", shape[1], MAX_COLUMNS)


def _check_numbers(values: npt.NDArray[Any]) -> None:
    """Refuse numbers that are not finite or too large."""
    step = max(1, _BLOCK // values.shape[1])
    for start in range(0, len(values), step):
        with np.errstate(over="ignore", invalid="ignore"):  # becomes infinite or stays a NaN, and is refused
            block = values[start : start + step].astype(np.float64)
        sound = are_sound(block)
        if not sound.all():
            row, column = np.argwhere(~sound)[0]
            raise UploadError(
                f".npy: expected finite numbers within ±{MAX_POINT:g}, got {block[row, column]:g} at index "
                f"[{start + row}, {column}]; fill in what is missing, or leave the row out"
            )
