"""Compares the results of a test with recorded ones.

A test passes all its facts under one name, which is a JSON file in ``tests/golden``. A missing file is written,
and the test fails: to record new facts, delete the file, run the test and review the difference.

The last bits of a floating-point result depend on the machine: the processor's vector instructions and the number of
cores decide the order of a sum, and versions of NumPy, Keras and TensorFlow may compute it differently. The bytes of a
compressed picture depend on zlib and Pillow. Such a fact therefore has two parts. Its SHA-256 must match on the kind of
machine on which it was recorded; its rounded numbers must match within a tolerance everywhere.
"""

import difflib
import hashlib
import io
import json
import os
import zlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageSequence

FOLDER = Path(__file__).resolve().parent.parent / "golden"

#: Characters of a line in a file, unless it cannot be broken.
_LINE = 300
#: Tolerances of rounded numbers; ten training steps on two machines differ by less.
_RELATIVE, _ABSOLUTE = 0.02, 1e-3
#: Tolerance of mean grey levels.
_GREY_LEVELS = 2


def surroundings() -> dict[str, Any]:
    """Return what decides the last bits of a result and the bytes of a picture."""
    return {
        "processor": np.show_config(mode="dicts")["SIMD Extensions"].get("found"),
        "processors": len(os.sched_getaffinity(0)),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        **{name: version(name) for name in ("numpy", "pillow", "keras", "tensorflow")},
    }


def on_the_same_machine(name: str) -> bool:
    """Say whether exact results can be expected: those of this name were recorded in the same surroundings."""
    path = FOLDER / f"{name}.json"
    return path.exists() and json.loads(path.read_text())["recorded with"] == surroundings()


def array(values: npt.ArrayLike) -> dict[str, Any]:
    """Return the facts of an array."""
    values = np.ascontiguousarray(values)
    numbers = values.ravel().astype(np.float64)
    return {
        "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
        "shape": [values.dtype.name, *values.shape],
        "numbers": [float(f"{number:.5g}") for number in [numbers.mean(), numbers.std(), *numbers[:4], numbers[-1]]],
    }


def arrays(values: list[npt.NDArray[Any]]) -> dict[str, Any]:
    """Return the facts of several arrays, such as the weights of a network."""
    facts = array(np.concatenate([value.ravel() for value in values]))
    return facts | {"shape": [[value.dtype.name, *value.shape] for value in values]}


def picture(content: bytes) -> dict[str, Any]:
    """Return the facts of a picture: its size, and the mean greys of 4×4 fields of its first and its last frame."""
    with Image.open(io.BytesIO(content)) as image:
        frames = [frame.convert("L") for frame in ImageSequence.Iterator(image)]
        shape = [image.format, *image.size, len(frames)]
    fields = [np.asarray(frame.resize((4, 4), Image.Resampling.BOX)) for frame in (frames[0], frames[-1])]
    return {"sha256": hashlib.sha256(content).hexdigest(), "shape": shape, "greys": np.ravel(fields).tolist()}


def check(name: str, facts: dict[str, Any], *, depends_on_machine: bool = True) -> None:
    """Assert that facts are the recorded ones. Facts that depend on no machine must be equal everywhere."""
    facts = json.loads(json.dumps(facts))
    path = FOLDER / f"{name}.json"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        record = {"recorded with": surroundings(), **facts} if depends_on_machine else facts
        path.write_text(_text(record) + "\n")
        pytest.fail(f"{path} was missing and has been written; look at it, and run the test again")
    known = json.loads(path.read_text())
    known.pop("recorded with", None)
    if not depends_on_machine or on_the_same_machine(name):
        texts = [_text(each).splitlines() for each in (known, facts)]
        wrong = list(difflib.unified_diff(texts[0], texts[1], "recorded", "now", lineterm=""))
    else:
        wrong = list(_differences(known, facts, name))
    assert not wrong, "\n".join(["not as recorded:", *wrong])


def _text(value: Any, indent: str = "") -> str:
    """Return JSON in which whatever is short stands on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= _LINE or not isinstance(value, dict):
        return line
    deeper = indent + " "
    items = [f"{deeper}{json.dumps(key, ensure_ascii=False)}: {_text(item, deeper)}" for key, item in value.items()]
    return "\n".join(["{", ",\n".join(items), indent + "}"])


def _differences(known: Any, found: Any, place: str) -> Iterator[str]:
    """Yield the differences that exceed the tolerances."""
    if isinstance(known, dict) and isinstance(found, dict):
        if list(known) != list(found):
            yield f"{place}: {list(known)} became {list(found)}"
        for key in known.keys() & found.keys() - {"sha256"}:
            yield from _differences(known[key], found[key], f"{place}: {key}")
    elif place.endswith(": numbers"):
        if not np.allclose(found, known, _RELATIVE, _ABSOLUTE):
            yield f"{place}: {known} became {found}"
    elif place.endswith(": greys"):
        if np.abs(np.subtract(known, found)).max() > _GREY_LEVELS:
            yield f"{place}: {known} became {found}"
    elif known != found:
        yield f"{place}: {known} became {found}"
