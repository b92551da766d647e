"""Real examples from an uploaded file, CSV or ``.npy``; whatever it is, reading it is quick and takes little memory.

Nothing is believed before it is checked: a header that claims more than the file has allocates nothing, nothing is
unpickled, nothing is unpacked.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn, TextIO

import numpy as np
import numpy.typing as npt

from app.jobs.specification import MAX_POINT

Singles = npt.NDArray[np.float32]

MAX_COLUMNS = 1_024
#: Characters of a line of CSV: enough for as many columns of 25 digits.
MAX_LINE = 32 * MAX_COLUMNS

#: Characters of a CSV, and numbers of a ``.npy``, that are worked on at a time.
_BLOCK = 2**20
#: The header of a ``.npy`` of plain numbers is much shorter.
_MAX_HEADER = 2**14

_ACCEPTED = "expected a CSV of numbers or a .npy of shape (rows, dimensions)"

#: How files begin that people might take for one of the two, and what is wrong with them.
_WRONG_BEGINNINGS: dict[bytes, str] = {
    b"PK\x03\x04": "a compressed file (zip, .npz or .xlsx); unpack it first",
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
    b"\xff\xfe": "text in UTF-16; save it as UTF-8",
    b"\xfe\xff": "text in UTF-16; save it as UTF-8",
}
_NPY = b"\x93NUMPY"

#: Linear in the length of the cell, whatever is in it.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class UploadError(ValueError):
    """The file is not one of examples; the message says what was expected, what came, and where."""


def read_points(path: Path, filename: str, *, max_rows: int) -> Singles:
    """Read real examples from an uploaded file.

    A ``.npy`` may hold real numbers of any type, in C or Fortran order. A CSV has commas, semicolons or tabs between
    the columns and points in its decimals; it may have one line of titles, a byte order mark and blank lines.

    Args:
        path: the file.
        filename: what the client calls it; of interest where it ends in ``.npy``.
        max_rows: the most rows that are accepted.

    Returns:
        float32 of shape ``(rows, dimensions)``, both at least 1, every number finite and within ±1e6.

    Raises:
        UploadError: the file is not as described.
        OSError: it cannot be read.
    """
    with open(path, "rb") as file:
        beginning = file.read(8)
    if not beginning:
        raise UploadError(f"{_ACCEPTED}, got an empty file")
    for wrong, what in _WRONG_BEGINNINGS.items():
        if beginning.startswith(wrong):
            raise UploadError(f"{_ACCEPTED}, got {what}")
    if beginning.startswith(_NPY):
        return _read_npy(path, max_rows)
    if filename.lower().endswith(".npy"):
        raise UploadError(f"{_ACCEPTED}, got a file named .npy that is none; write it with numpy.save")
    return _read_csv(path, max_rows)


# --- .npy ------------------------------------------------------------------------------------------------------------


class _NpyHeader(NamedTuple):
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype[Any]
    length: int


def _read_npy(path: Path, max_rows: int) -> Singles:
    with open(path, "rb") as file:
        header = _read_npy_header(file.read(_MAX_HEADER))
        _check_npy_header(header, max_rows)
        rows, columns = header.shape
        claimed, there = rows * columns * header.dtype.itemsize, path.stat().st_size - header.length
        if there != claimed:
            raise UploadError(
                f".npy: expected {rows:,} × {columns:,} × {header.dtype.itemsize} = {claimed:,} bytes after the "
                f"header, as it says, got {there:,}; the file is damaged or was cut off"
            )
        file.seek(header.length)
        values = np.fromfile(file, header.dtype, rows * columns)
    return _singles(values.reshape((rows, columns), order="F" if header.fortran_order else "C"))


def _singles(values: npt.NDArray[Any]) -> Singles:
    """Check and convert the numbers of a .npy, some rows at a time."""
    points = np.empty(values.shape, np.float32)
    step = max(1, _BLOCK // values.shape[1])
    for start in range(0, len(values), step):
        with np.errstate(over="ignore"):  # becomes infinite, and is refused
            block = values[start : start + step].astype(np.float64)
        sound = _sound(block)
        if not sound.all():
            row, column = np.argwhere(~sound)[0]
            raise UploadError(
                f".npy: expected numbers within ±{MAX_POINT:,.0f}, got {block[row, column]:g} at index "
                f"[{start + row}, {column}]"
            )
        points[start : start + step] = block
    return points


def _read_npy_header(beginning: bytes) -> _NpyHeader:
    buffer = io.BytesIO(beginning)
    try:
        version = np.lib.format.read_magic(buffer)
        readers: dict[tuple[int, int], Callable[[IO[bytes]], tuple[tuple[int, ...], bool, np.dtype[Any]]]] = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files of Python 2 and the like
            header = _NpyHeader(*readers[version](buffer), buffer.tell())
        if all(0 <= length < 2**63 for length in header.shape):
            return header
    except Exception:  # numpy parses the header as Python: there is hardly an error that it cannot come to
        pass
    raise UploadError(f"{_ACCEPTED}, got a .npy with a damaged or unusual header; write it with numpy.save")


def _check_npy_header(header: _NpyHeader, max_rows: int) -> None:
    if header.dtype.hasobject:
        raise UploadError(
            ".npy: expected numbers, got pickled Python objects, which are never read; save points.astype('float32')"
        )
    if header.dtype.kind == "c":
        raise UploadError(f".npy: expected real numbers, got complex ones ({header.dtype}); save points.real")
    if header.dtype.kind not in "biuf":
        raise UploadError(f".npy: expected real numbers, got the type {_short(str(header.dtype))}")
    shape = header.shape
    if len(shape) == 1:
        raise UploadError(
            f".npy: expected two dimensions (rows, coordinates), got the shape {_short(str(shape))}; where an example "
            "is one number, save points.reshape(-1, 1)"
        )
    if len(shape) != 2:
        raise UploadError(
            f".npy: expected two dimensions (rows, coordinates), got {len(shape)}; save points.reshape(len(points), -1)"
        )
    _check_limit(".npy: rows", shape[0], max_rows)
    _check_limit(".npy: columns", shape[1], MAX_COLUMNS)


# --- CSV -------------------------------------------------------------------------------------------------------------


def _read_csv(path: Path, max_rows: int) -> Singles:
    csv = _Csv(max_rows)
    first = 1
    with open(path, encoding="utf-8-sig") as text:
        for lines in _line_blocks(text):
            csv.add(first, lines)
            first += len(lines)
    return csv.points()


def _line_blocks(text: TextIO) -> Iterator[list[str]]:
    """Yield all lines, many at a time, without their ends."""
    rest = ""
    try:
        while block := text.read(_BLOCK):
            *lines, rest = (rest + block).split("\n")
            yield lines
            if len(rest) > MAX_LINE:
                break
        yield [rest]
    except UnicodeDecodeError:
        raise UploadError(f"{_ACCEPTED}, got bytes that are not UTF-8; save it as UTF-8") from None


class _Csv:
    """Gathers the points of a CSV, block by block of its lines."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._titles: str | None = None
        self._delimiter = ","
        self._columns = 0  # not known yet
        self._rows = 0
        self._parts: list[Singles] = []

    def add(self, first: int, lines: list[str]) -> None:
        """Take the next lines, the first of which has the number ``first``."""
        if max(map(len, lines), default=0) > MAX_LINE:
            number = next(number for number, line in enumerate(lines, first) if len(line) > MAX_LINE)
            raise UploadError(f"line {number}: expected at most {MAX_LINE:,} characters, got more")
        rows = [line for line in lines if line and not line.isspace()]
        if rows and not self._columns:
            rows = self._without_titles(rows)
        if not rows:
            return
        self._rows += len(rows)
        _check_limit("rows", self._rows, self._max_rows, "or more")
        values = self._parse(rows)
        if values is None:
            numbers = [number for number, line in enumerate(lines, first) if line and not line.isspace()]
            self._complain(numbers[-len(rows) :], rows)
        else:
            self._parts.append(values.astype(np.float32))

    def points(self) -> Singles:
        """Return all rows."""
        if not self._parts:
            raise UploadError(f"{_ACCEPTED}, got no row of numbers")
        return np.concatenate(self._parts)

    def _without_titles(self, rows: list[str]) -> list[str]:
        """Learn what the first rows say about the rest; return those that are numbers."""
        if self._titles is None and _are_titles(rows[0]):
            self._titles, *rows = rows
        if rows:
            self._delimiter = _delimiter(rows[0])
            self._columns = rows[0].count(self._delimiter) + 1
            _check_limit("columns", self._columns, MAX_COLUMNS)
        return rows

    def _parse(self, rows: list[str]) -> npt.NDArray[np.float64] | None:
        """Return the numbers of the rows, or None where something is wrong with them."""
        try:
            values = np.loadtxt(rows, np.float64, comments=None, delimiter=self._delimiter, ndmin=2)
        except ValueError:
            return None
        return values if values.shape[1] == self._columns and _sound(values).all() else None

    def _complain(self, numbers: list[int], rows: list[str]) -> NoReturn:
        """Say what is wrong, and where."""
        for number, row in zip(numbers, rows, strict=True):
            cells = row.split(self._delimiter)
            for column, cell in enumerate(cells, 1):
                if problem := _problem(cell.strip()):
                    raise UploadError(f"line {number}, column {column}: {problem}")
            if len(cells) != self._columns:
                raise UploadError(
                    f"line {number}: expected {self._columns} numbers, as in the first row, got {len(cells)}"
                )
        raise UploadError(f"lines {numbers[0]} to {numbers[-1]}: {_ACCEPTED}, got something else")


