"""Opens the file that holds a network's weights, or says what it is instead. Needs no Keras.

Weights lie in HDF5: in a file of its own (weights alone, or a full model), or inside a ``.keras`` archive. Of a full
model and of an archive only the numbers are read, never the description of the model: that could hold code.
"""

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import h5py

from models.files.weight_files import WeightsError

#: The weights in a ``.keras`` archive may take this many bytes, compressed and not: they are read into memory.
ARCHIVE_LIMIT = 256 * 2**20

_ARCHIVED = "model.weights.h5"
_HEAD = 512

_UNPACK = "; unpack it first"
_LINE_ENDS = "HDF5 whose line ends were changed; copy it again, in binary mode"
#: First bytes of files that are mistaken for weights: offset, bytes, what the file is and what to do.
_KINDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"version https://git-lfs", "a Git LFS pointer instead of the file; fetch the file with `git lfs pull`"),
    (0, b"\x89HDF\n\x1a\n", _LINE_ENDS),
    (0, b"\x89HDF\r\r\n", _LINE_ENDS),
    (0, b"\xef\xbf\xbdHDF", "HDF5 that was copied as text; copy it again, in binary mode"),
    (0, b"\x93NUMPY", "a NumPy array (.npy)"),
    (0, b"\x1f\x8b", "a gzip file" + _UNPACK),
    (0, b"BZh", "a bzip2 file" + _UNPACK),
    (0, b"\xfd7zXZ\x00", "an xz file" + _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file" + _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive" + _UNPACK),
    (0, b"Rar!", "a RAR archive" + _UNPACK),
    (257, b"ustar", "a tar archive" + _UNPACK),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (8, b'{"', "a safetensors file"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"GIF8", "a picture"),
    (0, b"%PDF", "a PDF document"),
    *((0, b"\x80" + bytes([protocol]), "a Python pickle, or PyTorch weights") for protocol in (2, 3, 4, 5)),
)
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body", b"<!--", b"<?xml", b"<svg")
_SAVE_WEIGHTS = "; write its weights with save_weights('generator.weights.h5') in Keras"


@contextmanager
def open_weights(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Open an HDF5 file, or the one inside a ``.keras`` archive; errors while it is open become WeightsError, too.

    Raises:
        WeightsError: there is no such file, it is something else, locked or damaged.
    """
    try:
        _check_is_file(path)
        with open(path, "rb") as start:
            head = start.read(_HEAD)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            source: object = io.BytesIO(_unpacked(path))
        elif kind := _kind(head):
            raise _not_weights(path, kind)
        else:
            source = path
        with h5py.File(source, "r") as file:
            yield file
    except WeightsError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: {_cause(error)}") from error


def _not_weights(path: str | os.PathLike[str], found: str) -> WeightsError:
    return WeightsError(f"{path}: expected an .h5 weights file, found {found}")


def _check_is_file(path: str | os.PathLike[str]) -> None:
    if os.path.isfile(path):
        return
    if os.path.exists(os.path.join(path, "saved_model.pb")):
        found = "a TensorFlow SavedModel" + _SAVE_WEIGHTS
    elif os.path.isdir(path):
        found = "a folder; name a file in it"
    elif os.path.exists(f"{os.fspath(path)}.index"):
        found = "a TensorFlow checkpoint" + _SAVE_WEIGHTS
    elif os.path.exists(path):
        found = "a device or a pipe"
    else:
        found = _why_missing(path)
    raise _not_weights(path, found)


def _why_missing(path: str | os.PathLike[str]) -> str:
    try:
        os.stat(path)
    except PermissionError:
        raise  # there may be a file, but its folder may not be read
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        return f"no such file ({error.strerror})"
    return "no such file"


def _kind(head: bytes) -> str | None:
    """Return what begins like this if it is not HDF5; None to let HDF5 itself tell."""
    if not head:
        return "an empty file"
    for offset, magic, kind in _KINDS:
        if head.startswith(magic, offset):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_HTML):
        return "an HTML page, such as the page about the file; download the file itself (on GitHub: raw)"
    return "text (JSON) instead of numbers" if text.startswith((b"{", b"[")) else None


def _unpacked(path: str | os.PathLike[str]) -> bytes:
    """Return the weights inside a ``.keras`` archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            # Maybe in a folder, after somebody repacked it; macOS adds __MACOSX/._… then.
            inside = [name for name in names if name.rpartition("/")[2] == _ARCHIVED]
            if len(inside) != 1:
                raise _not_weights(path, _kind_of_archive(names))
            member = archive.getinfo(inside[0])
            if max(member.file_size, member.compress_size) > ARCHIVE_LIMIT:
                raise WeightsError(
                    f"{path}: expected at most {ARCHIVE_LIMIT // 2**20} MiB of weights in the archive, "
                    f"found {member.file_size / 2**20:,.0f} MiB; unpack {_ARCHIVED} and name it"
                )
            # Keras stores, other programs deflate; the other methods can unpack more than their stated size.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise WeightsError(f"{path}: expected {_ARCHIVED} stored or deflated; unpack it and name it")
            return archive.read(member)  # at most the size that was just checked
    except WeightsError:
        raise
    except (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, OSError, EOFError) as error:
        raise WeightsError(f"{path}: expected a whole .keras archive; it is damaged ({error})") from error


def _kind_of_archive(names: list[str]) -> str:
    for ending, kind in (
        (".npy", "a NumPy archive (.npz)"),
        ("data.pkl", "PyTorch weights"),
        ("saved_model.pb", "a zipped TensorFlow SavedModel"),
    ):
        if any(name.endswith(ending) for name in names):
            return kind
    inside = [name for name in names if name.endswith((".h5", ".hdf5", ".keras"))]
    return f"a zip file with {', '.join(inside[:3])}{_UNPACK}" if inside else f"a zip file without {_ARCHIVED}"


def _cause(error: Exception) -> str:
    """Return what went wrong and what to do."""
    text = str(error)
    if isinstance(error, BlockingIOError):
        return "another process has it open for writing; try again when it is written"
    if isinstance(error, PermissionError):
        return "expected a file that may be read, but it may not; change its permissions, or those of its folder"
    if "unable to lock file" in text:
        return f"the file system has no file locks; set HDF5_USE_FILE_LOCKING=FALSE ({text})"
    if "file is already open for write" in text:
        return "the process that wrote it did not close it, or still writes; write it again"
    if "truncated file" in text:
        text = f"its end is missing, copy it again: {text}"
    return f"expected a whole HDF5 weights file; it is damaged or not HDF5 ({text})"
