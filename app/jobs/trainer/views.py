"""Views of the networks for a snapshot: the generator's manifold, and the gradient that it gets at its points.

Both are whole numbers with a scale for each coordinate: with them a snapshot grows by two fifths, with decimals by two
thirds.
"""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from app.jobs.scaling import ColumnTransform
from app.jobs.specification import Specification
from app.jobs.trainer.dense import Layer, outputs, pull
from models.catalogue import LatentType

#: Points of a manifold that is a line, and along each side of one that is a grid.
LINE, SIDE = 200, 20
#: Generated points with a gradient: the first of the snapshot.
ARROWS = 100
#: Whole numbers to the range of a coordinate, and to the longest arrow.
_PARTS = 1_000

#: Mean and standard deviation of a latent number; latent vectors of ``spheric`` lie on the unit sphere.
_MEAN: dict[LatentType, float] = {"normal": 0.0, "uniform": 0.5, "spheric": 0.0}
_DEVIATION: dict[LatentType, float] = {"normal": 1.0, "uniform": math.sqrt(1 / 12), "spheric": 1.0}

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


class Views:
    """Computes the views of one job. They depend on the networks alone, so that a resumed job has the same ones.

    Args:
        specification: the job; its ``views`` are computed.
        transform: the map into the units of the data; None where the networks have the same.
        latents: of the generated points, ``(count, latent dimensions)``.
        dimensions: coordinates in a snapshot.
    """

    def __init__(
        self, specification: Specification, transform: ColumnTransform | None, latents: tf.Tensor, dimensions: int
    ) -> None:
        self._wanted = specification.views
        self._type = specification.latent_type
        self._latents: Singles = latents.numpy()
        self._coordinates = manifold_coordinates(specification.latent_type, latents.shape[1])
        self._dimensions = dimensions
        one = ColumnTransform(scale=(1.0,) * dimensions, offset=(0.0,) * dimensions)
        given = transform or one
        self._scale, self._offset = (np.array(column[:dimensions]) for column in (given.scale, given.offset))

    def of(
        self,
        generator: list[Layer],
        discriminator: list[Layer],
        loss: Callable[[tf.Tensor], tf.Tensor],
        generated: Singles,
    ) -> dict[str, Any]:
        """Return the views by name, as JSON.

        Args:
            generator: the one that is shown.
            discriminator: of the same step.
            loss: of the generator, by the discriminator's scores.
            generated: the generator's points, of the latents that this object was made with.
        """
        views = {}
        if "manifold" in self._wanted:
            views["manifold"] = self._manifold(generator, generated)
        if "gradient" in self._wanted:
            views["gradient"] = self._gradient(pull(discriminator, loss, generated[:ARROWS]))
        return views

    def _manifold(self, generator: list[Layer], generated: Singles) -> dict[str, Any]:
        rows, columns, count = self._coordinates.shape
        latents = self._coordinates.reshape(-1, count)
        if self._latents.shape[1] > 2:
            latents = _MEAN[self._type] + latents @ plane(self._latents, generated).T
        if self._type == "uniform":
            latents = latents.clip(0, 1)  # the corners of a slanted square may stick out
        points = outputs(generator, latents.astype(np.float32))[:, : self._dimensions]
        return {
            "scale": (self._scale / _PARTS).tolist(),
            "offset": self._offset.tolist(),
            "points": _whole(points * _PARTS).reshape(rows, columns, -1).tolist(),
        }

    def _gradient(self, pulls: Singles) -> dict[str, Any]:
        pulls = pulls[:, : self._dimensions].astype(np.float64)
        unit = np.abs(pulls[np.isfinite(pulls)]).max(initial=0.0) / _PARTS
        with np.errstate(over="ignore"):
            scale = np.nan_to_num(unit * self._scale)
        return {
            "scale": [float(f"{number:.6g}") for number in scale],
            "vectors": _whole(pulls / (unit or 1.0)).tolist(),
        }


def manifold_coordinates(latent_type: LatentType, dimensions: int) -> Floats:
    """Return the line or the grid of latent vectors whose image is the manifold.

    Neighbours have the same probability between them: rows and columns are quantiles. So the manifold is sparse where
    the generator makes few points.

    Returns:
        ``(rows, columns, numbers)``: latent vectors of one number or two; of more, the places in a plane through their
        mean. Along a row the first number grows, from row to row the second. A line is one row. ``spheric`` has the
        circle in which the plane meets the sphere, closed: it ends with the point with which it begins. With one
        number, that is two points.
    """
    if latent_type == "spheric":
        if dimensions == 1:
            return np.array([[[-1.0], [1.0]]])
        angles = np.linspace(0, 2 * np.pi, LINE)
        return np.stack([np.cos(angles), np.sin(angles)], axis=-1)[np.newaxis]
    if dimensions == 1:
        return _quantiles(latent_type, LINE)[np.newaxis, :, np.newaxis]
    # In a plane of many dimensions, sums of uniform numbers are nearly normal.
    side = _quantiles(latent_type, SIDE) if dimensions == 2 else _DEVIATION[latent_type] * _quantiles("normal", SIDE)
    return np.stack(np.meshgrid(side, side), axis=-1)


def _quantiles(latent_type: LatentType, count: int) -> Floats:
    shares = (np.arange(count) + 0.5) / count
    return shares if latent_type == "uniform" else np.array([NormalDist().inv_cdf(share) for share in shares])


def plane(latents: Singles, generated: Singles) -> Floats:
    """Return the two directions of latent space that move the first two coordinates most, ``(dimensions, 2)``.

    The covariance of latents and a coordinate is the direction in which it grows fastest on average: by Stein's lemma
    it is, for normal latents, the generator's mean Jacobian. Of the two covariances, the nearest pair of orthogonal
    unit vectors is taken (the polar factor). Data of two coordinates have no more effective directions. With more, the
    first two singular vectors of all covariances show no more of the variance, but turn by up to 90° from one snapshot
    to the next where singular values are close, as in the corner cloud, and their signs are arbitrary. These keep to
    the axes of the picture, without memory of earlier snapshots.

    Args:
        latents: ``(count, dimensions)``, of equal variance in all directions.
        generated: their images, ``(count, coordinates)``.
    """
    shown = np.nan_to_num(generated[:, :2]).astype(np.float64)
    effects = np.zeros((latents.shape[1], 2))
    effects[:, : shown.shape[1]] = latents.T @ (shown - shown.mean(axis=0)) / len(latents)
    # Where a coordinate does not move, the first latent axes decide.
    left, _, right = np.linalg.svd(effects + 1e-6 * np.eye(*effects.shape), full_matrices=False)
    directions: Floats = left @ right
    return directions


def _whole(values: npt.NDArray[np.floating]) -> npt.NDArray[np.object_]:
    """Return rounded whole numbers; NaN and infinity become None."""
    finite = np.isfinite(values)
    whole = np.rint(np.where(finite, values, 0)).astype(int).astype(object)
    whole[~finite] = None
    return whole
