"""How well generated faces match real ones, measured in pixel space.

Every measure takes faces as uint8 ``(count, 16, 16)``, or as float of that shape in [0, 1], and compares grey levels in
[0, 1]. Most of them are biased by the number of faces: compare figures only where the two counts are the same.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

_SIDE = 16
_CHUNK_ROWS = 500  # rows of a distance or kernel matrix that are in memory at a time
_SAME_FACE = 1e-9  # a squared distance below this is rounding: 8-bit faces differ by 1/255² = 1.5e-5 or more
_SHARE_NEEDS = 20  # faces kept out, for a share of 5 % of them
_EPOCHS = 20
_BATCH_SIZE = 64


class PrecisionRecallDensityCoverage(NamedTuple):
    """Fidelity (precision, density) and diversity (recall, coverage); all in [0, 1], but density is ≥ 0."""

    precision: float
    recall: float
    density: float
    coverage: float


class Memorisation(NamedTuple):
    """Distances to the nearest training face: Euclidean, of grey levels in [0, 1], so each in [0, 16]."""

    fake_median: float
    holdout_median: float
    ratio: float
    share_closer: float | None


def frechet_distance(real: npt.ArrayLike, fake: npt.ArrayLike) -> float:
    """Measure the Fréchet distance of the two Gaussians with the faces' means and covariances.

    Args:
        real: at least 2 faces, uint8 or float in [0, 1], ``(count, 16, 16)``.
        fake: of the same kind and minimum.

    Returns:
        ``‖μ₁ - μ₂‖² + tr(C₁ + C₂ - 2 (C₁C₂)^½)`` of the 256 pixels, ≥ 0, 0 for equal moments (Heusel et al. 2017).

    Raises:
        ValueError: the faces are not as described.
    """
    x, y = _pixels("real", real, at_least=2), _pixels("fake", fake, at_least=2)
    covariance_x, covariance_y = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = _square_root(covariance_x)
    # C₁C₂ is not symmetric, but has the eigenvalues of C₁^½ C₂ C₁^½, which is.
    products = np.linalg.eigvalsh(root @ covariance_y @ root)
    overlap = np.sqrt(np.maximum(products, 0.0)).sum()
    shift = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    distance = shift + np.trace(covariance_x) + np.trace(covariance_y) - 2.0 * overlap
    return max(float(distance), 0.0)


def sliced_wasserstein(real: npt.ArrayLike, fake: npt.ArrayLike, *, directions: int = 512, seed: int = 0) -> float:
    """Measure the Wasserstein-1 distance of one-dimensional projections, averaged over random directions.

    Args:
        real: at least 1 face, uint8 or float in [0, 1], ``(count, 16, 16)``.
        fake: of the same kind and minimum.
        directions: number of random unit vectors, at least 1.
        seed: of the directions, an integer ≥ 0.

    Returns:
        The mean absolute difference of the projections' quantiles, in [0, 16] (Rabin et al. 2011).

    Raises:
        ValueError: the faces or ``directions`` are not as described.
    """
    x, y = _pixels("real", real), _pixels("fake", fake)
    if directions < 1:
        raise ValueError(f"directions: expected at least 1, got {directions}")
    vectors = np.random.default_rng(seed).standard_normal((x.shape[1], directions))
    vectors /= np.linalg.norm(vectors, axis=0)
    projected_x, projected_y = np.sort(x @ vectors, axis=0), np.sort(y @ vectors, axis=0)
    widths, rows_x, rows_y = _common_quantiles(len(x), len(y))
    distances = widths @ np.abs(projected_x[rows_x] - projected_y[rows_y])
    return float(distances.mean())


def kernel_distance(real: npt.ArrayLike, fake: npt.ArrayLike) -> float:
    """Measure the squared maximum mean discrepancy with the kernel ``(x·y / 256 + 1)³``, known as KID.

    Grey levels in [-1, 1] here, and only here: centred, the product of two faces tells more about them.

    Args:
        real: at least 2 faces, uint8 or float in [0, 1], ``(count, 16, 16)``.
        fake: of the same kind and minimum.

    Returns:
        The unbiased estimate: for equal distributions it is 0 on average and often below it (Bińkowski et al. 2018).

    Raises:
        ValueError: the faces are not as described.
    """
    x = 2.0 * _pixels("real", real, at_least=2) - 1.0
    y = 2.0 * _pixels("fake", fake, at_least=2) - 1.0
    return _mean_kernel_within(x) + _mean_kernel_within(y) - 2.0 * _kernel_sum(x, y) / (len(x) * len(y))


def precision_recall_density_coverage(
    real: npt.ArrayLike, fake: npt.ArrayLike, *, k: int = 5
) -> PrecisionRecallDensityCoverage:
    """Measure how far each set of faces lies in the other's neighbourhoods.

    A face's neighbourhood is the ball that reaches to its ``k``-th nearest neighbour in its own set.

    Args:
        real: at least ``k + 1`` faces, uint8 or float in [0, 1], ``(count, 16, 16)``.
        fake: of the same kind and minimum.
        k: at least 1.

    Returns:
        precision: share of fake faces in a real face's ball; recall: share of real faces in a fake face's ball
        (Kynkäänniemi et al. 2019). density: real balls around a fake face, over ``k``; coverage: share of real balls
        with a fake face in them (Naeem et al. 2020).

    Raises:
        ValueError: the faces or ``k`` are not as described.
    """
    if k < 1:
        raise ValueError(f"k: expected at least 1, got {k}")
    x, y = _pixels("real", real, at_least=k + 1), _pixels("fake", fake, at_least=k + 1)
    real_radii, fake_radii = _squared_radii(x, k), _squared_radii(y, k)
    real_balls = np.zeros(len(y), np.int64)  # how many of them each fake face is in
    recalled = covered = 0
    for rows, squared in _squared_distances(x, y):
        in_real_ball = squared <= real_radii[rows, np.newaxis]
        real_balls += in_real_ball.sum(axis=0)
        covered += int(in_real_ball.any(axis=1).sum())
        recalled += int((squared <= fake_radii).any(axis=1).sum())
    return PrecisionRecallDensityCoverage(
        precision=float((real_balls > 0).mean()),
        recall=recalled / len(x),
        density=float(real_balls.mean()) / k,
        coverage=covered / len(x),
    )


def classifier_two_sample(real: npt.ArrayLike, fake: npt.ArrayLike, *, seed: int = 0) -> float:
    """Measure how well a small convolutional network tells fake faces from real ones that it was not trained on.

    Half of each set trains the network and half tests it; of the larger set, a random part as large as the smaller one
    is used. More faces make a better classifier, so the figure grows with their number.

    Args:
        real: at least 4 faces, uint8 or float in [0, 1], ``(count, 16, 16)``.
        fake: of the same kind and minimum.
        seed: of the halves, the first weights and the order of training, an integer ≥ 0.

    Returns:
        The accuracy, in [0, 1]: about .5 where they cannot be told apart (Lopez-Paz and Oquab 2017).

    Raises:
        ValueError: the faces are not as described.
    """
    x, y = _pixels("real", real, at_least=4), _pixels("fake", fake, at_least=4)
    random = np.random.default_rng(seed)
    count = min(len(x), len(y))
    x, y = random.permutation(x)[:count], random.permutation(y)[:count]
    half = count // 2
    classifier = _small_classifier(random)
    _fit(classifier, *_labelled(x[:half], y[:half]), random)
    images, labels = _labelled(x[half:], y[half:])
    says_real = classifier.predict(images, batch_size=_CHUNK_ROWS, verbose=0) > 0.0
    return float((says_real == (labels > 0.0)).mean())


def memorisation(train: npt.ArrayLike, fake: npt.ArrayLike, holdout: npt.ArrayLike) -> Memorisation:
    """Compare how near fake faces and unseen real ones come to the training faces.

    How to read it: faces copied from the training set have a ``ratio`` near 0 and a ``share_closer`` near 1. Where
    nothing is copied, ``share_closer`` is about .05, and above it for smooth faces, since smooth faces lie near
    everything; the ratio is then still near 1. Where mirrored faces were trained on, they belong into ``train``.

    Args:
        train: the faces that the generator was trained on, uint8 or float in [0, 1], ``(count, 16, 16)``.
        fake: generated faces, of the same kind.
        holdout: real faces that the generator was not trained on, of the same kind.

    Returns:
        fake_median, holdout_median: median distance to the nearest training face. ratio: of the two, infinite where
        the holdout's is 0. share_closer: share of the fake faces that are nearer to the training faces than 95 % of
        the holdout (after the three-sample test of Meehan et al. 2020); None where the holdout has fewer than 20, of
        which 5 % is less than one.

    Raises:
        ValueError: the faces are not as described.
    """
    references = _pixels("train", train)
    fake_distances = _nearest_distances(_pixels("fake", fake), references)
    holdout_distances = _nearest_distances(_pixels("holdout", holdout), references)
    fake_median, holdout_median = float(np.median(fake_distances)), float(np.median(holdout_distances))
    share_closer = None
    if len(holdout_distances) >= _SHARE_NEEDS:
        share_closer = float((fake_distances < np.quantile(holdout_distances, 0.05)).mean())
    return Memorisation(
        fake_median=fake_median,
        holdout_median=holdout_median,
        ratio=fake_median / holdout_median if holdout_median > 0.0 else float("inf"),
        share_closer=share_closer,
    )


def evaluate_faces(real: npt.ArrayLike, fake: npt.ArrayLike, *, seed: int = 0) -> dict[str, float]:
    """Measure everything here that needs no training faces.

    Args:
        real: at least 6 faces, uint8 or float in [0, 1], ``(count, 16, 16)``.
        fake: of the same kind and minimum.
        seed: of the projections and of the classifier, an integer ≥ 0.

    Returns:
        ``frechet``, ``sliced_wasserstein``, ``kid``, ``precision``, ``recall``, ``density``, ``coverage`` and
        ``two_sample_accuracy``, with the ranges of the functions above.

    Raises:
        ValueError: the faces are not as described.
    """
    x, y = _pixels("real", real, at_least=6), _pixels("fake", fake, at_least=6)
    x, y = x.reshape(-1, _SIDE, _SIDE), y.reshape(-1, _SIDE, _SIDE)
    return {
        "frechet": frechet_distance(x, y),
        "sliced_wasserstein": sliced_wasserstein(x, y, seed=seed),
        "kid": kernel_distance(x, y),
        **precision_recall_density_coverage(x, y)._asdict(),
        "two_sample_accuracy": classifier_two_sample(x, y, seed=seed),
    }


def _pixels(name: str, faces: npt.ArrayLike, *, at_least: int = 1) -> Floats:
    """Return the faces as rows of 256 grey levels in [0, 1]."""
    array = np.asarray(faces)
    if array.shape[1:] != (_SIDE, _SIDE) or len(array) < at_least:
        raise ValueError(f"{name}: expected at least {at_least} faces, ({at_least}, 16, 16), got {array.shape}")
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise ValueError(f"{name}: expected uint8, or float in [0, 1], got {array.dtype}")
    rows = array.reshape(len(array), -1).astype(np.float64)
    if array.dtype == np.uint8:
        return rows / 255.0
    if not (rows.min() >= 0.0 and rows.max() <= 1.0):  # NaN compares false
        raise ValueError(f"{name}: expected grey levels in [0, 1], got {rows.min()} to {rows.max()}")
    return rows


def _square_root(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T  # rounding makes tiny negatives
    return root


def _common_quantiles(count_x: int, count_y: int) -> tuple[Floats, Indices, Indices]:
    """Cut (0, 1] where either quantile function jumps: the pieces' widths, and each set's sorted row on each piece."""
    # In units of 1 / (count_x · count_y), where all jumps are whole numbers.
    jumps = np.union1d(np.arange(1, count_x + 1) * count_y, np.arange(1, count_y + 1) * count_x)
    widths = np.diff(jumps, prepend=0) / (count_x * count_y)
    return widths, (jumps - 1) // count_y, (jumps - 1) // count_x


def _chunks(count: int) -> Iterator[slice]:
    for start in range(0, count, _CHUNK_ROWS):
        yield slice(start, min(start + _CHUNK_ROWS, count))


def _kernel_sum(x: Floats, y: Floats) -> float:
    return sum(float(((x[rows] @ y.T / x.shape[1] + 1.0) ** 3).sum()) for rows in _chunks(len(x)))


def _mean_kernel_within(x: Floats) -> float:
    """Average over pairs of different faces: a face paired with itself would bias the estimate."""
    itself = ((np.square(x).sum(axis=1) / x.shape[1] + 1.0) ** 3).sum()
    return (_kernel_sum(x, x) - float(itself)) / (len(x) * (len(x) - 1))


def _squared_distances(x: Floats, y: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield a slice of ``x`` and its squared distances to all of ``y``, chunk after chunk."""
    squares_x, squares_y = np.square(x).sum(axis=1), np.square(y).sum(axis=1)
    for rows in _chunks(len(x)):
        squared = squares_x[rows, np.newaxis] + squares_y - 2.0 * (x[rows] @ y.T)
        yield rows, np.where(squared < _SAME_FACE, 0.0, squared)


