from typing import Any

import numpy as np
import pytest

from models.files.normalization import RAW, SYMMETRIC, TRANSFORMS, PixelTransform


@pytest.mark.parametrize("transform", TRANSFORMS.values())
def test_every_grey_level_survives_the_round_trip(transform: PixelTransform) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    outputs = transform.to_network(grey)

    assert outputs.shape == (1, 16, 16, 1)
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(transform.to_grey(outputs), grey)


def test_ranges() -> None:
    ends = np.array([[[0, 255]]], np.uint8)

    np.testing.assert_allclose(RAW.to_network(ends).ravel(), [0, 1])
    np.testing.assert_allclose(SYMMETRIC.to_network(ends).ravel(), [-1, 1])


def test_outputs_beyond_the_range_are_clipped() -> None:
    outputs = np.array([-0.5, 0.0, 0.25, 1.5]).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(RAW.to_grey(outputs).ravel(), [0, 0, 64, 255])


def test_a_transform_survives_json_values() -> None:
    assert PixelTransform.from_dict(SYMMETRIC.to_dict()) == SYMMETRIC


@pytest.mark.parametrize(
    "values", [None, {}, {"name": "x", "scale": 0, "offset": 1}, {"name": "x", "scale": float("nan"), "offset": 0}]
)
def test_a_broken_transform_is_refused(values: Any) -> None:
    with pytest.raises(ValueError, match="expected a pixel transform"):
        PixelTransform.from_dict(values)