def _delimiter(line: str) -> str:
    return next((delimiter for delimiter in "\t;," if delimiter in line), ",")


def _are_titles(line: str) -> bool:
    """Say whether no cell of a line is a number, not even an infinite one."""
    return not any(_is_float(cell) for cell in line.split(_delimiter(line)))


def _is_float(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _problem(cell: str) -> str | None:
    """Return what is wrong with a cell, if anything."""
    if not cell:
        return "expected a number, got nothing"
    if "\0" in cell:
        return "expected a number, got a NUL byte"
    if _NUMBER.fullmatch(cell):
        in_range = abs(float(cell)) <= MAX_POINT
        return None if in_range else f"expected a number within ±{MAX_POINT:,.0f}, got {_short(cell)}"
    if re.fullmatch(r"[+-]?\d+,\d+", cell):
        return f"expected decimals with a point, such as {cell.replace(',', '.')[:20]}, got {_short(cell)}"
    return f"expected a number, got {_short(repr(cell))}; columns are separated by commas, semicolons or tabs"


# --- both ------------------------------------------------------------------------------------------------------------


def _sound(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Say which numbers are finite and within the range."""
    sound: npt.NDArray[np.bool_] = (values >= -MAX_POINT) & (values <= MAX_POINT)
    return sound


def _check_limit(what: str, count: int, most: int, suffix: str = "") -> None:
    if not 1 <= count <= most:
        raise UploadError(f"{what}: expected 1 to {most:,}, got {count:,} {suffix}".rstrip())


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."
