"""Real examples from an uploaded file, CSV or ``.npy``; whatever it is, reading it is quick and takes little memory.

Nothing is believed before it is checked: a header that claims more than the file has allocates nothing, nothing is
unpickled, nothing is unpacked.
"""

import io
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from app.jobs.errors import UploadError
from app.jobs.service.csv_cells import are_sound, printable, short
from app.jobs.service.csv_files import ACCEPTED, MAX_COLUMNS, read_csv
from app.jobs.service.examples import Table
from app.jobs.specification import MAX_POINT

#: Numbers of a ``.npy`` that are worked on at a time.
_BLOCK = 2**20
#: The header of a ``.npy`` of plain numbers is much shorter.
_MAX_HEADER = 2**14

#: How files begin that people might take for one of the two, and what is wrong with them.
_WRONG_BEGINNINGS: dict[bytes, str] = {
    b"PK\x03\x04": "a compressed file (zip, .npz or .xlsx); unpack it, or save it as CSV",
    b"PK\x05\x06": "an empty zip",
    b"\x1f\x8b": "a compressed file (gzip); unpack it first",
    b"\xfd7zXZ\x00": "a compressed file (xz); unpack it first",
    b"BZh": "a compressed file (bzip2); unpack it first",
    b"\x28\xb5\x2f\xfd": "a compressed file (zstd); unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a compressed file (7z); unpack it first",
    b"\x80\x02": "a pickle, which is never read; write it with numpy.save",
    b"\x80\x03": "a pickle, which is never read; write it with numpy.save",
    b"\x80\x04": "a pickle, which is never read; write it with numpy.save",
    b"\x80\x05": "a pickle, which is never read; write it with numpy.save",
    b"\x89HDF": "an HDF5 file",
    b"\xd0\xcf\x11\xe0": "an Excel file (.xls); save it as CSV",
    b"PAR1": "a Parquet file; write it as CSV",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"MATLAB 5": "a file of MATLAB (.mat); write it with writematrix",
    b"RDX": "a file of R (.rda); write it with write.csv",
    b"RDA": "a file of R (.rda); write it with write.csv",
    b"ARROW1": "an Arrow or Feather file; write it as CSV",
    b"SQLite f": "an SQLite database; write its table as CSV",
    b"<!": "a web page",
    b"<h": "a web page",
    b"<?": "XML",
    b"{": "JSON; send it as data.points in the body of the request",
}
#: A list in brackets, as JSON, Python and MATLAB have them; a title is never a number.
_LIST = re.compile(rb"\s*[\[(]\s*([\[(]|[+-]?\.?\d)")
#: Byte order marks, and the encodings that they stand for; UTF-32's first, which begins as UTF-16's does.
_ENCODINGS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_NPY = b"\x93NUMPY"