def _squared_radii(x: Floats, k: int) -> Floats:
    """Return each face's squared distance to its ``k``-th nearest neighbour; number 0 is the face itself."""
    return np.concatenate([np.partition(squared, k, axis=1)[:, k] for _, squared in _squared_distances(x, x)])


def _nearest_distances(x: Floats, references: Floats) -> Floats:
    nearest = [squared.min(axis=1) for _, squared in _squared_distances(x, references)]
    distances: Floats = np.sqrt(np.concatenate(nearest))
    return distances


def _small_classifier(random: np.random.Generator) -> Any:
    """Build a network of three convolutions whose first weights come from ``random`` alone."""
    hidden = inputs = keras.Input((_SIDE, _SIDE, 1))
    hidden = keras.layers.Rescaling(4.0, -2.0)(hidden)
    for filters in (16, 32, 64):
        start = keras.initializers.HeNormal(seed=int(random.integers(2**31)))
        hidden = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer=start)(hidden)
        hidden = keras.layers.MaxPooling2D()(hidden)
    hidden = keras.layers.Flatten()(hidden)
    start = keras.initializers.GlorotUniform(seed=int(random.integers(2**31)))
    logits = keras.layers.Dense(1, kernel_initializer=start)(hidden)
    classifier = keras.Model(inputs, logits)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    classifier.compile(optimizer=keras.optimizers.Adam(3e-3), loss=loss, jit_compile=False)
    return classifier


def _fit(classifier: Any, images: Singles, labels: Singles, random: np.random.Generator) -> None:
    for _ in range(_EPOCHS):
        order = random.permutation(len(images))  # Keras would shuffle by the global random state
        classifier.fit(images[order], labels[order], batch_size=_BATCH_SIZE, shuffle=False, verbose=0)


def _labelled(real: Floats, fake: Floats) -> tuple[Singles, Singles]:
    """Return images, ``(count, 16, 16, 1)``, and labels, ``(count, 1)``: 1 is real, 0 is fake."""
    images = np.concatenate([real, fake]).reshape(-1, _SIDE, _SIDE, 1).astype(np.float32)
    labels = np.repeat(np.array([[1.0], [0.0]], np.float32), (len(real), len(fake)), axis=0)
    return images, labels
