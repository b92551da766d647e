"""The toy distributions: clouds, curves and mixtures inside the unit cube, the range of the generator's sigmoid.

Mixtures of equal Gaussians know their modes, so that the modes that a generator misses can be counted.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.catalogue import TOY_DIMENSIONS

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

NAMES = tuple(TOY_DIMENSIONS)

# The published mixtures reach beyond the unit square; centres and sigma are scaled alike to fit.
_RING_SCALE = 0.4
_GRID_SCALE = 0.1
_MOONS_SCALE = 0.8 / 3

Draw = Callable[[int, float, np.random.Generator], Floats]


class Modes(NamedTuple):
    """A mixture of equal Gaussians: centres ``(modes, dim)`` and the standard deviation along each axis.

    ``dim`` can be less than that of the points; the mixture is then of their first ``dim`` coordinates.
    """

    centres: Floats
    sigma: float


class _Toy(NamedTuple):
    draw: Draw
    noise: float
    centres: Floats | None = None  # of a mixture


def make(name: str, size: int, *, seed: int, noise: float | None = None) -> Singles:
    """Draw points of a toy distribution; the components of a mixture take turns, so they weigh the same.

    Args:
        name: one of ``NAMES``. ``circle`` (2-D, radius .3), ``four_clouds`` (5-D: a place and the colour that depends
            on it) and ``corner_cloud`` (49-D) are those of the exercise. ``ring8`` and ``grid25`` are those of
            VEEGAN (Srivastava et al. 2017) with the figures of PacGAN (Lin et al. 2018): centres on the unit circle
            with sigma .01, and on {-4, -2, 0, 2, 4}² with sigma .05, here scaled by .4 and .1. ``swiss_roll`` is the
            planar one of Gulrajani et al. 2017; ``moons`` are the two half circles of scikit-learn.
        size: how many points, at least 1.
        seed: the same seed gives the same points.
        noise: standard deviation of the Gaussian noise along each axis, finite and ≥ 0; by default that of the
            distribution.

    Returns:
        float32 of shape ``(size, dim)``, in (0, 1) but for rare outliers of the noise.

    Raises:
        ValueError: an argument is not as described.
    """
    toy = _toy(name)
    if int(size) != size or size < 1:
        raise ValueError(f"size: expected a whole number of at least 1, got {size!r}")
    if noise is None:
        noise = toy.noise
    elif not (math.isfinite(noise) and noise >= 0):
        raise ValueError(f"noise: expected a finite number of at least 0, got {noise!r}")
    return toy.draw(size, noise, np.random.default_rng(seed)).astype(np.float32)


def modes_of(name: str) -> Modes | None:
    """Return the modes of a mixture, for points drawn with its own noise, or None for a curve.

    ``four_clouds`` has its modes in the first two of its five coordinates.

    Raises:
        ValueError: the name is unknown.
    """
    toy = _toy(name)
    return None if toy.centres is None else Modes(toy.centres.copy(), toy.noise)


def _toy(name: str) -> _Toy:
    if name not in _TOYS:
        raise ValueError(f"unknown toy data: expected one of {', '.join(NAMES)}, got {name!r}")
    return _TOYS[name]


def _on_circle(angles: Floats) -> Floats:
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _circle(size: int, noise: float, random: np.random.Generator) -> Floats:
    return _noisy(0.5 + 0.3 * _on_circle(random.uniform(0, 2 * np.pi, size)), noise, random)


def _swiss_roll(size: int, noise: float, random: np.random.Generator) -> Floats:
    angles = np.pi * random.uniform(1.5, 4.5, size)
    spiral = angles[:, np.newaxis] * _on_circle(angles) / (4.5 * np.pi)
    return _noisy(0.5 + 0.4 * spiral, noise, random)


def _moons(size: int, noise: float, random: np.random.Generator) -> Floats:
    upper = _on_circle(random.uniform(0, np.pi, size))
    lower = [1.0, 0.5] - upper
    moons = np.where((np.arange(size) % 2 == 0)[:, np.newaxis], upper, lower)
    return _noisy(0.5 + _MOONS_SCALE * (moons - [0.5, 0.25]), noise, random)


def _four_clouds(size: int, noise: float, random: np.random.Generator) -> Floats:
    places = _mixture(_FOUR_CENTRES)(size, noise, random)
    red, green = np.minimum(places**2, 1.0).T
    return np.column_stack([places, red, green, np.maximum(1.0 - red - green, 0.0)])


def _mixture(centres: Floats) -> Draw:
    return lambda size, noise, random: _noisy(centres[np.arange(size) % len(centres)], noise, random)


def _noisy(points: Floats, noise: float, random: np.random.Generator) -> Floats:
    return points + noise * random.standard_normal(points.shape)


def _square_lattice(coordinates: Floats) -> Floats:
    return np.stack(np.meshgrid(coordinates, coordinates), axis=-1).reshape(-1, 2)


_FOUR_CENTRES = _square_lattice(np.array([0.25, 0.75]))
_RING_CENTRES = 0.5 + _RING_SCALE * _on_circle(np.arange(8) * np.pi / 4)
_GRID_CENTRES = 0.5 + _GRID_SCALE * _square_lattice(np.arange(-4.0, 5.0, 2.0))
_CORNER_CENTRE = np.full((1, TOY_DIMENSIONS["corner_cloud"]), 0.8)

_TOYS: dict[str, _Toy] = {
    "circle": _Toy(_circle, 0.0),
    "four_clouds": _Toy(_four_clouds, 0.05, _FOUR_CENTRES),
    "ring8": _Toy(_mixture(_RING_CENTRES), 0.01 * _RING_SCALE, _RING_CENTRES),
    "grid25": _Toy(_mixture(_GRID_CENTRES), 0.05 * _GRID_SCALE, _GRID_CENTRES),
    "swiss_roll": _Toy(_swiss_roll, 0.01),
    "moons": _Toy(_moons, 0.02),
    "corner_cloud": _Toy(_mixture(_CORNER_CENTRE), 0.05, _CORNER_CENTRE),
}
