"""Where a GAN's random numbers come from: TensorFlow's global state, or a seed and a step."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from models.latents import LatentGenerator

LatentCallable = Callable[[int], tf.Tensor]


class Randomness(Protocol):
    """The three kinds of draws that a training step makes."""

    def subset(self, population: int, size: int) -> tf.Tensor:
        """Draw ``size`` distinct indices below ``population``, every subset equally likely."""

    def uniform(self, shape: Any) -> tf.Tensor:
        """Draw float32 numbers on [0, 1)."""

    def latents(self, latent_generator: LatentCallable, size: int) -> tf.Tensor:
        """Draw ``size`` latent vectors."""


class GlobalRandomness:
    """Draw from TensorFlow's global random state, which ``tf.random.set_seed`` resets."""

    def subset(self, population: int, size: int) -> tf.Tensor:
        seed = tf.random.uniform((2,), tf.int32.min, tf.int32.max, tf.int32)
        return _subset(population, size, tf.cast(seed, tf.int64))

    def uniform(self, shape: Any) -> tf.Tensor:
        return tf.random.uniform(shape)

    def latents(self, latent_generator: LatentCallable, size: int) -> tf.Tensor:
        latents = latent_generator(size)
        if tf.executing_eagerly() or not _is_constant(latents):
            return latents
        # It draws outside TensorFlow: as it stands, the graph would repeat this one draw for ever.
        drawn = tf.py_function(lambda: tf.cast(latent_generator(size), tf.float32), (), tf.float32)
        return tf.ensure_shape(drawn, np.shape(latents) if isinstance(latents, np.ndarray) else latents.shape)


class SeededRandomness:
    """Draw as a pure function of a seed and a step, so that a resumed run repeats an unbroken one.

    Args:
        seed: int64 scalar tensor, the run's seed.
        step: int64 scalar tensor, the number of steps done before this one.
        latents: latent vectors drawn beforehand, ``(draws, batch, dim)``, for a latent generator that only
            knows the global state; None where it is a :class:`LatentGenerator`.
    """

    def __init__(self, seed: tf.Tensor, step: tf.Tensor, latents: tf.Tensor | None = None) -> None:
        self._key = tf.stack([seed, step])
        self._latents = latents
        self._draws = 0
        self._latent_draws = 0

    def _next_seed(self) -> tf.Tensor:
        # Numbered while the step is traced: each draw of a step has its own seed, the same in every step.
        self._draws += 1
        return tf.random.experimental.stateless_fold_in(self._key, tf.constant(self._draws, tf.int64))

    def subset(self, population: int, size: int) -> tf.Tensor:
        return _subset(population, size, self._next_seed())

    def uniform(self, shape: Any) -> tf.Tensor:
        return tf.random.stateless_uniform(shape, self._next_seed())

    def latents(self, latent_generator: LatentCallable, size: int) -> tf.Tensor:
        if isinstance(latent_generator, LatentGenerator):
            return latent_generator.seeded(size, self._next_seed())
        assert self._latents is not None
        self._latent_draws += 1
        return self._latents[self._latent_draws - 1]


def _is_constant(latents: Any) -> bool:
    """Whether a draw made while a graph is traced is a value rather than an operation."""
    return not tf.is_tensor(latents) or hasattr(latents, "numpy") or latents.op.type == "Const"


def _subset(population: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Return the subset that belongs to a seed, an int64 tensor of shape ``(2,)``; costs O(size)."""
    if population <= 4 * size:
        return tf.random.experimental.stateless_shuffle(tf.range(population), seed)[:size]

    # Draw with replacement and keep the first distinct ones. Twice as many as needed nearly always suffice.
    def too_few(_: tf.Tensor, indices: tf.Tensor) -> tf.Tensor:
        return tf.size(indices) < size

    def draw_more(attempt: tf.Tensor, indices: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        attempt_seed = tf.random.experimental.stateless_fold_in(seed, attempt)
        more = tf.random.stateless_uniform((2 * size,), attempt_seed, maxval=population, dtype=tf.int32)
        return attempt + 1, tf.unique(tf.concat([indices, more], axis=0)).y

    _, indices = tf.while_loop(
        too_few,
        draw_more,
        (tf.constant(0, tf.int64), tf.zeros((0,), tf.int32)),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([None])),
    )
    return tf.ensure_shape(indices[:size], (size,))
