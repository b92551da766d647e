"""Scales columns of uploaded data into [0, 1], the range of the generator's sigmoid, and back into their units."""

import math
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: Share of [0, 1] left free at both ends: a sigmoid never reaches 0 and 1.
_MARGIN = 0.05
#: With fewer rows, nothing is an outlier.
_FEWEST_ROWS = 10
#: Share of the rows at both ends, at least one row, that does not count for a column's usual range.
_TAIL = 1 / 200
#: Outliers lie more than this many widths of the usual range beyond it.
_FAR = 10.0
#: Digits that resolve the width of a column: as many as a float32 in [0, 1] has.
_DIGITS = 9


class ColumnTransform(BaseModel):
    """An affine map for each column: ``value = output * scale + offset``, with the generator's outputs in [0, 1].

    A constant column has the scale 0: every output becomes the constant.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    scale: tuple[float, ...] = Field(description="By column; 0 for a constant one.")
    offset: tuple[float, ...] = Field(description="By column.")

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if len(self.scale) != len(self.offset):
            raise ValueError(f"expected as many scales as offsets, got {len(self.scale)} and {len(self.offset)}")
        return self

    def to_network(self, values: npt.NDArray[Any]) -> Singles:
        """Map values, real ``(rows, columns)``, into [0, 1]; values outside are clipped."""
        outputs = np.empty(values.shape, np.float32)
        # Column by column: the whole table as float64 could take eight times the memory of the file.
        for i, (scale, offset) in enumerate(zip(self.scale, self.offset, strict=True)):
            if scale:
                with np.errstate(over="ignore"):  # infinities are clipped, too
                    outputs[:, i] = np.clip((values[:, i].astype(np.float64) - offset) / scale, 0.0, 1.0)
            else:
                outputs[:, i] = 0.5
        return outputs

    def to_values(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Map outputs, ``(rows, first columns)``, to values in the units of the data, float64."""
        columns = outputs.shape[1]
        values: Floats = outputs * np.array(self.scale[:columns]) + np.array(self.offset[:columns])
        return values

    def to_distances(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Map outputs to values without the offset, for distances: a large offset would cost digits."""
        distances: Floats = outputs * np.array(self.scale)
        return distances

    def box(self, columns: int) -> list[tuple[float, float]]:
        """Return low and high ends of the first columns, with low < high also for constant ones."""
        sides = []
        for scale, offset in zip(self.scale[:columns], self.offset[:columns], strict=True):
            low, high = offset, offset + scale
            if not low < high:
                half = max(0.5, 1e-6 * abs(offset))
                low, high = offset - half, offset + half
            sides.append((low, high))
        return sides

    def formats(self, digits: int = _DIGITS) -> list[str]:
        """Return the ``%`` format of each column that resolves its width with ``digits`` digits."""
        return [f"%.{_significant(*column, digits)}g" for column in zip(self.scale, self.offset, strict=True)]


def _significant(scale: float, offset: float, digits: int) -> int:
    if not scale:
        return 15 if float(f"{offset:.15g}") == offset else 17
    largest = max(abs(offset), abs(offset + scale))
    return max(1, min(17, digits + math.ceil(math.log10(largest) - math.log10(scale))))


class Column(NamedTuple):
    """The usual range of a column, and how many values lie far outside."""

    low: float
    high: float
    outliers: int
    farthest: float  # of the outliers; NaN where there are none


def look_at(column: Floats) -> Column:
    """Return the range of a column of at least one finite number, without outliers.

    Outliers lie further from the middle 99 % of the values than ten times their width. There are none in columns of
    fewer than ten rows or with an empty middle range.
    """
    low, high = float(column.min()), float(column.max())
    rows = len(column)
    if rows >= _FEWEST_ROWS:
        tail = max(1, int(rows * _TAIL))
        ordered = np.partition(column, (tail, rows - 1 - tail))
        middle_low, middle_high = float(ordered[tail]), float(ordered[rows - 1 - tail])
        reach = _FAR * (middle_high - middle_low)
        if reach and (low < middle_low - reach or high > middle_high + reach):
            far = (column < middle_low - reach) | (column > middle_high + reach)
            usual, outliers = column[~far], column[far]
            middle = (middle_low + middle_high) / 2
            farthest = float(outliers[np.abs(outliers - middle).argmax()])
            return Column(float(usual.min()), float(usual.max()), len(outliers), farthest)
    return Column(low, high, 0, math.nan)


def transform_of(columns: list[Column]) -> ColumnTransform:
    """Return the transform that maps each column's usual range into [0, 1], with a margin at both ends."""
    scales, offsets = [], []
    for low, high, *_ in columns:
        scale = (high - low) / (1 - 2 * _MARGIN)
        scales.append(scale)
        # The + 0.0 turns -0.0 into 0.0.
        offsets.append((low - _MARGIN * scale if scale else low) + 0.0)
    return ColumnTransform(scale=tuple(scales), offset=tuple(offsets))
