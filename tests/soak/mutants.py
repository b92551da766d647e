"""Damaged and hostile weights files, each decided by a number: what happens to files, and what somebody may try."""

import io
import zipfile
from collections.abc import Callable
from typing import NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from app import ROOT
from models.files.contents import read_contents
from models.files.layouts import FACE_GENERATOR
from tests.soak.edits import EDITS, variables

_Random = np.random.Generator
_Numbers = npt.NDArray[np.float32]


class Whole(NamedTuple):
    """An undamaged file of the shipped generator.

    Args:
        content: the file.
        places: where each variable's numbers lie in the file, in the layout's order; none if they are compressed.
    """

    name: str
    content: bytes
    places: list[slice]


class Mutant(NamedTuple):
    """A damaged file.

    Args:
        kind: what was done to it.
        numbers: the float32 that it must give if it is read at all; None where any are right.
    """

    kind: str
    content: bytes
    numbers: bytes | None


# whole files


def whole_files() -> list[Whole]:
    """Return the shipped weights in all layouts that are read."""
    legacy = (ROOT / "weights" / "generator.h5").read_bytes()
    weights = read_contents(ROOT / "weights" / "generator.h5", FACE_GENERATOR).weights
    keras3 = _file(lambda file: _keras3(file, weights, {}))
    squeezed = _file(lambda file: _keras3(file, weights, {"compression": "gzip", "shuffle": True, "fletcher32": True}))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr(zipfile.ZipInfo("config.json"), "{}")  # always of the same date
        target.writestr(zipfile.ZipInfo("model.weights.h5"), keras3)
    inside = archive.getvalue().index(keras3)
    in_archive = [slice(place.start + inside, place.stop + inside) for place in _places(keras3)]
    return [
        Whole("legacy", legacy, _places(legacy)),
        Whole("Keras 3", keras3, _places(keras3)),
        Whole("compressed", squeezed, []),
        Whole("archive", archive.getvalue(), in_archive),
    ]


def _file(write: Callable[[h5py.File], None]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        write(file)
    return buffer.getvalue()


def _keras3(file: h5py.File, weights: list[_Numbers], options: dict[str, object]) -> None:
    values = iter(weights)
    for layer in FACE_GENERATOR:
        group = file.create_group(f"layers/{layer.name}/vars")
        for number, _ in enumerate(layer.variables):
            array = next(values)
            group.create_dataset(str(number), data=array, **(options if array.size > 1 else {}))


def _places(content: bytes) -> list[slice]:
    with h5py.File(io.BytesIO(content)) as file:
        datasets = [file[path] for path in variables(file)]
        offsets = [dataset.id.get_offset() for dataset in datasets]
        return [slice(start, start + dataset.nbytes) for start, dataset in zip(offsets, datasets, strict=True)]


# damage to the bytes


def _somewhere(rng: _Random, whole: Whole) -> int:
    """Return a position; mostly one outside of the numbers, which are most of a file."""
    while True:
        place = int(rng.integers(len(whole.content)))
        if rng.random() < 0.2 or not any(numbers.start <= place < numbers.stop for numbers in whole.places):
            return place


def _flip(rng: _Random, whole: Whole) -> bytes:
    content = bytearray(whole.content)
    for _ in range(rng.integers(1, 9)):
        content[_somewhere(rng, whole)] ^= 1 << int(rng.integers(8))
    return bytes(content)


def _overwrite(rng: _Random, whole: Whole) -> bytes:
    content = bytearray(whole.content)
    for _ in range(rng.integers(1, 9)):
        content[_somewhere(rng, whole)] = rng.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF])
    return bytes(content)


def _zero(rng: _Random, whole: Whole) -> bytes:
    start, length = _somewhere(rng, whole), 2 ** int(rng.integers(14))
    return _with(whole.content, start, bytes(length))


def _noise(rng: _Random, whole: Whole) -> bytes:
    start, length = _somewhere(rng, whole), 2 ** int(rng.integers(14))
    return _with(whole.content, start, rng.bytes(length))


def _copy(rng: _Random, whole: Whole) -> bytes:
    start, source, length = _somewhere(rng, whole), _somewhere(rng, whole), 2 ** int(rng.integers(14))
    return _with(whole.content, start, whole.content[source : source + length])


def _with(content: bytes, start: int, block: bytes) -> bytes:
    return (content[:start] + block + content[start + len(block) :])[: len(content)]


def _truncate(rng: _Random, whole: Whole) -> bytes:
    return whole.content[: rng.integers(len(whole.content))]


def _append(rng: _Random, whole: Whole) -> bytes:
    return whole.content + rng.bytes(int(rng.integers(1, 10_000)))


DAMAGES: dict[str, Callable[[_Random, Whole], bytes]] = {
    "bits flipped": _flip,
    "bytes overwritten": _overwrite,
    "block zeroed": _zero,
    "block of noise": _noise,
    "block copied": _copy,
    "truncated": _truncate,
    "bytes appended": _append,
}

KINDS = (*DAMAGES, *EDITS)


def mutant(wholes: list[Whole], number: int) -> Mutant:
    """Return the mutant of this number: the kinds take turns, and everything else is drawn."""
    rng = np.random.default_rng([12, number])
    kind = KINDS[number % len(KINDS)]
    if kind in DAMAGES:
        whole = wholes[rng.integers(len(wholes))]
        content = DAMAGES[kind](rng, whole)
        numbers = b"".join(content[place] for place in whole.places) or None
        return Mutant(f"{kind}, {whole.name}", content, numbers)
    whole = wholes[rng.integers(2)]
    buffer = io.BytesIO(whole.content)
    with h5py.File(buffer, "r+") as file:
        EDITS[kind](rng, file)
    return Mutant(f"{kind}, {whole.name}", buffer.getvalue(), None)
