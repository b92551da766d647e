"""The random numbers of training steps, drawn for a block of steps at once."""

import math
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from models.catalogue import block_steps
from models.latents import LatentGenerator
from models.training.draws import Draws, draw_latents, draw_subsets, is_constant
from models.training.protocol import Trainable

#: Held while drawing from TensorFlow's global random state after setting its seed.
_global_state = threading.RLock()
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="draws")


class StepDraws:
    """The random numbers of a GAN's steps: call it with the number of a block, see :func:`block_steps`."""

    #: Whether the next block is drawn while the steps of this one run; never with the caller's own latent generator.
    ahead = False
    #: Whether the caller's own latent generator is compiled if it draws by TensorFlow. That is faster, but TensorFlow's
    #: seed counts only when the generator is traced.
    compiles_latents = False

    def __init__(self, gan: Trainable) -> None:
        self._gan = gan
        self._latent_draws: Callable[[], tf.Tensor] | None = None
        self._drawn_from: list[Any] = []
        self._drawn: dict[int, Future[Draws]] = {}

    def _rng(self, block: int) -> np.random.Generator:
        """Return the random generator of a block."""
        raise NotImplementedError

    @property
    def steps(self) -> int:
        """Steps in a block."""
        gan = self._gan
        return block_steps(gan.batch_size, gan.disc_iter, math.prod(gan.example_shape), math.prod(gan.latent_shape))

    def __call__(self, block: int) -> Draws:
        """Return the draws of a block."""
        gan = self._gan
        drawn_from = [gan.batch_size, gan.disc_iter, id(gan.real_examples), id(gan.latent_generator)]
        if drawn_from != self._drawn_from:
            self._drawn_from, self._drawn, self._latent_draws = drawn_from, {}, None
            self._kept = gan.real_examples, gan.latent_generator  # keeps their ids from being reused
        ahead = self.ahead and isinstance(gan.latent_generator, LatentGenerator)
        wanted = (block, block + 1) if ahead else (block,)
        self._drawn = {number: self._drawn.get(number) or self._start(number, ahead) for number in wanted}
        return self._drawn[block].result()

    def zeros(self) -> Draws:
        """Return draws of the same shapes that are all zero: enough to compile for."""
        gan, shape = self._gan, (self.steps, self._gan.disc_iter, self._gan.batch_size)
        latents = (self.steps, gan.disc_iter + 1, gan.batch_size, *gan.latent_shape)
        return Draws(tf.zeros((*shape, *gan.example_shape)), tf.zeros(latents), tf.zeros(shape))

    def _start(self, block: int, ahead: bool) -> "Future[Draws]":
        if ahead:
            return _thread.submit(self._draw, self._rng(block))
        drawn: Future[Draws] = Future()
        with _global_state:
            drawn.set_result(self._draw(self._rng(block)))
        return drawn

    def _draw(self, rng: np.random.Generator) -> Draws:
        gan, steps = self._gan, self.steps
        shape = (steps, gan.disc_iter, gan.batch_size)
        subsets = draw_subsets(rng, len(gan.real_examples), gan.subset_size(), steps * gan.disc_iter)
        return Draws(
            tf.gather(gan.real_examples, subsets.reshape(shape)),
            self._latents(rng, steps * (gan.disc_iter + 1) * gan.batch_size),
            tf.constant(rng.random(shape, dtype=np.float32)),
        )

    def _latents(self, rng: np.random.Generator, count: int) -> tf.Tensor:
        gan = self._gan
        if isinstance(gan.latent_generator, LatentGenerator):
            latents = tf.constant(draw_latents(rng, gan.latent_generator, count))
        else:
            self._latent_draws = self._latent_draws or self._latents_of_callers_own()
            latents = self._latent_draws()
        return tf.reshape(latents, (-1, gan.disc_iter + 1, gan.batch_size, *latents.shape[1:]))

    def _latents_of_callers_own(self) -> Callable[[], tf.Tensor]:
        """Return a function that draws a block's latents by the caller's own generator, batch by batch.

        One large draw need not have the distribution of many small ones.
        """
        gan, steps = self._gan, self.steps
        size, at_once = gan.batch_size, math.gcd(steps, 10)

        def draw(steps: int) -> tf.Tensor:
            return tf.concat([gan.draw_latents(size) for _ in range(steps * (gan.disc_iter + 1))], axis=0)

        def traced() -> tf.Tensor:
            if is_constant(gan.latent_generator(size)):
                raise ValueError("it draws outside TensorFlow")
            return draw(at_once)

        if self.compiles_latents:
            try:
                # Traces with different constants: the generator counts, or draws partly outside TensorFlow.
                if _constants(gan, size) == _constants(gan, size):
                    compiled = tf.function(traced, autograph=False).get_concrete_function()
                    return lambda: tf.concat([compiled() for _ in range(steps // at_once)], axis=0)
            except Exception:  # whatever a graph cannot hold
                pass
        return partial(draw, steps)


def _constants(gan: Trainable, size: int) -> list[bytes]:
    """Return the constants of a graph that draws latent vectors."""
    graph = tf.function(lambda: gan.draw_latents(size), autograph=False).get_concrete_function().graph
    return [op.get_attr("value").SerializeToString() for op in graph.get_operations() if op.type == "Const"]


class SeededDraws(StepDraws):
    """Draws that follow from ``gan.seed`` alone; for the caller's own latents, TensorFlow's seed is set from it."""

    ahead = True

    def _rng(self, block: int) -> np.random.Generator:
        gan = self._gan
        if not isinstance(gan.latent_generator, LatentGenerator):
            tf.random.set_seed((gan.seed * 1_000_003 + block) % 2**63)
        return np.random.default_rng([gan.seed % 2**64, block])


class GlobalDraws(StepDraws):
    """Draws that follow from TensorFlow's global random state."""

    compiles_latents = True

    def _rng(self, block: int) -> np.random.Generator:
        return np.random.default_rng(int(tf.random.uniform((), maxval=2**62, dtype=tf.int64)))
