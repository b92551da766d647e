"""Random one-dimensional projections of two sets of points, for sliced Wasserstein distances (Rabin et al. 2011)."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def sorted_projections(x: Floats, y: Floats, directions: int, seed: int) -> tuple[Floats, Floats]:
    """Project both sets, ``(count, dim)``, on the same random unit vectors.

    Args:
        x: one set.
        y: the other.
        directions: number of unit vectors, at least 1.
        seed: of the vectors, an integer ≥ 0.

    Returns:
        Of each set the projections, ``(count, directions)``, sorted along the first axis.

    Raises:
        ValueError: ``directions`` is not as described.
    """
    if directions < 1:
        raise ValueError(f"directions: expected at least 1, got {directions}")
    vectors = np.random.default_rng(seed).standard_normal((x.shape[1], directions))
    vectors /= np.linalg.norm(vectors, axis=0)
    return np.sort(x @ vectors, axis=0), np.sort(y @ vectors, axis=0)
