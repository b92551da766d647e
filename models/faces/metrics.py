"""How well generated faces match real ones, measured in pixel space.

Every measure takes faces as uint8 ``(count, 16, 16)``, or as float of that shape in [0, 1], compares grey levels in
[0, 1], and raises ValueError for anything else. Most measures depend on the number of faces: compare figures only
where both counts are the same.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.faces.classifier import accuracy
from models.projections import sorted_projections

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_SIDE = 16
_CHUNK_ROWS = 500  # rows of a distance or kernel matrix that are in memory at a time
_SAME_FACE = 1e-9  # a smaller squared distance is rounding: 8-bit faces differ by 1/255² = 1.5e-5 or more
_SHARE_NEEDS = 20  # faces kept out, for a share of 5 % of them


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
    """Measure the Fréchet distance of the two Gaussians with the faces' means and covariances; 2 faces at least.

    Returns:
        ``‖μ₁ - μ₂‖² + tr(C₁ + C₂ - 2 (C₁C₂)^½)`` of the 256 pixels, ≥ 0, 0 for equal moments (Heusel et al. 2017).
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

    Arguments and further errors are those of :func:`models.projections.sorted_projections`.

    Returns:
        The mean absolute difference of the projections' quantiles, in [0, 16].
    """
    projected_x, projected_y = sorted_projections(_pixels("real", real), _pixels("fake", fake), directions, seed)
    widths, rows_x, rows_y = _common_quantiles(len(projected_x), len(projected_y))
    distances = widths @ np.abs(projected_x[rows_x] - projected_y[rows_y])
    return float(distances.mean())


def kernel_distance(real: npt.ArrayLike, fake: npt.ArrayLike) -> float:
    """Measure the squared maximum mean discrepancy with the kernel ``(x·y / 256 + 1)³``, known as KID; of 2 faces on.

    Only here are grey levels mapped to [-1, 1]: the product of two centred faces tells more about them.

    Returns:
        The unbiased estimate: for equal distributions it is 0 on average and often below it (Bińkowski et al. 2018).
    """
    x = 2.0 * _pixels("real", real, at_least=2) - 1.0
    y = 2.0 * _pixels("fake", fake, at_least=2) - 1.0
    return _mean_kernel_within(x) + _mean_kernel_within(y) - 2.0 * _kernel_sum(x, y) / (len(x) * len(y))


def precision_recall_density_coverage(
    real: npt.ArrayLike, fake: npt.ArrayLike, *, k: int = 5
) -> PrecisionRecallDensityCoverage:
    """Measure how far each set of faces lies in the other's neighbourhoods.

    A face's neighbourhood is the ball that reaches to its ``k``-th nearest neighbour in its own set; ``k`` is at least
    1, and both sets have at least ``k + 1`` faces.

    Returns:
        precision: share of fake faces in a real face's ball; recall: share of real faces in a fake face's ball
        (Kynkäänniemi et al. 2019). density: real balls around a fake face, over ``k``; coverage: share of real balls
        with a fake face in them (Naeem et al. 2020).
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
    """Measure how well a small convolutional network tells unseen fake faces from unseen real ones; 4 at least.

    Half of each set trains the network and half tests it; the larger set is cut, at random, to the size of the smaller
    one. More faces make a better classifier, so the figure grows with their number.

    Args:
        real: faces.
        fake: faces.
        seed: of the halves, the first weights and the order of training, an integer ≥ 0.

    Returns:
        The accuracy, in [0, 1]: about .5 where they cannot be told apart (Lopez-Paz and Oquab 2017).
    """
    x, y = _pixels("real", real, at_least=4), _pixels("fake", fake, at_least=4)
    random = np.random.default_rng(seed)
    count = min(len(x), len(y))
    x, y = random.permutation(x)[:count], random.permutation(y)[:count]
    half = count // 2
    return accuracy((x[:half], y[:half]), (x[half:], y[half:]), random)


def memorisation(train: npt.ArrayLike, fake: npt.ArrayLike, holdout: npt.ArrayLike) -> Memorisation:
    """Compare how near fake faces and unseen real ones come to the training faces.

    Faces copied from the training set have a ``ratio`` near 0 and a ``share_closer`` near 1. If nothing is copied,
    ``share_closer`` is about .05; it is higher for smooth faces, which lie near everything, but their ratio is still
    near 1. If mirrored faces were trained on, they belong in ``train``.

    Args:
        train: the faces that the generator was trained on.
        fake: generated faces.
        holdout: real faces that the generator was not trained on.

    Returns:
        fake_median, holdout_median: median distance to the nearest training face. ratio: of the two, infinite if the
        holdout's is 0. share_closer: share of the fake faces that are nearer to the training faces than 95 % of the
        holdout (after the three-sample test of Meehan et al. 2020); None if the holdout has fewer than 20, of which
        5 % is less than one.
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
    """Measure everything here that needs no training faces, of at least 6 faces each.

    Returns:
        ``frechet``, ``sliced_wasserstein``, ``kid``, ``precision``, ``recall``, ``density``, ``coverage`` and
        ``two_sample_accuracy``, with the ranges of the functions above. ``seed`` is that of the projections and of the
        classifier.
    """
    x, y = (
        _pixels(name, faces, at_least=6).reshape(-1, _SIDE, _SIDE) for name, faces in (("real", real), ("fake", fake))
    )
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
