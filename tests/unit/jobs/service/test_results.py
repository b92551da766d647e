"""How many samples one answer may have."""

from contextlib import AbstractContextManager, nullcontext

import pytest

from app.jobs.limits import LimitError
from app.jobs.service.results import check_count


def _refused(pattern: str) -> AbstractContextManager[object]:
    return pytest.raises(LimitError, match=pattern)


@pytest.mark.parametrize(
    ("count", "widths", "outcome"),
    [
        (100_000, (1, 10, 10, 2), nullcontext()),
        (40_816, (49, 98, 98, 49), nullcontext()),
        (40_817, (49, 98, 98, 49), _refused("at most 2,000,000 numbers in one answer, got 40,817 samples of 49")),
        (11_762, (100, *[1_024] * 9, 1), nullcontext()),
        (11_763, (100, *[1_024] * 9, 1), _refused("at most 11,762 samples .* with 8,501,249 weights, got 11,763")),
    ],
)
def test_numbers_and_work_are_bounded(
    count: int, widths: tuple[int, ...], outcome: AbstractContextManager[object]
) -> None:
    with outcome:
        check_count(count, widths)
