"""Files of a job that a disk, another release or a person has damaged: read as they were, or refused in words."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jobs.files import JobFiles
from app.jobs.service import stored
from app.jobs.service.plots.figure import JobFigure
from app.jobs.service.sampling import sample
from app.jobs.specification import StoredData
from models.files.arrays import DamagedFileError, read_arrays

POINTS = np.linspace(0, 1, 20, dtype=np.float32).reshape(10, 2)
DATA = StoredData(name="own", rows=10, dimensions=2)
REAL: dict[str, Any] = {
    "real": POINTS.tolist(),
    "dimensions": 2,
    "box": [[0.0, 1.0], [0.0, 1.0]],
    "modes": [[0.5, 0.5]],
    "mode_radius": 0.1,
}
SNAPSHOT: dict[str, Any] = {
    "step": 3,
    "generated": POINTS[::-1].tolist(),
    "scores": [[0.5, -0.5], [0.25, 0]],
    "figures": {"reverse_kl": 0.5},
    "covered": [True],
    "manifold": {"points": [[[1, 2]]], "scale": [0.1, 0.1], "offset": [0, 0]},
}
LAYERS = {"layer_000": np.ones((2, 3), np.float32), "layer_001": np.ones(3, np.float32)}
ODD: list[Any] = [
    None,
    [],
    {},
    "",
    "7",
    -1,
    0,
    1,
    5,
    7,
    1e300,
    True,
    [[]],
    [[1]],
    [[1, 2, 3]],
    [[1, 2], [3]],
    [["a", "b"]],
    [{}],
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> JobFiles:
    files = JobFiles(tmp_path_factory.mktemp("data"), "0123456789abcdef")
    for path in (files.snapshot(3), files.weights("weights-1") / "generator.npz"):
        path.parent.mkdir(parents=True)
    files.real.write_text(json.dumps(REAL))
    files.snapshot(3).write_text(json.dumps(SNAPSHOT))
    np.save(files.points, POINTS)
    np.savez(files.weights("weights-1") / "generator.npz", **LAYERS)  # type: ignore[arg-type]
    return files


def _readers(files: JobFiles) -> dict[Path, Callable[[], object]]:
    weights = files.weights("weights-1") / "generator.npz"
    return {
        files.real: lambda: stored.real_examples(files),
        files.snapshot(3): lambda: stored.snapshot(files, 3),
        files.points: lambda: _opened(files.points, lambda file: np.array(stored.own_points(file, DATA))),
        weights: lambda: _opened(weights, read_arrays),
    }


def _opened(path: Path, read: Callable[[BinaryIO], object]) -> object:
    with path.open("rb") as file:
        return read(file)


def _damaged(content: bytes, draw: st.DataObject) -> bytes:
    at = draw.draw(st.integers(0, len(content) - 1), "at")
    length = draw.draw(st.integers(1, 64), "length")
    other = draw.draw(st.binary(min_size=length, max_size=length), "other")
    return {
        "cut off": lambda: content[:at],
        "continued": lambda: content + other,
        "zeroed": lambda: content[:at] + bytes(length) + content[at + length :],
        "overwritten": lambda: content[:at] + other + content[at + length :],
        "a bit": lambda: content[:at] + bytes([content[at] ^ 1 << length % 8]) + content[at + 1 :],
        "other": lambda: other,
    }[draw.draw(st.sampled_from(["cut off", "continued", "zeroed", "overwritten", "a bit", "other"]), "damage")]()


@given(st.data())
def test_whatever_the_damage_files_are_read_or_refused(files: JobFiles, data: st.DataObject) -> None:
    readers = _readers(files)
    path = data.draw(st.sampled_from(list(readers)))
    whole = path.read_bytes()
    path.write_bytes(_damaged(whole, data))
    try:
        found = readers[path]()
    except DamagedFileError as error:
        words = str(error)
        assert words.startswith("expected "), words
        assert str(files.folder) not in words
    else:
        if isinstance(found, stored.Stored):
            assert json.loads(found.text, parse_constant=pytest.fail) == found.value
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[" * 100_000,
        json.dumps(REAL | SNAPSHOT | {"manifold": float("nan")}).encode(),
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (400000000000, 2)}".ljust(128)
        + b"\n",
        b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (10, 2)}".ljust(128) + b"\n",
        b"PK\x03\x04 and no archive",
    ],
)
def test_files_of_another_kind_are_refused(files: JobFiles, content: bytes) -> None:
    for path, read in _readers(files).items():
        whole = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(DamagedFileError):
            read()
        path.write_bytes(whole)


def test_an_archive_that_unpacks_into_much_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("layer_000.npy", bytes(2**22))
    with pytest.raises(DamagedFileError):
        _opened(tmp_path / "bomb.npz", read_arrays)


@given(st.sampled_from([*((REAL, name) for name in REAL), *((SNAPSHOT, name) for name in SNAPSHOT)]), st.data())
def test_what_is_not_refused_can_be_drawn(
    files: JobFiles, part: tuple[dict[str, Any], str], data: st.DataObject
) -> None:
    whole, name = part
    path = files.real if whole is REAL else files.snapshot(3)
    path.write_text(json.dumps(whole | {name: data.draw(st.sampled_from(ODD))}))
    try:
        real, snapshots = stored.pictured(files, [3])
    except DamagedFileError:
        pass
    else:
        losses = np.zeros((3, 2), np.float32)
        JobFigure(real, snapshots, losses, ["a", "b"], first_step=0, ends=[3], titles=["title"], size=300).show(0)
    finally:
        path.write_text(json.dumps(whole))


def test_samples_of_arrays_that_are_no_generator(tmp_path: Path) -> None:
    for arrays in ({}, {"a": np.ones(3)}, {"a": np.ones(3), "b": np.ones(3), "c": np.ones(3)}, {"a": LAYERS, "b": 1}):
        np.savez(tmp_path / "generator.npz", **arrays)
        with pytest.raises((ValueError, IndexError, TypeError)):
            _opened(tmp_path / "generator.npz", lambda file: sample(file, "normal", 3, seed=1))
