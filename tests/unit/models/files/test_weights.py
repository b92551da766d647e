"""Weights files of strangers: what makes no faces, hangs, crashes or takes gigabytes is refused in one line."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from app.faces.generator import FaceGenerator
from models.files import reading
from models.files.layouts import FACE_GENERATOR, layout_from_json, layout_to_json, numbers_in
from models.files.reading import start_reader
from models.files.weights import WeightsError, read_file, read_metadata, read_weights
from tests.conftest import PATIENCE, ROOT

SHIPPED = ROOT / "weights" / "generator.h5"
LAST = "batch_normalization_2/batch_normalization_2"

_Edit = Callable[[h5py.File], None]


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[_Edit], Path]:
    """Return a function that changes a copy of the shipped weights."""

    def edit(change: _Edit) -> Path:
        path = tmp_path / "generator.h5"
        shutil.copy(SHIPPED, path)
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    return edit


def _set(variable: str, value: float) -> _Edit:
    def change(file: h5py.File) -> None:
        file[variable][...] = value

    return change


def _say(metadata: str) -> _Edit:
    def change(file: h5py.File) -> None:
        file.attrs["nobody"] = metadata

    return change


def _named(name: str) -> _Edit:
    def change(file: h5py.File) -> None:
        file.attrs["layer_names"] = [name.encode()]
        file[f"{name}/{name}/kernel:0"] = np.zeros(3)
        file[name].attrs["weight_names"] = [f"{name}/kernel:0".encode()]

    return change


def _large_chunk(file: h5py.File) -> None:
    path = "conv2d/conv2d/bias:0"
    del file[path]
    file.create_dataset(path, (64,), "f4", maxshape=(None,), chunks=(400_000_000,), compression=1)
    file[path].id.write_direct_chunk((0,), b"whatever stands here is never unpacked")


def _never_written(file: h5py.File) -> None:
    path = "conv2d/conv2d/bias:0"
    del file[path]
    file.create_dataset(path, (64,), "f4")


def _chunk_missing(file: h5py.File) -> None:
    path = "conv2d/conv2d/bias:0"
    del file[path]
    file.create_dataset(path, (64,), "f4", chunks=(32,))[:32] = 1


def _other_floats(file: h5py.File) -> None:
    """Store numbers with another bias of their exponent, as a flipped bit does."""
    path = b"conv2d/conv2d/bias:0"
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_ebias(126)
    del file[path]
    h5py.h5d.create(file.id, path, kind, h5py.h5s.create_simple((64,))).write(
        h5py.h5s.ALL, h5py.h5s.ALL, np.ones(64, np.float32)
    )


TRANSFORM = '{"format_version": 1, "pixel_transform": {"name": "wide", "scale": %s, "offset": 0}}'

#: What was done to the shipped weights, and what is said of it.
HOSTILE: dict[str, tuple[_Edit, str]] = {
    "a negative variance": (_set(f"{LAST}/moving_variance:0", -1e-3), r"variances of 0 or more, found -0.001 in"),
    "weights that overflow": (_set("conv2d/conv2d/kernel:0", 3e38), r"weights below 1e\+30, once normalised; found"),
    "weights that overflow once normalised": (_set(f"{LAST}/gamma:0", 1e31), r"weights below 1e\+30, once normalised"),
    "a face for all seeds": (_set(f"{LAST}/gamma:0", 0), r"draws different faces, got 1 different out of 64"),
    "a few faces for all seeds": (_set(f"{LAST}/gamma:0", 1e-3), r"draws different faces, got \d+ different out of 64"),
    "faces of one colour": (_set(f"{LAST}/beta:0", 1e3), r"draws different faces, got 1 different out of 64"),
    "a transform to one grey": (_say(TRANSFORM % "1e-29"), r"draws different faces, got 1 different out of 64"),
    "a transform that overflows": (_say(TRANSFORM % "1e300"), r"a pixel transform of finite numbers"),
    "metadata that are no JSON": (_say('{"format_version": 1, "a": NaN}'), r"metadata as JSON"),
    "metadata of half a letter": (_say('{"format_version": 1, "a": "\\ud800"}'), r"metadata as JSON"),
    "deep metadata": (_say('{"format_version": 1, "a": ' + "[" * 300 + "]" * 300 + "}"), r"more than 20 levels"),
    "a chunk of 1.6 GB for 64 numbers": (_large_chunk, r"at most 1,048,576 bytes in .*bias, which has 256; found 1,6"),
    "numbers never written": (_never_written, r"64 numbers in conv2d/bias, but some of them are missing"),
    "a chunk that is missing": (_chunk_missing, r"64 numbers in conv2d/bias, but some of them are missing"),
    "floats of their own kind": (_other_floats, r"floating-point numbers in conv2d/bias"),
    "names of control characters": (_named("\x1b[2J\n"), r"found 1 \(\?\[2J\?\)"),
    "endless names": (_named("a" * 20_000), r"found 1 \(a{4000}"),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE.values(), ids=list(HOSTILE))
def test_what_makes_no_faces_is_refused_in_one_line(
    change: _Edit, message: str, edited: Callable[[_Edit], Path]
) -> None:
    path = edited(change)
    with pytest.raises(WeightsError, match=message) as error:
        FaceGenerator(path)
    assert str(error.value).startswith(f"{path}: expected ")
    assert str(error.value).isprintable()
    assert len(str(error.value)) <= 5_000


RUN = """
import json, os, sys
from models.files import reader
path, layout = json.loads(sys.stdin.read())
reader.SECONDS = 1
{change}
reader.answer(path, layout, sys.stdout.buffer)
"""

#: What goes wrong in the process that reads, and what is said of it.
ENDS = {
    "the library hangs": ("", "reading them does not end; the file is damaged|it is damaged"),  # a mended library
    "it hangs": ("reader.read_contents = lambda *_: [1 for _ in iter(int, 1)]", "does not end; the file is damaged"),
    "it crashes": ("reader.read_contents = lambda *_: os.abort()", r"it is damaged \(the reader ended with SIGABRT\)"),
    "it fails": ("reader.read_contents = lambda *_: 1 / 0", r"it is damaged \(ZeroDivisionError: division by zero\)"),
    "it takes all memory": (
        "reader.read_contents = lambda *_: bytes(2**30)",
        "what takes too much memory",
    ),
}


@pytest.mark.parametrize(("change", "message"), ENDS.values(), ids=list(ENDS))
def test_a_reader_that_hangs_crashes_or_takes_all_memory_is_told_in_words(
    change: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(path: str, layout: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", RUN.format(change=change)]
        return subprocess.run(command, input=json.dumps([path, layout]).encode(), capture_output=True, cwd=ROOT)

    path = tmp_path / "generator.h5"
    whole = SHIPPED.read_bytes()
    path.write_bytes(whole[:2_560] + bytes(512) + whole[3_072:])  # on which HDF5 1.14 hangs
    monkeypatch.setattr("models.files.weights.ask_reader", ask)
    with pytest.raises(WeightsError, match=message):
        read_weights(path, FACE_GENERATOR)


def test_a_reader_may_be_started_ahead() -> None:
    start_reader()
    first, second = read_weights(SHIPPED, FACE_GENERATOR), read_weights(SHIPPED, FACE_GENERATOR)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_reader_that_is_not_needed_ends_with_its_program() -> None:
    start_reader()
    reader = reading._ready.pop()
    _, errors = reader.communicate(timeout=PATIENCE)  # its input ends, as it does with this program
    assert (reader.returncode, errors) == (0, b"")


def test_of_hundreds_of_mutated_files_each_is_served_or_refused_in_words() -> None:
    """`make soak` tries 10,000."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.weights_files", "180"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    served, refused, otherwise = map(int, done.stdout.splitlines()[-2].split()[1:])
    assert (served > 30, refused > 90, otherwise) == (True, True, 0), done.stdout


