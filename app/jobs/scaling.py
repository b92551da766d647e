"""Columns of the caller's own data into 0 … 1, where the generator's sigmoid ends, and back into the caller's units."""

import math
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

#: Room at either end of a column: a sigmoid comes near 0 and 1, but never there.
_MARGIN = 0.05
#: With fewer rows nobody can say what is usual.
_FEWEST_ROWS = 10
#: Of this share of the rows at either end, one at least, a column's usual width does not depend.
_TAIL = 1 / 200
#: A value is an outlier if it lies more than so many usual widths beyond the usual ones.
_FAR = 10.0
#: Digits by which numbers differ that are a whole column's width apart: as many as a float32 in 0 … 1 has.
_DIGITS = 9


class ColumnTransform(BaseModel):
    """An affine map for each column: ``value = output * scale + offset``, with the generator's outputs in [0, 1].

    A constant column has the scale 0: whatever the generator says, the value is the constant.
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
        """Map the caller's numbers, real ``(rows, columns)``, into [0, 1]; what lies outside comes to its edge."""
        outputs = np.empty(values.shape, np.float32)
        # Column by column: as float64 the whole could take eight times the memory of the file.
        for i, (scale, offset) in enumerate(zip(self.scale, self.offset, strict=True)):
            if scale:
                with np.errstate(over="ignore"):  # infinitely far out is outside, too
                    outputs[:, i] = np.clip((values[:, i].astype(np.float64) - offset) / scale, 0.0, 1.0)
            else:
                outputs[:, i] = 0.5
        return outputs

    def to_values(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Map outputs, ``(rows, columns)`` of the first columns at least, to the caller's numbers, float64."""
        columns = outputs.shape[1]
        values: Floats = outputs * np.array(self.scale[:columns]) + np.array(self.offset[:columns])
        return values

    def to_distances(self, outputs: npt.NDArray[np.floating]) -> Floats:
        """Map outputs to numbers that lie as far apart as the caller's; large offsets would cost them their digits."""
        distances: Floats = outputs * np.array(self.scale)
        return distances

    def box(self, columns: int) -> list[tuple[float, float]]:
        """Return from where to where the first columns go, never from a number to itself."""
        sides = []
        for scale, offset in zip(self.scale[:columns], self.offset[:columns], strict=True):
            low, high = offset, offset + scale
            if not low < high:
                half = max(0.5, 1e-6 * abs(offset))
                low, high = offset - half, offset + half
            sides.append((low, high))
        return sides

    def formats(self, digits: int = _DIGITS) -> list[str]:
        """Return for each column the ``%`` format that keeps ``digits`` digits of its width, and no more."""
        return [f"%.{_significant(*column, digits)}g" for column in zip(self.scale, self.offset, strict=True)]


def _significant(scale: float, offset: float, digits: int) -> int:
    if not scale:
        return 15 if float(f"{offset:.15g}") == offset else 17
    largest = max(abs(offset), abs(offset + scale))
    return max(1, min(17, digits + math.ceil(math.log10(largest) - math.log10(scale))))


class Column(NamedTuple):
    """What is known of a column of data: where its usual values lie, and how many lie far outside."""

    low: float
    high: float
    outliers: int
    farthest: float  # of the outliers; NaN where there are none


def look_at(column: Floats) -> Column:
    """Return the range of a column of at least one finite number, without those that lie far outside.

    Far outside is what is more than ten times the width of the middle 99 % away from these. Where those are all alike,
    or there are fewer than ten rows, nothing is.
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
    """Return the transform that brings each column's usual values into [0, 1], with a little room at both ends."""
    scales, offsets = [], []
    for low, high, *_ in columns:
        scale = (high - low) / (1 - 2 * _MARGIN)
        scales.append(scale)
        # The + 0.0 takes the sign from a zero.
        offsets.append((low - _MARGIN * scale if scale else low) + 0.0)
    return ColumnTransform(scale=tuple(scales), offset=tuple(offsets))
