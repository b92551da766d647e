"""Uploaded examples: the table as it came, and the numbers to train on."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from app.jobs.errors import UploadError
from app.jobs.limits import LimitError
from app.jobs.scaling import Column, look_at, transform_of
from app.jobs.specification import StoredData

Singles = npt.NDArray[np.float32]

MAX_COLUMNS = 1_024
#: How refusals of a file begin.
ACCEPTED = "expected a picture, a CSV of numbers or a .npy of shape (rows, dimensions)"

#: Warnings about single columns; more are summed up.
_MOST_WARNINGS = 20


class Table(NamedTuple):
    """Numbers from a request body or a file.

    ``values`` are finite, ``(rows, columns)`` of any real dtype, both at least 1. ``skipped`` says which parts of a
    file are not among them, ``warnings`` what may have been misunderstood, ``name`` what the caller calls it. Values
    ``in_unit_square`` are left where they are.
    """

    values: npt.NDArray[Any]
    titles: tuple[str, ...] | None = None
    skipped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    name: str | None = None
    in_unit_square: bool = False

    def column_name(self, column: int) -> str:
        """Return what to call a column, the first of which has the number 0."""
        title = self.titles[column] if self.titles else ""
        return f"column {column + 1} ({title})" if title else f"column {column + 1}"


def check_limit(what: str, count: int, most: int, suffix: str = "") -> None:
    """Refuse a file with too many or no rows or columns."""
    if not 1 <= count <= most:
        raise UploadError(f"{what}: expected 1 to {most:,}, got {count:,} {suffix}".rstrip())


def prepared(table: Table, normalize: bool) -> tuple[StoredData, Singles]:
    """Return the description of examples to store, and the numbers to train on, float32 in [0, 1].

    Args:
        table: the examples.
        normalize: whether to scale them column by column, unless they are in the unit square; otherwise they must lie
            in [0, 1].

    Raises:
        LimitError: unscaled examples lie outside [0, 1].
    """
    rows, dimensions = table.values.shape
    stored = StoredData(
        name=table.name,
        rows=rows,
        dimensions=dimensions,
        titles=table.titles,
        skipped=table.skipped,
        warnings=table.warnings,
    )
    if table.in_unit_square or not normalize:
        _check_unit_range(table)
        return stored, table.values.astype(np.float32)
    columns = [look_at(table.values[:, i].astype(np.float64)) for i in range(dimensions)]
    transform = transform_of(columns)
    warnings = table.warnings + _warnings(table, columns)
    return stored.model_copy(update={"transform": transform, "warnings": warnings}), transform.to_network(table.values)


def _check_unit_range(table: Table) -> None:
    for i in range(table.values.shape[1]):
        low, high = float(table.values[:, i].min()), float(table.values[:, i].max())
        if low < 0 or high > 1:
            raise LimitError(
                'data: with "normalize": false, expected numbers in 0 … 1, where the generator\'s sigmoid ends, got '
                f"{low!r} … {high!r} in {table.column_name(i)}; leave normalize out, and the columns are scaled"
            )


def _warnings(table: Table, columns: list[Column]) -> tuple[str, ...]:
    """Return warnings about outliers and constant columns."""
    found = []
    for i, column in enumerate(columns):
        name = table.column_name(i)
        if column.outliers:
            count = f"{column.outliers:,} value{'s' * (column.outliers > 1)}"
            found.append(
                f"{name}: {count} far outside the others' {column.low:.6g} … {column.high:.6g}, such as "
                f"{column.farthest:.6g}, taken as the nearest edge of that range; they would have squeezed the others "
                "into one point"
            )
        elif column.low == column.high:
            found.append(f"{name}: {column.low:.6g} in all rows, and so it is in all samples")
    more = len(found) - _MOST_WARNINGS
    return (*found[:_MOST_WARNINGS], f"and the like of {more:,} more columns") if more > 0 else tuple(found)
