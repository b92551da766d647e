"""Columns of the caller's own data: into the unit cube, where the generator's sigmoid ends, and back."""

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from app.jobs.limits import LimitError
from app.jobs.scaling import ColumnTransform
from app.jobs.service.examples import Table, prepared
from app.jobs.specification import MAX_POINT, StoredData

RNG = np.random.default_rng(0)

#: Columns as people have them, and as nobody should.
COLUMNS: dict[str, npt.NDArray[Any]] = {
    "kilograms": RNG.normal(75, 12, 1_000),
    "within 0 … 1 already": RNG.random(1_000),
    "of 1e-9": RNG.uniform(1e-9, 3e-9, 1_000),
    "of 1e9": RNG.uniform(-1e9, 1e9, 1_000),
    "a large offset with a small spread": 1e9 + RNG.random(1_000),
    "seconds since 1970": 1.7e9 + np.arange(1_000.0),
    "near the limits of float32": RNG.uniform(-3.4e38, 3.4e38, 1_000),
    "near the limits of what is accepted": RNG.uniform(-MAX_POINT, MAX_POINT, 1_000),
    "denormal as float32": RNG.uniform(1e-44, 1e-40, 1_000),
    "denormal": np.arange(1_000) * 5e-324,
    "two neighbouring numbers": np.where(np.arange(1_000) % 2, 1.0, np.nextafter(1.0, 2)),
    "negative": RNG.uniform(-20, -10, 1_000),
    "integers": RNG.integers(0, 5, 1_000),
    "bytes": RNG.integers(0, 256, 1_000).astype(np.uint8),
    "half precision": RNG.normal(0, 1, 1_000).astype(np.float16),
    "big-endian": RNG.normal(0, 1, 1_000).astype(">f8"),
    "yes and no": RNG.random(1_000) < 0.5,
    "rarely anything but 0": np.where(np.arange(1_000) == 7, 3.0, 0.0),
    "a heavy tail": RNG.lognormal(0, 1, 1_000),
    "two points": np.array([3.0, 8.0]),
}


def _prepared(column: npt.NDArray[Any]) -> tuple[StoredData, npt.NDArray[np.float32], ColumnTransform]:
    stored, points = prepared(Table(column.reshape(-1, 1)), normalize=True)
    assert stored.transform is not None
    return stored, points, stored.transform


@pytest.mark.parametrize("case", COLUMNS)
def test_every_column_goes_into_the_unit_cube_and_comes_back(case: str) -> None:
    column = COLUMNS[case]
    stored, points, transform = _prepared(column)
    assert stored.warnings == ()
    assert points.dtype == np.float32
    assert points.min() >= 0
    assert points.max() <= 1
    assert np.ptp(points) >= 0.4, "it uses the cube"
    values = column.astype(np.float64)
    precision = 1e-7 * np.ptp(values) + 2 * np.spacing(np.abs(values).max())
    np.testing.assert_allclose(transform.to_values(points)[:, 0], values, rtol=0, atol=precision)


@pytest.mark.parametrize("value", [42.1, 0.0, -0.0, 1e9 + 0.125, -1e-9, 5e-324, 1e300, 7])
def test_a_constant_column_comes_back_exactly_and_is_told(value: float) -> None:
    stored, points, transform = _prepared(np.full(50, value))
    assert (points == 0.5).all()
    made = transform.to_values(RNG.random((20, 1), np.float32))
    assert (made == value).all()
    assert not np.signbit(made).any() or value < 0, "a zero has no sign"
    assert len(stored.warnings) == 1
    assert "in all rows" in stored.warnings[0]
    ((low, high),) = transform.box(1)
    assert low < value < high
    assert float(transform.formats()[0] % made[0, 0]) == value


