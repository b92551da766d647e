"""Counting what is frequent: plain numbers that cost next to nothing to change, and that ``GET /metrics`` reads."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate


class Histogram:
    """How often which values came.

    Args:
        bounds: upper bounds of the classes, ascending; greater values have a class of their own.
    """

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(map(float, bounds))
        self._counts = [0] * (len(bounds) + 1)
        #: The sum of all values.
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values came."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[float, int]]:
        """Return each bound, the last is infinite, and how many values came up to it."""
        return list(zip((*self._bounds, float("inf")), accumulate(self._counts), strict=True))
