"""The toy measures on points for which they can be worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest

from models.toys.datasets import make, modes_of
from models.toys.metrics import corner_cloud_statistics, have_fair_share, mode_counts, mode_statistics

SQUARE = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])


def test_mode_statistics_worked_by_hand() -> None:
    samples = [
        [1.0, 1.0],
        [1.1, 1.0],
        [1.0, 0.75],
        [1.0, -1.29],  # 2.9 sigma from the second mode
        [-1.0, 1.31],  # 3.1 sigma from the third
        [-1.22, -1.22],  # 2.2 sigma along each axis, so 3.11 sigma from the fourth
    ]
    measured = mode_statistics(samples, SQUARE, 0.1)
    assert measured.modes_covered == 2
    assert measured.high_quality == pytest.approx(4 / 6)
    assert measured.reverse_kl == pytest.approx(0.75 * math.log(0.75 * 4) + 0.25 * math.log(0.25 * 4))


def test_even_coverage_has_no_divergence() -> None:
    assert mode_statistics(np.repeat(SQUARE, 7, axis=0), SQUARE, 0.1) == (4, 1.0, 0.0)
    many = np.arange(49.0)[:, np.newaxis]  # 1 / 49 * 49 rounds to less than 1
    assert mode_statistics(many, many, 0.1) == (49, 1.0, 0.0)


def test_a_single_mode_has_the_largest_finite_divergence() -> None:
    measured = mode_statistics([[1.0, 1.0]] * 5, SQUARE, 0.1)
    assert measured[:2] == (1, 1.0)
    assert measured.reverse_kl == pytest.approx(math.log(4))


def test_no_sample_of_high_quality_has_an_infinite_divergence() -> None:
    assert mode_statistics([[0.0, 0.0]], SQUARE, 0.1) == (0, 0.0, math.inf)


@pytest.mark.parametrize(("data", "modes"), [("ring8", 8), ("grid25", 25)])
@pytest.mark.parametrize("seed", range(3))
def test_diffuse_scatter_covers_no_mode_fairly_though_it_reaches_most(data: str, modes: int, seed: int) -> None:
    scatter = np.random.default_rng(seed).random((20_000, 2))
    mixture = modes_of(data)
    assert mixture is not None
    measured = mode_statistics(scatter, *mixture)
    assert measured.modes_covered == modes  # by the protocol of VEEGAN
    assert measured.high_quality < 0.03
    assert not have_fair_share(mode_counts(scatter, *mixture), len(scatter)).any()


@pytest.mark.parametrize("data", ["ring8", "grid25", "four_clouds"])
def test_samples_of_a_mixture_cover_all_its_modes_fairly(data: str) -> None:
    mixture = modes_of(data)
    assert mixture is not None
    counts = mode_counts(make(data, 2_500, seed=1)[:, :2], *mixture)
    assert have_fair_share(counts, 2_500).all()


def test_a_fair_share_is_a_quarter_of_what_is_due() -> None:
    # 100 samples, 4 modes: 25 are due to each, so 7 are fair and 6 are not.
    samples = np.repeat([*SQUARE, [9.0, 9.0]], [25, 7, 6, 0, 62], axis=0)
    counts = mode_counts(samples, SQUARE, 0.1)
    assert counts.tolist() == [25, 7, 6, 0]
    assert have_fair_share(counts, 100).tolist() == [True, True, False, False]
    # What lies far away counts among the samples: a few good ones among many bad ones are no fair share.
    assert not have_fair_share(counts, 1_000).any()


def test_a_sample_near_two_modes_belongs_to_the_nearest() -> None:
    measured = mode_statistics([[0.4], [0.6], [0.7]], [[0.0], [1.0]], 1.0)
    assert measured[:2] == (2, 1.0)
    assert measured.reverse_kl == pytest.approx(math.log(2 / 3) / 3 + 2 * math.log(4 / 3) / 3)


def test_samples_of_the_mixture_itself_score_as_it_should() -> None:
    random = np.random.default_rng(1)
    angles = np.arange(8) * math.pi / 4
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    samples = ring[random.integers(8, size=2500)] + 0.02 * random.standard_normal((2500, 2))
    measured = mode_statistics(samples, ring, 0.02)
    assert measured.modes_covered == 8
    assert measured.high_quality == pytest.approx(1 - math.exp(-4.5), abs=0.007)  # P(r ≤ 3 sigma) in the plane
    assert 0.0 < measured.reverse_kl < 0.01


def test_corner_cloud_statistics_worked_by_hand() -> None:
    measured = corner_cloud_statistics([[0.8, 0.8], [0.9, 0.7]])
    assert measured.mean_squared_distance == pytest.approx((0.0 + 0.02) / 2)
    assert measured.barycentre_squared_distance == pytest.approx(0.05**2 + 0.05**2)
    assert corner_cloud_statistics([[1, 1], [3, 3]], centre=2) == (2.0, 0.0)


def test_a_true_corner_cloud_has_the_expected_statistics() -> None:
    random = np.random.default_rng(2)
    clouds = [corner_cloud_statistics(0.8 + 0.05 * random.standard_normal((500, 49))) for _ in range(100)]
    mean_squared_distance, barycentre_squared_distance = np.mean(clouds, axis=0)
    assert mean_squared_distance == pytest.approx(49 * 0.05**2, rel=0.01)
    assert barycentre_squared_distance == pytest.approx(49 * 0.05**2 / 500, rel=0.08)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros(4), r"expected the shape \(count, dim\) .*, got \(4,\)"),
        (np.zeros((0, 2)), r"expected the shape \(count, dim\) .*, got \(0, 2\)"),
        (np.zeros((4, 0)), r"expected the shape \(count, dim\) .*, got \(4, 0\)"),
        (np.zeros((2, 2, 2)), r"expected the shape \(count, dim\) .*, got \(2, 2, 2\)"),
        ([[0.0, math.nan]], "expected finite numbers, got nan"),
        ([[0.0, -math.inf]], "expected finite numbers, got -inf"),
        ([["a", "b"]], "expected real numbers, got <U1"),
        ([[1j, 0]], "expected real numbers, got complex128"),
    ],
)
def test_points_of_another_kind_are_refused(bad: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^samples: {message}"):
        mode_statistics(bad, SQUARE, 0.1)
    with pytest.raises(ValueError, match=f"^modes: {message}"):
        mode_statistics(SQUARE, bad, 0.1)
    with pytest.raises(ValueError, match=f"^samples: {message}"):
        corner_cloud_statistics(bad)


def test_samples_and_modes_of_unequal_dimensions_are_refused() -> None:
    with pytest.raises(ValueError, match="samples: expected 2 numbers each, as in modes, got 3"):
        mode_statistics(np.zeros((5, 3)), SQUARE, 0.1)


@pytest.mark.parametrize("sigma", [0.0, -0.1, math.nan, math.inf])
def test_a_sigma_that_is_no_width_is_refused(sigma: float) -> None:
    with pytest.raises(ValueError, match=rf"sigma: expected a finite number > 0, got {sigma}"):
        mode_statistics(SQUARE, SQUARE, sigma)


def test_a_centre_that_is_no_place_is_refused() -> None:
    with pytest.raises(ValueError, match="centre: expected a finite number, got nan"):
        corner_cloud_statistics(SQUARE, centre=math.nan)
