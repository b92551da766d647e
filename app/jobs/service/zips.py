"""Zip archives that are sent while they are written."""

import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import BinaryIO

#: Bytes that are read and packed at a time.
_PIECE = 2**18


def zipped(files: Mapping[str, BinaryIO]) -> Iterator[bytes]:
    """Return an archive of open files, by their names in it, piece by piece; close each file at its end.

    The same files give the same bytes: the archive has no times.
    """
    packed = _Packed()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            with file, archive.open(_entry(name), "w") as entry:
                while piece := file.read(_PIECE):
                    entry.write(piece)
                    yield packed.take()
    yield packed.take()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16  # who may read the file, once it is unpacked
    return entry


class _Packed(io.RawIOBase):
    """Keeps what is written until it is taken; as it cannot seek, the archive has sizes after its files."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last call."""
        pieces = b"".join(self._pieces)
        self._pieces.clear()
        return pieces
