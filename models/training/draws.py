"""Sources of a GAN's random numbers: TensorFlow's global state, or numbers drawn beforehand."""

import math
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.latents import LatentCallable, LatentGenerator, as_latents
from models.training.protocol import STEP_PARTS, Trainable


class Randomness(Protocol):
    """The three kinds of draws that a training step makes."""

    def examples(self, population: tf.Tensor, size: int) -> tf.Tensor:
        """Draw ``size`` distinct examples, every subset equally likely."""

    def uniform(self, shape: Any) -> tf.Tensor:
        """Draw float32 numbers on [0, 1)."""

    def latents(self, latent_generator: LatentCallable, size: int) -> tf.Tensor:
        """Draw ``size`` latent vectors."""


class GlobalRandomness:
    """Draw from TensorFlow's global random state, which ``tf.random.set_seed`` resets."""

    def examples(self, population: tf.Tensor, size: int) -> tf.Tensor:
        seed = tf.random.uniform((2,), tf.int32.min, tf.int32.max, tf.int32)
        return tf.gather(population, _subset(len(population), size, tf.cast(seed, tf.int64)))

    def uniform(self, shape: Any) -> tf.Tensor:
        return tf.random.uniform(shape)

    def latents(self, latent_generator: LatentCallable, size: int) -> tf.Tensor:
        drawn = latent_generator(size)
        latents = as_latents(drawn)
        if tf.executing_eagerly() or not is_constant(drawn):
            return latents
        # The generator draws outside TensorFlow: a plain graph would repeat this one draw forever.
        again = tf.py_function(lambda: as_latents(latent_generator(size)), (), tf.float32)
        return tf.ensure_shape(again, latents.shape)


class Draws(NamedTuple):
    """The draws of one step, or of several along a leading axis.

    Args:
        examples: real batches, float32 ``(disc_iter, batch, ...)``.
        latents: latent vectors, float32 ``(disc_iter + 1, batch, dim)``.
        uniforms: positions of the interpolated examples, float32 ``(disc_iter, batch)``.
    """

    examples: tf.Tensor
    latents: tf.Tensor
    uniforms: tf.Tensor

    def of_step(self, step: int) -> "Draws":
        """Return the draws of one of several steps."""
        return Draws(*(values[step] for values in self))


class PreparedRandomness:
    """Hand out the draws of one step in the order in which the step asks for them.

    Raises:
        RuntimeError: the step asks for other draws than the three GANs do.
    """

    def __init__(self, draws: Draws) -> None:
        self._examples, self._latents, self._uniforms = (iter(tf.unstack(values)) for values in draws)

    def examples(self, population: tf.Tensor, size: int) -> tf.Tensor:
        return _next(self._examples, size)

    def uniform(self, shape: Any) -> tf.Tensor:
        return tf.reshape(_next(self._uniforms), shape)

    def latents(self, latent_generator: LatentCallable, size: int) -> tf.Tensor:
        return _next(self._latents, size)


def _next(values: Iterator[tf.Tensor], size: int | None = None) -> tf.Tensor:
    value = next(values, None)
    if value is None or size not in (None, value.shape[0]):
        raise RuntimeError(
            "train: expected a step to draw disc_iter real samples, disc_iter + 1 fake ones and disc_iter interpolated "
            f"ones of batch_size each, got a step that draws {'more' if value is None else f'{size} at once'}; use fit "
            "with a train_step of your own"
        )
    return value


@contextmanager
def drawing_from(gan: Trainable, randomness: Randomness) -> Iterator[None]:
    """Replace a GAN's source of random numbers for a while.

    Parts of a step lose their ``tf.function`` meanwhile: it would repeat the draws of its trace.
    """
    usual, gan.randomness = gan.randomness, randomness
    attributes = vars(gan)
    replaced = {part: attributes[part] for part in STEP_PARTS if part in attributes}
    try:
        for part in STEP_PARTS:
            found = replaced.get(part, getattr(type(gan), part, None))
            if isinstance(found, tf.types.experimental.PolymorphicFunction):
                function = found.python_function
                attributes[part] = function if part in replaced else types.MethodType(function, gan)
        yield
    finally:
        gan.randomness = usual
        for part in STEP_PARTS:
            attributes.pop(part, None)
        attributes.update(replaced)


# Draws beforehand use NumPy: drawn for many steps at once, they cost a fraction of TensorFlow's draws step by step.


def draw_subsets(rng: np.random.Generator, population: int, size: int, count: int) -> npt.NDArray[np.int32]:
    """Draw ``count`` subsets of ``size`` distinct numbers below ``population``, each equally likely.

    The cost of a subset does not depend on the population.

    Returns:
        Shape ``(count, size)``.
    """
    if population <= 4 * size:
        everyone = np.tile(np.arange(population, dtype=np.int32), (count, 1))
        return rng.permuted(everyone, axis=1)[:, :size]
    # Draw more than needed, with replacement, and keep the first distinct ones.
    width = size + size // 2 + 8
    drawn = rng.integers(0, population, (count, width)) << 32 | np.arange(width)
    drawn.sort(axis=1)  # by number, then by turn
    number, turn = drawn >> 32, drawn & 0xFFFFFFFF
    by_turn = turn << 32 | number
    by_turn[:, 1:][number[:, 1:] == number[:, :-1]] = np.iinfo(np.int64).max
    by_turn.sort(axis=1)
    kept = by_turn[:, :size]
    short = np.flatnonzero(kept[:, -1] == np.iinfo(np.int64).max)
    if len(short):
        kept[short] = draw_subsets(rng, population, size, len(short))
    return (kept & 0xFFFFFFFF).astype(np.int32)


def draw_latents(rng: np.random.Generator, latent_generator: LatentGenerator, count: int) -> npt.NDArray[np.float32]:
    """Draw ``count`` latent vectors, ``(count, dim)``."""
    latents: npt.NDArray[np.float32] = latent_generator.draw(
        count, partial(draw_normal, rng), partial(rng.random, dtype=np.float32)
    )
    return latents


def draw_normal(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Draw standard normal numbers (Box and Muller 1958), in a third of the time of ``rng.standard_normal``."""
    count = math.prod(shape)
    normal = np.empty((2, (count + 1) // 2), np.float32)
    for start in range(0, normal.shape[1], _PIECE):
        piece = normal[:, start : start + _PIECE]
        first, second = rng.random(piece.shape, dtype=np.float32)
        angle = np.float32(2 * math.pi) * second
        np.cos(angle, out=piece[0])
        np.sin(angle, out=piece[1])
        piece *= np.sqrt(-2 * np.log1p(-first))
    return normal.reshape(-1)[:count].reshape(shape)


#: Numbers that are computed at once: few enough for the processor's cache.
_PIECE = 8_192


def is_constant(latents: Any) -> bool:
    """Whether a draw made while a graph is traced is a value rather than an operation."""
    return not tf.is_tensor(latents) or hasattr(latents, "numpy") or latents.op.type == "Const"


def _subset(population: int, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Return the subset of a seed, an int64 tensor of shape ``(2,)``; costs O(size)."""
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
