"""Finds and opens the file that holds a network's weights, or says what it is instead. Needs no Keras.

Weights lie in HDF5: in a file of its own (weights alone, or a full model), or inside a ``.keras`` archive. Of a full
model and of an archive only the numbers are read, never the description of the model: that could hold code.
"""

import io
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

#: The weights inside a ``.keras`` archive may take this many bytes, compressed and not: they are read into memory.
ARCHIVE_LIMIT = 256 * 2**20

#: What is taken of a folder, after the network's name; the first that is there.
ENDINGS = (".h5", ".weights.h5", ".keras")

_ARCHIVED = "model.weights.h5"
_HEAD = 512

#: How files begin that are taken for weights: where, with what, what that is, and what to do.
_KINDS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"version https://git-lfs", "a Git LFS pointer instead of the file; fetch the file with `git lfs pull`"),
    (0, b"\x89HDF\n\x1a\n", "HDF5 whose line ends were changed; copy it again, in binary mode"),
    (0, b"\x89HDF\r\r\n", "HDF5 whose line ends were changed; copy it again, in binary mode"),
    (0, b"\xef\xbf\xbdHDF", "HDF5 that was copied as text; copy it again, in binary mode"),
    (0, b"\x93NUMPY", "a NumPy array (.npy)"),
    (0, b"\x1f\x8b", "a gzip file; unpack it first"),
    (0, b"BZh", "a bzip2 file; unpack it first"),
    (0, b"\xfd7zXZ\x00", "an xz file; unpack it first"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file; unpack it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it first"),
    (0, b"Rar!", "a RAR archive; unpack it first"),
    (257, b"ustar", "a tar archive; unpack it first"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (8, b'{"', "a safetensors file"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (0, b"GIF8", "a picture"),
    (0, b"%PDF", "a PDF document"),
    *((0, b"\x80" + bytes([protocol]), "a Python pickle, or PyTorch weights") for protocol in (2, 3, 4, 5)),
)


class WeightsError(ValueError):
    """A weights file is missing, damaged or not of the expected network; the message says which file and why."""


def find_weights(where: Path, network: str = "generator") -> Path:
    """Return the file with a network's weights.

    Args:
        where: the file itself; or a folder with ``generator.h5``, ``generator.weights.h5`` or ``generator.keras``, of
            which the first that is there is taken. ``~`` is the home folder.
        network: ``generator`` or ``discriminator``.

    Raises:
        WeightsError: the folder has none of them, but others, so that one must be named; or there is no home folder.
    """
    try:
        where = where.expanduser()
    except RuntimeError as error:
        raise WeightsError(f"{where}: expected a file or a folder ({error})") from error
    if not os.path.isdir(where) or os.path.exists(where / "saved_model.pb"):
        return where
    candidates = [where / f"{network}{ending}" for ending in ENDINGS]
    for candidate in candidates:
        if os.path.exists(candidate):
            return candidate
    try:
        others = sorted(path.name for path in where.iterdir() if path.suffix in (".h5", ".hdf5", ".keras"))
    except OSError as error:
        raise WeightsError(f"{where}: expected a folder that may be read, got {error.strerror}") from error
    if others:
        names = ", ".join(candidate.name for candidate in candidates)
        raise WeightsError(
            f"{where}: expected one of {names} in this folder, found {', '.join(others[:5])}; name the file itself"
        )
    return candidates[0]


@contextmanager
def open_weights(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Open the HDF5 file that ``path`` is, or that lies in the ``.keras`` archive that it is.

    What goes wrong while it is open, too, becomes a :class:`WeightsError`.

    Raises:
        WeightsError: there is no such file, it is something else, locked or damaged.
    """
    try:
        _check_is_file(path)
        with open(path, "rb") as start:
            head = start.read(_HEAD)
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            with h5py.File(io.BytesIO(_unpacked(path)), "r") as file:
                yield file
            return
        kind = _kind(head)
        if kind is not None:
            raise WeightsError(f"{path}: expected an .h5 weights file, found {kind}")
        with h5py.File(path, "r") as file:
            yield file
    except WeightsError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: {_cause(error)}") from error


def _check_is_file(path: str | os.PathLike[str]) -> None:
    if os.path.isfile(path):
        return
    if os.path.isdir(path):
        found = "a folder; name a file in it"
        if os.path.exists(os.path.join(path, "saved_model.pb")):
            found = "a TensorFlow SavedModel; write its weights with save_weights('generator.weights.h5') in Keras"
    elif os.path.exists(f"{os.fspath(path)}.index"):
        found = "a TensorFlow checkpoint; write its weights with save_weights('generator.weights.h5') in Keras"
    elif os.path.exists(path):
        found = "a device or a pipe"
    else:
        found = _why_missing(path)
    raise WeightsError(f"{path}: expected an .h5 weights file, found {found}")


def _why_missing(path: str | os.PathLike[str]) -> str:
    try:
        os.stat(path)
    except PermissionError:
        raise  # there may be a file, but its folder lets nobody see it
    except (FileNotFoundError, NotADirectoryError):
        return "no such file"
    except OSError as error:
        return f"no such file ({error.strerror})"
    return "no such file"


def _kind(head: bytes) -> str | None:
    """Return what begins like this, if it is no HDF5; None where HDF5 itself should tell."""
    if not head:
        return "an empty file"
    for offset, magic, kind in _KINDS:
        if head.startswith(magic, offset):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<!--", b"<?xml", b"<svg")):
        return "an HTML page, such as the page about the file; download the file itself (on GitHub: raw)"
    if text.startswith((b"{", b"[")):
        return "text (JSON) instead of numbers"
    return None


def _unpacked(path: str | os.PathLike[str]) -> bytes:
    """Return the weights inside a ``.keras`` archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            # In a folder where somebody has unpacked and packed it again; __MACOSX/._… is what macOS adds then.
            inside = [name for name in names if name.rpartition("/")[2] == _ARCHIVED]
            if len(inside) != 1:
                raise WeightsError(f"{path}: expected an .h5 weights file, found {_kind_of_archive(names)}")
            member = archive.getinfo(inside[0])
            if max(member.file_size, member.compress_size) > ARCHIVE_LIMIT:
                raise WeightsError(
                    f"{path}: expected at most {ARCHIVE_LIMIT // 2**20} MiB of weights in the archive, "
                    f"found {member.file_size / 2**20:,.0f} MiB; unpack {_ARCHIVED} and name it"
                )
            # Keras stores, other programs deflate; the other methods unpack more than they are asked for.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise WeightsError(f"{path}: expected {_ARCHIVED} stored or deflated; unpack it and name it")
            return archive.read(member)  # at most the size that was just looked at
    except WeightsError:
        raise
    except (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, OSError, EOFError) as error:
        raise WeightsError(f"{path}: expected a whole .keras archive; it is damaged ({error})") from error


def _kind_of_archive(names: list[str]) -> str:
    if any(name.endswith(".npy") for name in names):
        return "a NumPy archive (.npz)"
    if any(name.endswith("data.pkl") for name in names):
        return "PyTorch weights"
    if any(name.endswith("saved_model.pb") for name in names):
        return "a zipped TensorFlow SavedModel"
    inside = [name for name in names if name.endswith((".h5", ".hdf5", ".keras"))]
    if inside:
        return f"a zip file with {', '.join(inside[:3])}; unpack it first"
    return f"a zip file without {_ARCHIVED}"


def _cause(error: Exception) -> str:
    """Return what went wrong, in words that say what to do."""
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
