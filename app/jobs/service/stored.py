"""Reads what training processes have written, and refuses what is damaged. No message has a path."""

from collections.abc import Sequence
from typing import Annotated, Any, BinaryIO, NamedTuple

import numpy.typing as npt
from pydantic import AfterValidator, BaseModel, Field, FiniteFloat
from pydantic_core import from_json

from app.jobs import file_names
from app.jobs.file_names import StoredFiles
from app.jobs.snapshot_views import SHOWN_DIMENSIONS
from app.jobs.specification import StoredData
from models.files.arrays import DamagedFileError, open_array


def _of_one_length(rows: list[list[float | None]]) -> list[list[float | None]]:
    if len(set(map(len, rows))) > 1:
        raise ValueError("expected rows of one length")
    return rows


def _square(rows: list[list[float | None]]) -> list[list[float | None]]:
    if len(rows) < 2 or any(len(row) != len(rows) for row in rows):
        raise ValueError("expected a square")
    return rows


#: A number that is not finite is null in a file.
_Rows = Annotated[list[list[FiniteFloat | None]], Field(min_length=1), AfterValidator(_of_one_length)]


class _Real(BaseModel, strict=True):
    """Some of the real examples. What earlier releases did not write need not be there."""

    real: _Rows
    dimensions: int
    box: list[Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]]
    modes: _Rows | None
    mode_radius: FiniteFloat | None = None


class _Snapshot(BaseModel, strict=True):
    """A snapshot; its views are passed on as they are."""

    generated: _Rows
    scores: Annotated[_Rows, AfterValidator(_square)] | None
    figures: dict[str, FiniteFloat | None] | None
    covered: list[bool] | None = None


class Stored(NamedTuple):
    """A file of JSON: its text, and the object that it holds."""

    text: str
    value: dict[str, Any]


def real_examples(files: StoredFiles) -> Stored:
    """Return some real examples of a job.

    Raises:
        DamagedFileError: their file is damaged.
        OSError: it is not there, or cannot be read.
    """
    return _read(files.read(file_names.REAL), _Real)


def snapshot(files: StoredFiles, step: int, half: bool = False) -> Stored:
    """Return a snapshot of a job; see :func:`app.jobs.file_names.snapshot`.

    Raises:
        DamagedFileError: its file is damaged.
        OSError: it is not there, or cannot be read.
    """
    return _read(files.read(file_names.snapshot(step, half)), _Snapshot)


def _read(content: bytes, shape: type[BaseModel]) -> Stored:
    try:
        value = from_json(content, allow_inf_nan=False)
        shape.model_validate(value)
        return Stored(content.decode(), value)
    except ValueError:  # of pydantic, too
        raise DamagedFileError("expected JSON of a snapshot, got a damaged file") from None


def pictured(files: StoredFiles, steps: Sequence[int]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what pictures show of a job: some real examples, and its snapshots of these steps, which fit each other.

    Raises:
        DamagedFileError: a file is damaged.
        OSError: a file is not there, or cannot be read.
    """
    real = real_examples(files).value
    snapshots = [snapshot(files, step).value for step in steps]
    shown, modes = min(real["dimensions"], SHOWN_DIMENSIONS), real["modes"] or []
    fit = (
        shown > 0
        and all(len(row) == shown for rows in (real["real"], *(one["generated"] for one in snapshots)) for row in rows)
        and 0 < len(real["box"]) <= shown
        and all(len(mode) >= min(2, shown) for mode in modes)
        and all(len(one.get("covered") or modes) == len(modes) for one in snapshots)
    )
    if not fit:
        raise DamagedFileError("expected real and generated points that fit each other, got others")
    return real, snapshots


def own_points(file: BinaryIO, data: StoredData) -> npt.NDArray[Any]:
    """Return a caller's own points as the networks get them, float32 ``(rows, dimensions)``, still on the disk.

    Raises:
        DamagedFileError: the open file is damaged.
        OSError: it cannot be read.
    """
    points = open_array(file)
    if points.shape != (data.rows, data.dimensions) or points.dtype.kind != "f":
        raise DamagedFileError(f"expected {data.rows:,} × {data.dimensions} numbers, got others")
    return points
