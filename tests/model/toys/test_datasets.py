import math
from typing import Any

import numpy as np
import pytest

from models.toys.datasets import NAMES, make, modes_of
from models.toys.metrics import corner_cloud_statistics, mode_statistics

DIMENSIONS = {"circle": 2, "four_clouds": 5, "ring8": 2, "grid25": 2, "swiss_roll": 2, "moons": 2, "corner_cloud": 49}
MIXTURES = {"four_clouds": 4, "ring8": 8, "grid25": 25, "corner_cloud": 1}


@pytest.mark.parametrize("name", NAMES)
def test_points_are_float32_inside_the_unit_cube(name: str) -> None:
    points = make(name, 1_001, seed=0)
    assert points.shape == (1_001, DIMENSIONS[name])
    assert points.dtype == np.float32
    assert points.min() >= 0
    assert points.max() < (1.05 if name in ("four_clouds", "corner_cloud") else 1)  # these two reach out a little


@pytest.mark.parametrize("name", NAMES)
def test_a_seed_names_its_points(name: str) -> None:
    np.testing.assert_array_equal(make(name, 50, seed=3), make(name, 50, seed=3))
    assert (make(name, 50, seed=3) != make(name, 50, seed=4)).any()


@pytest.mark.parametrize("name", NAMES)
def test_one_point_is_enough(name: str) -> None:
    assert make(name, 1, seed=0).shape == (1, DIMENSIONS[name])


def test_every_distribution_is_tested() -> None:
    assert set(NAMES) == set(DIMENSIONS)
    assert {name for name in NAMES if modes_of(name) is not None} == set(MIXTURES)


@pytest.mark.parametrize(("name", "count"), MIXTURES.items())
def test_a_mixture_has_its_modes_evenly_and_its_sigma(name: str, count: int) -> None:
    modes = modes_of(name)
    assert modes is not None
    dim = modes.centres.shape[1]
    assert len(modes.centres) == count

    points = make(name, 400 * count, seed=1)[:, :dim]
    measured = mode_statistics(points, modes.centres, modes.sigma)
    if dim == 2:
        # In two dimensions 1 - exp(-9 / 2) = 98.9 % lie within 3 sigma.
        assert measured.modes_covered == count
        assert measured.high_quality == pytest.approx(0.989, abs=0.01)
        assert measured.reverse_kl < 0.001
    offsets = points.reshape(-1, count, dim) - modes.centres
    assert offsets.std() == pytest.approx(modes.sigma, rel=0.05)


def test_ring8_is_the_published_one_scaled() -> None:
    """Centres on a circle of radius 1 with sigma .01, times .4."""
    modes = modes_of("ring8")
    assert modes is not None
    np.testing.assert_allclose(np.linalg.norm(modes.centres - 0.5, axis=1), 0.4)
    assert modes.sigma / 0.4 == pytest.approx(0.01)


def test_grid25_is_the_published_one_scaled() -> None:
    """Centres on {-4, -2, 0, 2, 4}² with sigma .05, times .1."""
    modes = modes_of("grid25")
    assert modes is not None
    np.testing.assert_allclose(np.unique(modes.centres.round(6)), [0.1, 0.3, 0.5, 0.7, 0.9])
    assert modes.sigma / 0.1 == pytest.approx(0.05)


def test_circle_has_the_radius_of_the_exercise() -> None:
    np.testing.assert_allclose(np.linalg.norm(make("circle", 100, seed=0) - 0.5, axis=1), 0.3, rtol=1e-5)


def test_four_clouds_carry_the_colour_of_their_place() -> None:
    x, y, red, green, blue = make("four_clouds", 1_000, seed=0).T
    np.testing.assert_allclose(red, np.minimum(x**2, 1), rtol=1e-5)
    np.testing.assert_allclose(green, np.minimum(y**2, 1), rtol=1e-5)
    np.testing.assert_allclose(blue, np.maximum(1 - red - green, 0), atol=1e-6)
    assert (blue == 0).any()


def test_corner_cloud_has_the_distances_of_the_exercise() -> None:
    measured = corner_cloud_statistics(make("corner_cloud", 10_000, seed=0))
    assert measured.mean_squared_distance == pytest.approx(49 * 0.05**2, rel=0.02)


@pytest.mark.parametrize("name", ["swiss_roll", "moons"])
def test_curves_are_noisy_only_as_asked(name: str) -> None:
    """Without noise the points are a curve: each has a neighbour far nearer than points of an area would."""
    clean, noisy = make(name, 2_000, seed=0, noise=0.0), make(name, 2_000, seed=0, noise=0.03)
    assert np.std(noisy - clean) == pytest.approx(0.03, rel=0.05)
    distances = np.linalg.norm(clean[:, np.newaxis] - clean, axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.median(distances.min(axis=1)) < 0.001


def test_noise_spreads_a_mixture() -> None:
    offsets = make("ring8", 4_000, seed=0, noise=0.02) - make("ring8", 4_000, seed=0, noise=0.0)
    assert offsets.std() == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("call", [lambda: make("ring9", 10, seed=0), lambda: modes_of("ring9")])
def test_unknown_names_are_refused(call: Any) -> None:
    with pytest.raises(ValueError, match=r"expected one of circle, .*corner_cloud, got 'ring9'"):
        call()


@pytest.mark.parametrize("size", [0, -1, 2.5])
def test_bad_sizes_are_refused(size: Any) -> None:
    with pytest.raises(ValueError, match=f"size: expected a whole number of at least 1, got {size}"):
        make("circle", size, seed=0)


@pytest.mark.parametrize("noise", [-0.1, math.nan, math.inf])
def test_bad_noise_is_refused(noise: float) -> None:
    with pytest.raises(ValueError, match=f"noise: expected a finite number of at least 0, got {noise}"):
        make("moons", 10, seed=0, noise=noise)
