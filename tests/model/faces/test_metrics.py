"""Each measure on faces for which its value is known."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from models.faces import classifier
from models.faces import metrics as face_metrics
from models.faces.metrics import (
    classifier_two_sample,
    evaluate_faces,
    frechet_distance,
    kernel_distance,
    memorisation,
    precision_recall_density_coverage,
    sliced_wasserstein,
)
from models.files.normalization import RAW
from models.networks import convolutional_GenDiscr

Faces = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

TWO_SETS: list[Callable[..., Any]] = [
    frechet_distance,
    sliced_wasserstein,
    kernel_distance,
    precision_recall_density_coverage,
    classifier_two_sample,
    evaluate_faces,
]


def plain(*levels: float) -> Faces:
    """Faces of one grey level each: their distances are 16 times the differences of their levels."""
    return np.repeat(levels, 256).reshape(-1, 16, 16)


def noise(count: int, seed: int, low: float = 0.0, high: float = 1.0) -> Faces:
    return np.random.default_rng(seed).uniform(low, high, (count, 16, 16))


def two_pixels(values: npt.NDArray[np.float64]) -> Faces:
    """Faces that differ in their first two pixels only."""
    faces = np.full((len(values), 256), 0.5)
    faces[:, :2] = values
    return faces.reshape(-1, 16, 16)


# --- Fréchet distance ------------------------------------------------------------------------------------------------


def closed_form(mean_1: Any, covariance_1: Any, mean_2: Any, covariance_2: Any) -> float:
    """The Fréchet distance of two Gaussians in the plane: tr √M = √(tr M + 2 √det M) for a 2×2 matrix M."""
    product = covariance_1 @ covariance_2
    root_trace = math.sqrt(np.trace(product) + 2.0 * math.sqrt(np.linalg.det(product)))
    shift = float(np.square(mean_1 - mean_2).sum())
    return shift + float(np.trace(covariance_1) + np.trace(covariance_2)) - 2.0 * root_trace


def test_frechet_distance_of_two_gaussians_is_the_closed_form() -> None:
    random = np.random.default_rng(1)
    means = np.array([0.5, 0.5]), np.array([0.55, 0.42])
    # They do not commute, so the root of the product is not the product of the roots.
    covariances = np.array([[4.0, 0.0], [0.0, 0.5]]) / 1000.0, np.array([[1.0, 0.9], [0.9, 2.0]]) / 1000.0
    first, second = (random.multivariate_normal(means[i], covariances[i], 5000) for i in (0, 1))
    distance = frechet_distance(two_pixels(first), two_pixels(second))
    assert distance == pytest.approx(closed_form(means[0], covariances[0], means[1], covariances[1]), rel=0.05)
    sampled = first.mean(axis=0), np.cov(first.T), second.mean(axis=0), np.cov(second.T)
    assert distance == pytest.approx(closed_form(*sampled), rel=1e-4)


def test_frechet_distance_of_a_shift_and_a_scaling() -> None:
    real = noise(300, seed=2)
    variances = real.reshape(300, -1).var(axis=0, ddof=1).sum()
    assert frechet_distance(real * 0.5, real * 0.5 + 0.25) == pytest.approx(256 * 0.25**2)
    shrunk = 0.5 + (real - real.mean(axis=0)) * 0.5
    centred = 0.5 + (real - real.mean(axis=0)) * 0.75
    assert frechet_distance(shrunk, centred) == pytest.approx(0.25**2 * variances)


def test_frechet_distance_of_identical_faces_is_zero() -> None:
    assert frechet_distance(noise(50, seed=3), noise(50, seed=3)) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(plain(0.2, 0.2), plain(0.2, 0.2)) == 0.0


# --- sliced Wasserstein ----------------------------------------------------------------------------------------------


def test_sliced_wasserstein_of_a_shift_is_its_mean_projection() -> None:
    real = noise(200, seed=4, high=0.8)
    # E|v·δ| = ‖δ‖ Γ(d/2) / (√π Γ((d + 1)/2)) for a unit vector v that is uniform in d = 256 dimensions
    mean_projection = math.exp(math.lgamma(128.0) - math.lgamma(128.5)) / math.sqrt(math.pi)
    measured = sliced_wasserstein(real, real + 0.2, directions=20_000)
    assert measured == pytest.approx(0.2 * 16 * mean_projection, rel=0.02)
    assert sliced_wasserstein(real, real + 0.1) == pytest.approx(sliced_wasserstein(real, real + 0.2) / 2)


def test_sliced_wasserstein_does_not_depend_on_the_order() -> None:
    real, fake = noise(30, seed=5), noise(30, seed=6)
    assert sliced_wasserstein(real, real[::-1]) == pytest.approx(0.0, abs=1e-12)
    assert sliced_wasserstein(real, fake) == pytest.approx(sliced_wasserstein(fake, real))


def test_sliced_wasserstein_of_unequal_counts_worked_by_hand() -> None:
    # Quantiles 0, 1 against 0, ½, 1: they differ by ½ from 1/3 to 2/3, so the distance is 1/6.
    unit = sliced_wasserstein(plain(0.0), plain(1.0))
    assert sliced_wasserstein(plain(0.0, 1.0), plain(0.0, 0.5, 1.0)) == pytest.approx(unit / 6)


@pytest.mark.parametrize(("count_x", "count_y"), [(3, 7), (4, 6), (12, 3), (1, 5)])
def test_sliced_wasserstein_of_unequal_counts_is_that_of_repeated_faces(count_x: int, count_y: int) -> None:
    x, y = noise(count_x, seed=7), noise(count_y, seed=8)
    repeated = sliced_wasserstein(np.repeat(x, count_y, axis=0), np.repeat(y, count_x, axis=0))
    assert sliced_wasserstein(x, y) == pytest.approx(repeated)


def test_sliced_wasserstein_draws_its_directions_from_the_seed() -> None:
    real, fake = noise(20, seed=9), noise(20, seed=10)
    assert sliced_wasserstein(real, fake, seed=3) == sliced_wasserstein(real, fake, seed=3)
    assert sliced_wasserstein(real, fake, seed=3) != sliced_wasserstein(real, fake, seed=4)


# --- kernel distance -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("real", "fake", "distance"),
    [
        # In [-1, 1] the levels 0, ½, 1 are -1, 0, 1, and the kernel of two plain faces is (product + 1)³.
        ((1.0, 1.0), (0.5, 0.5), 8 + 1 - 2 * 1),
        ((1.0, 1.0), (0.0, 0.0), 8 + 8 - 2 * 0),
        ((1.0, 1.0), (1.0, 1.0, 1.0), 0),
        ((0.0, 1.0), (0.5, 0.5), 0 + 1 - 2 * 1),  # below 0: a face is not paired with itself
        ((0.0, 1.0, 1.0), (0.5, 1.0), 8 / 3 + 1 - 2 * (3 * 1 + 0 + 8 + 8) / 6),
    ],
)
def test_kernel_distance_worked_by_hand(real: tuple[float, ...], fake: tuple[float, ...], distance: float) -> None:
    assert kernel_distance(plain(*real), plain(*fake)) == pytest.approx(distance, abs=1e-12)


def test_kernel_distance_of_equal_distributions_is_zero_on_average() -> None:
    random = np.random.default_rng(11)
    distances = []
    for _ in range(300):
        levels = random.uniform(0.2, 0.8, 20)
        distances.append(kernel_distance(plain(*levels[:10]), plain(*levels[10:])))
    standard_error = np.std(distances) / math.sqrt(len(distances))
    assert abs(np.mean(distances)) < 3 * standard_error
    assert min(distances) < 0.0 < max(distances)
    assert kernel_distance(plain(*levels), plain(*levels * 0.5)) > 5 * np.std(distances)


# --- precision, recall, density, coverage ----------------------------------------------------------------------------

REAL_LEVELS = (0.0, 0.12, 0.3, 0.33, 0.36)  # radii, k = 1: .12 .12 .03 .03 .03; k = 2: .30 .18 .06 .03 .06
FAKE_LEVELS = (0.05, 0.2, 0.7, 0.86)  # radii, k = 1: .15 .15 .16 .16; k = 2: .65 .50 .50 .66


def test_neighbourhoods_worked_by_hand() -> None:
    real, fake = plain(*REAL_LEVELS), plain(*FAKE_LEVELS)
    # .05 is in the balls of 0 and .12, .2 in that of .12; .36 is in no fake ball.
    assert precision_recall_density_coverage(real, fake, k=1) == pytest.approx((2 / 4, 4 / 5, 3 / 4, 2 / 5))
    # .05 and .2 are in the balls of 0 and .12.
    assert precision_recall_density_coverage(real, fake, k=2) == pytest.approx((2 / 4, 5 / 5, 4 / 8, 2 / 5))


def test_neighbourhoods_of_identical_and_of_disjoint_faces() -> None:
    dark, bright = noise(40, seed=12, high=0.3), noise(30, seed=13, low=0.7)
    same = precision_recall_density_coverage(dark, dark)
    assert (same.precision, same.recall, same.coverage) == (1.0, 1.0, 1.0)
    assert 1.0 <= same.density <= 6 / 5
    assert precision_recall_density_coverage(dark, bright) == (0.0, 0.0, 0.0, 0.0)


def test_neighbourhoods_of_a_collapsed_generator_have_precision_without_recall() -> None:
    real = noise(40, seed=14)
    measured = precision_recall_density_coverage(real, np.repeat(real[:1], 40, axis=0))
    assert measured.precision == 1.0
    assert measured.recall == pytest.approx(1 / 40)  # the one face that is repeated
    assert measured.coverage < 0.5


@pytest.mark.parametrize("measure", [kernel_distance, precision_recall_density_coverage])
def test_chunks_do_not_change_the_result(measure: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = noise(40, seed=15), noise(33, seed=16)
    whole = measure(real, fake)
    monkeypatch.setattr(face_metrics, "_CHUNK_ROWS", 7)
    assert measure(real, fake) == pytest.approx(whole)


# --- classifier two-sample test --------------------------------------------------------------------------------------


@pytest.fixture
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "EPOCHS", 4)


@pytest.mark.usefixtures("few_epochs")
def test_classifier_tells_dark_from_bright_and_leaves_global_random_states_alone() -> None:
    np.random.seed(5)
    tf.random.set_seed(5)
    untouched = np.random.uniform(), float(tf.random.uniform(()))
    np.random.seed(5)
    tf.random.set_seed(5)
    assert classifier_two_sample(noise(100, seed=17, high=0.6), noise(100, seed=18, low=0.4)) == 1.0
    assert (np.random.uniform(), float(tf.random.uniform(()))) == untouched


@pytest.mark.usefixtures("few_epochs")
def test_classifier_cannot_tell_equal_distributions_whatever_their_counts_and_repeats_itself() -> None:
    faces = noise(900, seed=19)
    keras.utils.set_random_seed(1)
    accuracy = classifier_two_sample(faces[:150], faces[150:], seed=1)
    assert accuracy == pytest.approx(0.5, abs=0.13)  # 3 standard errors of 150 tests
    keras.utils.set_random_seed(2)
    assert classifier_two_sample(faces[:150], faces[150:], seed=1) == accuracy


# --- memorisation ----------------------------------------------------------------------------------------------------


def test_memorisation_worked_by_hand() -> None:
    measured = memorisation(plain(0.0, 1.0), plain(0.1, 0.9, 0.5), plain(*[0.25] * 10, *[0.75] * 10))
    assert measured == pytest.approx((16 * 0.1, 16 * 0.25, 0.4, 2 / 3))


def test_memorisation_shows_copies_and_no_honest_faces() -> None:
    train, holdout, honest = noise(300, seed=20), noise(200, seed=21), noise(200, seed=22)
    measured = memorisation(train, honest, holdout)
    assert measured.ratio == pytest.approx(1.0, abs=0.05)
    assert measured.share_closer == pytest.approx(0.06, abs=0.06)

    copies = memorisation(train, train[:200], holdout)
    assert copies.ratio == 0.0
    assert copies.share_closer == 1.0
    # One face in four is a copy, and not an exact one.
    blurred = np.clip(train[:50] + 0.02 * (noise(50, seed=23) - 0.5), 0.0, 1.0)
    mixed = memorisation(train, np.concatenate([blurred, honest[:150]]), holdout)
    assert mixed.ratio == pytest.approx(1.0, abs=0.05)
    assert mixed.share_closer == pytest.approx(0.31, abs=0.06)


def test_memorisation_of_a_small_holdout_has_no_share() -> None:
    """Of 19 faces, 5 % is less than one."""
    train, fake, holdout = plain(0.0, 1.0), plain(0.1, 0.9, 0.5), plain(*[0.25] * 10, *[0.75] * 10)
    few = memorisation(train, fake, holdout[:19])
    assert few.share_closer is None
    assert (few.fake_median, few.holdout_median, few.ratio) == memorisation(train, fake, holdout)[:3]


def test_memorisation_of_a_holdout_that_was_trained_on_is_infinite() -> None:
    faces = plain(*np.linspace(0.0, 1.0, 20))
    assert memorisation(faces, plain(0.51), faces).ratio == math.inf


# --- all of them -----------------------------------------------------------------------------------------------------


def test_evaluate_faces_gathers_every_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_metrics, "classifier_two_sample", lambda real, fake, seed: seed + len(fake) / 100)
    real = np.rint(noise(30, seed=24) * 255).astype(np.uint8)
    fake = np.rint(noise(25, seed=25) * 255).astype(np.uint8)
    neighbourhoods = precision_recall_density_coverage(real, fake)
    assert evaluate_faces(real, fake, seed=2) == pytest.approx(
        {
            "frechet": frechet_distance(real, fake),
            "sliced_wasserstein": sliced_wasserstein(real, fake, seed=2),
            "kid": kernel_distance(real, fake),
            "precision": neighbourhoods.precision,
            "recall": neighbourhoods.recall,
            "density": neighbourhoods.density,
            "coverage": neighbourhoods.coverage,
            "two_sample_accuracy": 2.25,
        }
    )


def test_bytes_and_floats_of_the_same_faces_measure_the_same() -> None:
    real = np.rint(noise(20, seed=26) * 255).astype(np.uint8)
    fake = np.rint(noise(20, seed=27) * 255).astype(np.uint8)
    for measure in (frechet_distance, sliced_wasserstein, kernel_distance):
        assert measure((real / 255).astype(np.float32), fake / 255) == pytest.approx(measure(real, fake), abs=1e-5)


FACES = plain(*np.linspace(0.0, 1.0, 20))
BAD_FACES = {
    "flat": FACES.reshape(-1, 256),
    "with a channel axis": FACES[..., np.newaxis],
    "of another size": np.zeros((20, 8, 8)),
    "one face": np.zeros((16, 16)),
    "none": np.zeros((0, 16, 16)),
    "integers": np.zeros((20, 16, 16), np.int64),
    "up to 255": 255.0 * FACES,
    "above 1": FACES + 0.001,
    "below 0": FACES - 0.001,
    "not a number": np.where(FACES == 1.0, np.nan, FACES),
}


@pytest.mark.parametrize("bad", BAD_FACES.values(), ids=BAD_FACES.keys())
@pytest.mark.parametrize("measure", TWO_SETS)
def test_faces_of_another_kind_are_refused(measure: Callable[..., Any], bad: Faces) -> None:
    with pytest.raises(ValueError, match=r"^real: expected .*, got "):
        measure(bad, FACES)
    with pytest.raises(ValueError, match=r"^fake: expected .*, got "):
        measure(FACES, bad)


@pytest.mark.parametrize("bad", BAD_FACES.values(), ids=BAD_FACES.keys())
def test_memorisation_refuses_faces_of_another_kind(bad: Faces) -> None:
    with pytest.raises(ValueError, match=r"^train: expected .*, got "):
        memorisation(bad, FACES, FACES)
    with pytest.raises(ValueError, match=r"^fake: expected .*, got "):
        memorisation(FACES, bad, FACES)
    with pytest.raises(ValueError, match=r"^holdout: expected .*, got "):
        memorisation(FACES, FACES, bad)


@pytest.mark.parametrize(
    ("measure", "least"),
    [
        (frechet_distance, 2),
        (sliced_wasserstein, 1),
        (kernel_distance, 2),
        (precision_recall_density_coverage, 6),
        (classifier_two_sample, 4),
        (evaluate_faces, 6),
    ],
)
def test_too_few_faces_are_refused_and_the_least_number_is_enough(
    measure: Callable[..., Any], least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classifier, "EPOCHS", 1)
    for real, fake in ((least - 1, least), (least, least - 1)):
        with pytest.raises(ValueError, match=rf"expected at least {least} faces, .* got \({least - 1}, 16, 16\)"):
            measure(FACES[:real], FACES[:fake])
    assert np.isfinite(list(_numbers(measure(FACES[:least], FACES[:least])))).all()


def _numbers(result: Any) -> list[float]:
    if isinstance(result, dict):
        return list(result.values())
    return list(result) if isinstance(result, tuple) else [result]


def test_other_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="directions: expected at least 1, got 0"):
        sliced_wasserstein(FACES, FACES, directions=0)
    with pytest.raises(ValueError, match="k: expected at least 1, got 0"):
        precision_recall_density_coverage(FACES, FACES, k=0)
    with pytest.raises(ValueError, match=r"real: expected at least 8 faces, .* got \(7, 16, 16\)"):
        precision_recall_density_coverage(FACES[:7], FACES, k=7)


# --- real faces ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real_faces(shared: Path) -> Bytes:
    faces: Bytes = np.load(shared / "faces" / "faces_16x16_train.npy")
    return faces[np.random.default_rng(0).permutation(len(faces))]


@pytest.fixture(scope="module")
def published_faces(shared: Path) -> Bytes:
    generator, _ = convolutional_GenDiscr()
    generator.load_weights(shared / "reference" / "generator.h5")
    latents = np.random.default_rng(1).standard_normal((2000, 16)).astype(np.float32)
    return RAW.to_grey(generator(latents))


def test_other_real_faces_are_at_the_floor(real_faces: Bytes) -> None:
    held, other = real_faces[:2000], real_faces[2000:4000]
    assert frechet_distance(held, other) == pytest.approx(0.275, rel=0.1)
    assert sliced_wasserstein(held, other) == pytest.approx(0.011, rel=0.1)
    assert kernel_distance(held, other) == pytest.approx(0.0, abs=0.0005)
    measured = precision_recall_density_coverage(held, other)
    assert (measured.precision, measured.recall, measured.coverage) == pytest.approx((0.80, 0.80, 0.97), abs=0.03)
    memorised = memorisation(real_faces[4000:], other, held)
    assert memorised.ratio == pytest.approx(1.0, abs=0.05)
    assert memorised.share_closer == pytest.approx(0.05, abs=0.02)


def test_the_published_weights_have_the_known_figures(real_faces: Bytes, published_faces: Bytes) -> None:
    held = real_faces[:2000]
    assert frechet_distance(held, published_faces) == pytest.approx(1.70, rel=0.1)
    assert sliced_wasserstein(held, published_faces) == pytest.approx(0.036, rel=0.1)
    assert kernel_distance(held, published_faces) == pytest.approx(0.015, rel=0.1)
    measured = precision_recall_density_coverage(held, published_faces)
    assert (measured.precision, measured.recall, measured.coverage) == pytest.approx((0.93, 0.43, 0.97), abs=0.03)


def test_the_classifier_finds_the_published_weights_out(real_faces: Bytes, published_faces: Bytes) -> None:
    assert classifier_two_sample(real_faces[:2000], published_faces) == pytest.approx(0.90, abs=0.05)