def test_a_file_is_read_with_its_metadata_and_hash() -> None:
    values, metadata, sha256 = read_file(SHIPPED, FACE_GENERATOR)
    with h5py.File(SHIPPED) as file:
        for array, layer, name in zip(values, *_names(), strict=True):
            np.testing.assert_array_equal(array, file[f"{layer}/{layer}/{name}:0"])
    assert metadata is not None
    assert metadata["architecture"] == "convolutional_GenDiscr"
    assert sha256 == subprocess.check_output(["sha256sum", SHIPPED], text=True).split()[0]
    values[0][...] = 0  # nobody else has these numbers


def _names() -> tuple[list[str], list[str]]:
    pairs = [(layer.name, name) for layer in FACE_GENERATOR for name, _ in layer.variables]
    return [layer for layer, _ in pairs], [name for _, name in pairs]


def test_a_layout_is_the_same_after_its_way_through_json() -> None:
    assert layout_from_json(layout_to_json(FACE_GENERATOR)) == FACE_GENERATOR
    assert numbers_in(FACE_GENERATOR) == 339_493


@pytest.mark.parametrize("path", [None, 3.5])
def test_what_is_no_path_is_refused(path: object) -> None:
    for read in (lambda: read_metadata(path), lambda: read_weights(path, FACE_GENERATOR)):  # type: ignore[arg-type]
        with pytest.raises(WeightsError, match=": expected the path of a file"):
            read()
