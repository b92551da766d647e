from hypothesis import given
from hypothesis import strategies as st

from app.tallies import Histogram

_NUMBERS = st.floats(0, 100)


@given(st.lists(_NUMBERS, unique=True).map(sorted), st.lists(_NUMBERS))
def test_a_histogram_counts_the_values_up_to_each_bound(bounds: list[float], values: list[float]) -> None:
    histogram = Histogram(bounds)
    for value in values:
        histogram.add(value)
    expected = [(bound, sum(value <= bound for value in values)) for bound in (*bounds, float("inf"))]
    assert histogram.cumulative() == expected
    assert histogram.count == len(values)
    assert histogram.total == sum(values, 0.0)
