"""Latent generators: the distributions of a generator's inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from models.catalogue import LATENT_TYPES

#: Draws as many latent vectors as it is asked for: a tensor, an array or a list.
LatentCallable = Callable[[int], Any]


def normal_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draw standard normal latent vectors, float32 of shape ``(nb_points, dim)``."""
    return tf.random.normal(shape=(nb_points, dim))


def uniform_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draw latent vectors uniform on ``[0, 1)``, float32 of shape ``(nb_points, dim)``."""
    return tf.random.uniform(shape=(nb_points, dim))


def spheric_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draw latent vectors uniform on the unit sphere, float32 of shape ``(nb_points, dim)``."""
    return LatentGenerator("spheric", dim)(nb_points)


@dataclass(frozen=True)
class LatentGenerator:
    """A latent distribution of fixed dimension: call it with a number of points.

    A call draws from TensorFlow's global random state, as the exercise's lambdas do. :meth:`seeded` and :meth:`draw`
    take their randomness from the caller, which makes training repeatable.

    Args:
        latent_type: one of ``normal``, ``uniform``, ``spheric``.
        dim: length of a latent vector, at least 1.

    Raises:
        ValueError: the type is unknown.
    """

    latent_type: str
    dim: int

    def __post_init__(self) -> None:
        if self.latent_type not in LATENT_TYPES:
            raise ValueError(
                f"unknown latent_type: expected one of {', '.join(LATENT_TYPES)}, got {self.latent_type!r}"
            )

    def __call__(self, nb_points: int) -> tf.Tensor:
        """Draw ``nb_points`` latent vectors, float32 ``(nb_points, dim)``."""
        return self.draw(nb_points, tf.random.normal, tf.random.uniform)

    def seeded(self, nb_points: int, seed: tf.Tensor) -> tf.Tensor:
        """Draw the latent vectors of ``seed``, an int tensor of shape ``(2,)``."""
        stateless = tf.random.stateless_normal, tf.random.stateless_uniform
        return self.draw(nb_points, *(partial(draw, seed=seed) for draw in stateless))

    def draw(self, nb_points: int, normal: Callable[..., Any], uniform: Callable[..., Any]) -> Any:
        """Draw ``nb_points`` latent vectors by two functions of a shape, which return float32 tensors or arrays."""
        shape = (nb_points, self.dim)
        if self.latent_type == "uniform":
            return uniform(shape)
        vectors = normal(shape)
        return _onto_sphere(vectors) if self.latent_type == "spheric" else vectors


def _onto_sphere(vectors: Any) -> Any:
    # The 1e-8, as in task 0 of the exercise, keeps a vector of zeros from becoming NaN.
    if isinstance(vectors, np.ndarray):
        vectors /= np.sqrt(np.square(vectors).sum(axis=1, keepdims=True) + np.float32(1e-8))
        return vectors
    return vectors / tf.sqrt(tf.reduce_sum(tf.square(vectors), axis=1, keepdims=True) + 1e-8)


def as_latents(drawn: Any) -> tf.Tensor:
    """Convert the result of a latent generator to float32.

    Raises:
        ValueError: it is not an array of real numbers.
    """
    if not tf.is_tensor(drawn):
        try:
            drawn = np.asarray(drawn)
        except ValueError as error:
            raise ValueError(f"latent_generator: expected an array of latent vectors, got {error}") from error
        if drawn.dtype.kind not in "fiub":
            raise ValueError(f"latent_generator: expected an array of real numbers, got dtype {drawn.dtype}")
    return tf.cast(drawn, tf.float32)