def read_table(path: Path, filename: str, *, max_rows: int) -> Table:
    """Read real examples from an uploaded file.

    A ``.npy`` may hold real numbers of any type, in C or Fortran order, or named columns of such numbers. What a CSV
    may look like, :mod:`app.jobs.service.csv_files` says.

    Args:
        path: the file.
        filename: what the client calls it; of interest where it ends in ``.npy``.
        max_rows: the most rows that are accepted.

    Raises:
        UploadError: the file is not as described.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        beginning = file.read(64)
    if not beginning:
        raise UploadError(f"{ACCEPTED}, got an empty file")
    for wrong, what in _WRONG_BEGINNINGS.items():
        if beginning.startswith(wrong):
            raise UploadError(f"{ACCEPTED}, got {what}")
    if _LIST.match(beginning):
        raise UploadError(
            f"{ACCEPTED}, got lists in brackets; send JSON as data.points in the body of the request, or write rows "
            "without brackets"
        )
    if beginning.startswith(_NPY):
        return _read_npy(path, max_rows)
    if filename.lower().endswith(".npy"):
        raise UploadError(f"{ACCEPTED}, got a file named .npy that is none; write it with numpy.save")
    encoding = next((name for mark, name in _ENCODINGS.items() if beginning.startswith(mark)), "utf-8-sig")
    return read_csv(path, encoding, max_rows)


# --- .npy ------------------------------------------------------------------------------------------------------------


class _NpyHeader(NamedTuple):
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    length: int


def _read_npy(path: Path, max_rows: int) -> Table:
    with open(path, "rb") as file:
        header = _read_npy_header(file.read(_MAX_HEADER))
        rows, columns = _checked_shape(header, max_rows)
        size = header.dtype.itemsize
        claimed, there = math.prod(header.shape) * size, path.stat().st_size - header.length
        if there != claimed:
            lengths = " × ".join(f"{length:,}" for length in (*header.shape, size))
            raise UploadError(
                f".npy: expected {lengths} = {claimed:,} bytes after the header, as it says, got {there:,}; the file "
                "is damaged or was cut off"
            )
        file.seek(header.length)
        values = np.fromfile(file, header.dtype, math.prod(header.shape))
    if header.dtype.names:
        titles = header.dtype.names
        values = np.column_stack([values[title].astype(np.float64) for title in titles])
        _check_numbers(values)
        return Table(values, tuple(map(printable, titles)))
    values = values.reshape((rows, columns), order="F" if header.fortran_order else "C")
    _check_numbers(values)
    return Table(values)


def _check_numbers(values: npt.NDArray[Any]) -> None:
    """Refuse what is not finite or too large; some rows at a time, to take little memory."""
    step = max(1, _BLOCK // values.shape[1])
    for start in range(0, len(values), step):
        with np.errstate(over="ignore"):  # becomes infinite, and is refused
            block = values[start : start + step].astype(np.float64)
        sound = are_sound(block)
        if not sound.all():
            row, column = np.argwhere(~sound)[0]
            raise UploadError(
                f".npy: expected finite numbers within ±{MAX_POINT:g}, got {block[row, column]:g} at index "
                f"[{start + row}, {column}]; fill in what is missing, or leave the row out"
            )


def _read_array_header_3_0(buffer: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read a header that differs from one of version 2.0 in its encoding only."""
    shape, fortran_order, dtype = np.lib.format.read_array_header_2_0(buffer)
    if dtype.names:
        dtype.names = tuple(name.encode("latin-1").decode() for name in dtype.names)
    return shape, fortran_order, dtype


def _read_npy_header(beginning: bytes) -> _NpyHeader:
    buffer = io.BytesIO(beginning)
    try:
        version = np.lib.format.read_magic(buffer)
        readers: dict[tuple[int, int], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
            (3, 0): _read_array_header_3_0,  # numpy.save's choice for titles that are not Latin
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files of Python 2 and the like
            header = _NpyHeader(*readers[version](buffer), buffer.tell())
        if all(0 <= length < 2**63 for length in header.shape):
            return header
    except Exception:  # numpy parses the header as Python: there is hardly an error that it cannot come to
        pass
    raise UploadError(f"{ACCEPTED}, got a .npy with a damaged or unusual header; write it with numpy.save")


def _checked_shape(header: _NpyHeader, max_rows: int) -> tuple[int, int]:
    """Return rows and columns."""
    dtype, shape = header.dtype, header.shape
    for kind in [dtype[name] for name in dtype.names] if dtype.names else [dtype]:
        _check_type(kind)
    if dtype.names:
        if len(shape) != 1:
            raise UploadError(f".npy: expected named columns in one dimension, got {len(shape)}; save points.ravel()")
        shape = (*shape, len(dtype.names))
    elif len(shape) == 1:
        raise UploadError(
            f".npy: expected two dimensions (rows, coordinates), got the shape {short(str(shape))}; where an example "
            "is one number, save points.reshape(-1, 1)"
        )
    elif len(shape) != 2:
        raise UploadError(
            f".npy: expected two dimensions (rows, coordinates), got {len(shape)}, of the shape {short(str(shape))}; "
            "save points.reshape(len(points), -1)"
        )
    _check_limit(".npy: rows", shape[0], max_rows)
    _check_limit(".npy: columns", shape[1], MAX_COLUMNS)
    return shape[0], shape[1]


def _check_type(dtype: np.dtype[Any]) -> None:
    if dtype.hasobject:
        raise UploadError(
            ".npy: expected numbers, got pickled Python objects, which are never read; save points.astype('float32')"
        )
    if dtype.kind == "c":
        raise UploadError(f".npy: expected real numbers, got complex ones ({dtype}); save points.real")
    if dtype.kind not in "biuf":
        raise UploadError(f".npy: expected real numbers, got the type {short(str(dtype))}")


def _check_limit(what: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise UploadError(f"{what}: expected 1 to {most:,}, got {count:,}")