@pytest.mark.parametrize("outlier", [1e6, -1e6, 1e300, 99_999.0])
@pytest.mark.parametrize("rows", [12, 300, 5_000])
def test_one_outlier_does_not_squeeze_the_rest_into_one_point_and_is_told(rows: int, outlier: float) -> None:
    column = np.append(RNG.uniform(150, 195, rows - 1), outlier)
    table = Table(np.column_stack([RNG.random(rows), column]), titles=("weight", "height"))
    stored, points = prepared(table, normalize=True)
    assert np.ptp(points[:-1, 1]) > 0.8
    assert points[-1, 1] == (outlier > 0), "it stands at the edge"
    (warning,) = stored.warnings
    assert "column 2 (height): 1 value far outside" in warning
    assert f"{outlier:.6g}" in warning


def test_a_second_cloud_is_no_outlier() -> None:
    column = np.concatenate([RNG.normal(0, 1, 900), RNG.normal(1_000, 1, 100)])
    stored, _, transform = _prepared(column)
    assert stored.warnings == ()
    assert transform.scale[0] > 1_000


def test_many_columns_that_surprise_are_told_in_few_lines() -> None:
    stored, _ = prepared(Table(np.ones((20, 100))), normalize=True)
    assert len(stored.warnings) == 21
    assert stored.warnings[-1] == "and the like of 80 more columns"


def test_a_transform_survives_json() -> None:
    _, _, transform = _prepared(COLUMNS["a large offset with a small spread"])
    again = ColumnTransform.model_validate_json(json.dumps(transform.model_dump(mode="json"), allow_nan=False))
    assert again == transform


def test_a_transform_of_odd_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="as many scales as offsets, got 1 and 2"):
        ColumnTransform(scale=(1.0,), offset=(1.0, 2.0))


def test_written_numbers_keep_the_digits_that_matter_and_no_more() -> None:
    transform = ColumnTransform(scale=(50.0, 1.0, 2e-9), offset=(150.0, 1e9, 0.0))
    weight, seconds, tiny = transform.formats()
    assert weight % 171.23456789012345 == "171.2345679"
    assert seconds % (1e9 + 0.123456789) == "1000000000.1234568"
    assert tiny % 1.23456789012e-9 == "1.23456789e-09"
    assert transform.formats(4)[0] % 171.23456 == "171.23"


def test_left_as_they_are_points_must_lie_where_the_sigmoid_ends() -> None:
    fits = np.array([[0, 0.5], [1, 0.25]])
    stored, points = prepared(Table(fits), normalize=False)
    assert stored.transform is None
    np.testing.assert_array_equal(points, fits.astype(np.float32))
    for value in (-1e-9, 1 + 1e-12, 75.0):
        table = Table(np.array([[0.5, 0.1], [0.5, value]]), titles=("age", "weight"))
        with pytest.raises(LimitError, match=r"column 2 \(weight\); leave normalize out") as caught:
            prepared(table, normalize=False)
        assert repr(value) in str(caught.value)
        assert "expected numbers in 0 … 1" in str(caught.value)


NUMBERS = st.one_of(
    st.floats(-MAX_POINT, MAX_POINT), st.floats(0, 1), st.integers(-3, 3).map(float), st.floats(1e9, 1e9 + 1)
)


@given(np_st.arrays(np.float64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=NUMBERS))
def test_points_of_every_kind_are_scaled_and_come_back(table: npt.NDArray[np.float64]) -> None:
    stored, points = prepared(Table(table), normalize=True)
    transform = stored.transform
    assert transform is not None
    assert np.isfinite(points).all()
    assert points.min() >= 0
    assert points.max() <= 1
    back = transform.to_values(points)
    assert np.isfinite(back).all()
    assert all(low < high and np.isfinite([low, high]).all() for low, high in transform.box(4))
    outliers = any("far outside" in warning for warning in stored.warnings)
    for i in range(table.shape[1]):
        width = np.ptp(table[:, i])
        precision = 1e-6 * width + 4 * np.spacing(np.abs(table[:, i]).max())
        assert outliers or np.abs(back[:, i] - table[:, i]).max() <= precision
        texts = [transform.formats()[i] % value for value in back[:, i]]
        assert np.abs(np.array(texts, np.float64) - back[:, i]).max() <= max(precision, 1e-8 * transform.scale[i])
