"""Real examples from an uploaded file: CSV, ``.npy`` or a picture.

Whatever the file holds, reading it is quick and takes little memory: a header that claims more than there is allocates
nothing, nothing is unpickled, and nothing but pictures of bounded size is unpacked.
"""

import re
from pathlib import Path, PurePosixPath

from app.jobs.errors import UploadError
from app.jobs.service.csv_cells import printable
from app.jobs.service.csv_files import read_csv
from app.jobs.service.drawings import is_picture, read_drawing
from app.jobs.service.examples import ACCEPTED, Table
from app.jobs.service.npy_files import read_npy

#: Files of other formats that people upload, and how these begin.
_OTHER_FORMATS: dict[str, tuple[bytes, ...]] = {
    "a compressed file (zip, .npz or .xlsx); unpack it, or save it as CSV": (b"PK\x03\x04",),
    "an empty zip": (b"PK\x05\x06",),
    "a compressed file (gzip); unpack it first": (b"\x1f\x8b",),
    "a compressed file (xz); unpack it first": (b"\xfd7zXZ\x00",),
    "a compressed file (bzip2); unpack it first": (b"BZh",),
    "a compressed file (zstd); unpack it first": (b"(\xb5/\xfd",),
    "a compressed file (7z); unpack it first": (b"7z\xbc\xaf'\x1c",),
    "a pickle, which is never read; write it with numpy.save": (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"),
    "an HDF5 file": (b"\x89HDF",),
    "an Excel file (.xls); save it as CSV": (b"\xd0\xcf\x11\xe0",),
    "a Parquet file; write it as CSV": (b"PAR1",),
    "a PDF": (b"%PDF",),
    "a TIFF picture; save it as PNG": (b"II*\0", b"MM\0*"),
    "an SVG; save it as PNG": (b"<svg",),
    "a file of MATLAB (.mat); write it with writematrix": (b"MATLAB 5",),
    "a file of R (.rda); write it with write.csv": (b"RDX", b"RDA"),
    "an Arrow or Feather file; write it as CSV": (b"ARROW1",),
    "an SQLite database; write its table as CSV": (b"SQLite f",),
    "a web page": (b"<!", b"<h"),
    "XML": (b"<?",),
    "JSON; send it as data.points in the body of the request": (b"{",),
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


def read_table(path: Path, filename: str, *, max_rows: int, seed: int = 0) -> Table:
    """Read real examples from an uploaded file; what it is, its first bytes say.

    A ``.npy`` may hold real numbers of any type, in C or Fortran order, or named columns of such numbers. What a CSV
    may look like, :mod:`app.jobs.service.csv_files` says; which points a picture has, :mod:`app.jobs.service.drawings`.

    Args:
        path: the file.
        filename: what the client calls it; without its ending, the name of the examples.
        max_rows: the most rows that are accepted.
        seed: decides which points are drawn from a picture.

    Raises:
        UploadError: the file is not as described.
        OSError: it cannot be read.
    """
    return _read(path, filename, max_rows, seed)._replace(name=_name(filename))


def _name(filename: str) -> str | None:
    return printable(PurePosixPath(filename.replace("\\", "/")).stem) or None


def _read(path: Path, filename: str, max_rows: int, seed: int) -> Table:
    with open(path, "rb") as file:
        beginning = file.read(64)
    if not beginning:
        raise UploadError(f"{ACCEPTED}, got an empty file")
    if is_picture(beginning):
        return read_drawing(path, max_rows, seed)
    if beginning[4:8] == b"ftyp":
        raise UploadError(f"{ACCEPTED}, got a HEIC or AVIF picture or a video; save the picture as PNG or JPEG")
    for what, beginnings in _OTHER_FORMATS.items():
        if beginning.startswith(beginnings):
            raise UploadError(f"{ACCEPTED}, got {what}")
    if _LIST.match(beginning):
        raise UploadError(
            f"{ACCEPTED}, got lists in brackets; send JSON as data.points in the body of the request, or write rows "
            "without brackets"
        )
    if beginning.startswith(_NPY):
        return read_npy(path, max_rows)
    if filename.lower().endswith(".npy"):
        raise UploadError(f"{ACCEPTED}, got a file named .npy that is none; write it with numpy.save")
    encoding = next((name for mark, name in _ENCODINGS.items() if beginning.startswith(mark)), "utf-8-sig")
    return read_csv(path, encoding, max_rows)
