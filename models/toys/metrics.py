"""How well generated points match the toy distributions: mixtures with known modes, and the cloud in the corner.

Points are real numbers, ``(count, dim)`` with at least one of each; anything else raises ValueError.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.projections import sorted_projections

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.intp]

#: A sample is of high quality within so many standard deviations of a mode.
HIGH_QUALITY_SIGMAS = 3.0
#: A mode has its fair share from this part of the samples on that are due to it.
FAIR_SHARE = 0.25


class ModeStatistics(NamedTuple):
    """Modes found (a count), share of good samples in [0, 1], and their imbalance in [0, log(modes)] or infinite."""

    modes_covered: int
    high_quality: float
    reverse_kl: float


class CornerCloudStatistics(NamedTuple):
    """Squared distances to the centre of the cloud, both ≥ 0: of a sample on average, and of the barycentre."""

    mean_squared_distance: float
    barycentre_squared_distance: float


def mode_counts(samples: npt.ArrayLike, modes: npt.ArrayLike, sigma: float) -> Counts:
    """Count the samples of high quality that are nearest to each mode, ``(modes,)``; see :func:`mode_statistics`."""
    points, centres = _points("samples", samples), _points("modes", modes)
    if points.shape[1] != centres.shape[1]:
        raise ValueError(f"samples: expected {centres.shape[1]} numbers each, as in modes, got {points.shape[1]}")
    if not (math.isfinite(sigma) and sigma > 0.0):
        raise ValueError(f"sigma: expected a finite number > 0, got {sigma}")
    distances = np.stack([np.linalg.norm(points - centre, axis=1) for centre in centres], axis=1)
    good = distances.min(axis=1) <= HIGH_QUALITY_SIGMAS * sigma
    return np.bincount(distances.argmin(axis=1)[good], minlength=len(centres))


def have_fair_share(counts: Counts, samples: int) -> npt.NDArray[np.bool_]:
    """Say which modes have at least a quarter of the samples that are due to each of them.

    :func:`mode_statistics` counts a mode as covered from one sample on, which can be chance: points that are scattered
    over the whole square reach most modes of a ring.

    Args:
        counts: as :func:`mode_counts` returns them.
        samples: how many there were in all.
    """
    return counts >= FAIR_SHARE * samples / len(counts)


def mode_statistics(samples: npt.ArrayLike, modes: npt.ArrayLike, sigma: float) -> ModeStatistics:
    """Count the modes of a Gaussian mixture that samples reach, and measure how well and how evenly.

    The protocol is that of Srivastava et al. 2017 (VEEGAN) and Lin et al. 2018 (PacGAN), who draw 2,500 samples.

    Args:
        samples: points.
        modes: centres of the mixture's components, which weigh the same, ``(modes, dim)``.
        sigma: standard deviation of a component along each axis, > 0.

    Returns:
        high_quality: share of the samples within 3 sigma of their nearest mode. modes_covered: modes that are the
        nearest one of at least one such sample; :func:`have_fair_share` is stricter. reverse_kl:
        ``KL(histogram of such samples over modes ‖ uniform)`` in nats, 0 for even coverage, log(modes) for a single
        mode, infinite if no sample is of high quality.
    """
    counts = mode_counts(samples, modes, sigma)
    return ModeStatistics(
        modes_covered=int(np.count_nonzero(counts)),
        high_quality=int(counts.sum()) / len(np.asarray(samples)),
        reverse_kl=_divergence_from_uniform(counts),
    )


def corner_cloud_statistics(samples: npt.ArrayLike, centre: float = 0.8) -> CornerCloudStatistics:
    """Measure samples, ``(count, dim)``, of a Gaussian cloud against its centre (task 2 of the exercise).

    For ``count`` true samples of standard deviation ``sigma`` in ``dim`` dimensions the expectations are
    ``dim · sigma²`` and ``dim · sigma² / count``: 0.1225 and 0.000245 for 500 samples in 49 dimensions with
    ``sigma`` .05. A mean squared distance below its expectation shows samples that have collapsed together.

    ``centre`` is the coordinate that the centre has along every axis.
    """
    points = _points("samples", samples)
    if not math.isfinite(centre):
        raise ValueError(f"centre: expected a finite number, got {centre}")
    offsets = points - centre
    return CornerCloudStatistics(
        mean_squared_distance=float(np.square(offsets).sum(axis=1).mean()),
        barycentre_squared_distance=float(np.square(offsets.mean(axis=0)).sum()),
    )


def sliced_wasserstein(real: npt.ArrayLike, fake: npt.ArrayLike, *, directions: int = 512, seed: int = 0) -> float:
    """Measure the Wasserstein-1 distance of one-dimensional projections, averaged over random directions.

    ``real`` and ``fake`` have one shape, ``(count, dim)``. See :func:`models.projections.sorted_projections`.

    Returns:
        The mean absolute difference of the sorted projections, ≥ 0, in the unit of the points. It is biased: two
        samples of one distribution are not at 0.
    """
    x, y = _points("real", real), _points("fake", fake)
    if x.shape != y.shape:
        raise ValueError(f"fake: expected the shape of real, {x.shape}, got {y.shape}")
    projected_x, projected_y = sorted_projections(x, y, directions, seed)
    return float(np.abs(projected_x - projected_y).mean())


def _points(name: str, values: npt.ArrayLike) -> Floats:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"{name}: expected real numbers, got {array.dtype}")
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name}: expected the shape (count, dim) with both at least 1, got {array.shape}")
    points = array.astype(np.float64)
    if not np.isfinite(points).all():
        raise ValueError(f"{name}: expected finite numbers, got {points[~np.isfinite(points)][0]}")
    return points


def _divergence_from_uniform(histogram: Counts) -> float:
    total = histogram.sum()
    if total == 0:
        return math.inf
    shares = histogram[histogram > 0] / total
    divergence = float((shares * np.log(shares * len(histogram))).sum())
    return max(divergence, 0.0)  # rounding can leave even shares a little below 0
