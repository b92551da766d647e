"""Latent generators: where the inputs of a generator are drawn from."""

from collections.abc import Callable
from dataclasses import dataclass

import tensorflow as tf

from models.catalogue import LATENT_TYPES


def normal_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draw standard normal latent vectors, float32 of shape ``(nb_points, dim)``."""
    return tf.random.normal(shape=(nb_points, dim))


def uniform_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draw latent vectors uniform on ``[0, 1)``, float32 of shape ``(nb_points, dim)``."""
    return tf.random.uniform(shape=(nb_points, dim))


def spheric_generator(nb_points: int, dim: int) -> tf.Tensor:
    """Draw latent vectors uniform on the unit sphere, float32 of shape ``(nb_points, dim)``."""
    return _onto_sphere(tf.random.normal(shape=(nb_points, dim)))


def _onto_sphere(vectors: tf.Tensor) -> tf.Tensor:
    # The 1e-8 keeps a vector of zeros from becoming NaN (task 0 of the exercise has it too).
    return vectors / tf.sqrt(tf.reduce_sum(tf.square(vectors), axis=1, keepdims=True) + 1e-8)


@dataclass(frozen=True)
class LatentGenerator:
    """A latent distribution of fixed dimension: call it with a number of points.

    Calling draws from TensorFlow's global random state, as the exercise's lambdas do;
    :meth:`seeded` is a pure function of its seed, which is what makes training resumable.

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
        draw: Callable[[int, int], tf.Tensor] = {
            "normal": normal_generator,
            "uniform": uniform_generator,
            "spheric": spheric_generator,
        }[self.latent_type]
        return draw(nb_points, self.dim)

    def seeded(self, nb_points: int, seed: tf.Tensor) -> tf.Tensor:
        """Draw the latent vectors that belong to ``seed``, an int tensor of shape ``(2,)``."""
        shape = (nb_points, self.dim)
        if self.latent_type == "uniform":
            return tf.random.stateless_uniform(shape, seed)
        vectors = tf.random.stateless_normal(shape, seed)
        return _onto_sphere(vectors) if self.latent_type == "spheric" else vectors
