"""The one training loop that every front end uses: many steps in one graph, repeatable from a seed."""

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.gan import GAN
from models.latents import LatentGenerator
from models.randomness import SeededRandomness

#: How long the loop stays inside one graph call: the pace of progress reports and the delay of a stop.
CHUNK_SECONDS = 0.25

#: Steps for which the latents of a latent generator of the caller's own are drawn at once.
LATENT_BLOCK = 500

Losses = dict[str, npt.NDArray[np.float32]]


class Progress(NamedTuple):
    """What ``on_progress`` is told after each chunk of steps.

    ``step`` counts the steps of the model's whole life; ``losses`` holds one value for each step of the chunk.
    """

    step: int
    losses: Losses


class DivergenceError(ArithmeticError):
    """A loss became NaN or infinite."""


def train(
    gan: GAN,
    steps: int,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Losses:
    """Run ``steps`` training steps, continuing where the model stands.

    Each step's random numbers are a function of ``gan.seed`` and of the number of steps done before, so a run that
    is stopped, saved with :func:`models.checkpoints.save_checkpoint` and resumed ends bit for bit where an unbroken
    one ends. A latent generator of the caller's own takes part if it draws from ``tf.random``, whose global seed is
    then set anew every ``LATENT_BLOCK`` steps.

    As with ``fit``, the first call compiles the step; after changing a setting of the model, ``compile()`` it anew.

    Args:
        gan: one of the three GANs.
        steps: how many more steps to run, at least 0.
        on_progress: called after every chunk of about ``CHUNK_SECONDS``.
        should_stop: asked after every chunk; True ends the training early.

    Returns:
        For each name in ``gan.loss_names`` a float32 array with one value for each step that was run.

    Raises:
        ValueError: ``steps`` is negative.
        DivergenceError: a loss is NaN or infinite; the message names the step.
    """
    if steps < 0:
        raise ValueError(f"steps: expected at least 0, got {steps}")
    run_chunk = _compiled_chunk(gan)
    latents_of = _LatentsDrawnOutside(gan)
    seed = tf.constant(gan.seed, tf.int64)
    history: list[npt.NDArray[np.float32]] = []
    done, chunk = 0, 1
    while done < steps:
        first = gan.steps_done
        count = min(chunk, steps - done, LATENT_BLOCK - first % LATENT_BLOCK)
        latents = latents_of(first, count)
        started = time.monotonic()
        values = run_chunk(seed, tf.constant(first, tf.int64), tf.constant(count, tf.int32), latents).numpy()
        elapsed = time.monotonic() - started
        done += count
        history.append(values)
        _check_finite(gan, first, values)
        if on_progress is not None:
            on_progress(Progress(first + count, _by_name(gan, values)))
        if should_stop is not None and should_stop():
            break
        if elapsed < CHUNK_SECONDS / 2:
            chunk *= 2
        elif elapsed > CHUNK_SECONDS * 2 and first > 0:
            chunk = max(1, chunk // 2)
    return _by_name(gan, np.concatenate(history) if history else np.zeros((0, len(gan.loss_names)), np.float32))


def _compiled_chunk(gan: GAN) -> Any:
    """Return a graph that runs ``count`` steps and gives their losses, ``(count, names)``; made once a model."""
    if gan.compiled_chunk is None:
        gan.compiled_chunk = _compile_chunk(gan)
    return gan.compiled_chunk


def _compile_chunk(gan: GAN) -> Any:

    def one_step(seed: tf.Tensor, step: tf.Tensor, latents: tf.Tensor | None) -> tf.Tensor:
        with gan.drawing_from(SeededRandomness(seed, step, latents)):
            logs = gan.train_step()
        return tf.stack([logs[name] for name in gan.loss_names])

    @tf.function(reduce_retracing=True)
    def run_chunk(seed: tf.Tensor, first: tf.Tensor, count: tf.Tensor, latents: tf.Tensor | None) -> tf.Tensor:
        losses = tf.TensorArray(tf.float32, size=count)
        for i in tf.range(count):
            own = None if latents is None else latents[i]
            losses = losses.write(i, one_step(seed, first + tf.cast(i, tf.int64), own))
        return losses.stack()

    return run_chunk


class _LatentsDrawnOutside:
    """Draws latents repeatably for a latent generator that only knows TensorFlow's global random state."""

    def __init__(self, gan: GAN) -> None:
        self._gan = gan
        self._block: tuple[int, tf.Tensor] | None = None

    def __call__(self, first: int, count: int) -> tf.Tensor | None:
        """Return the latents of ``count`` steps of one block, ``(count, draws, batch, dim)``.

        None for a :class:`LatentGenerator`, whose latents the graph itself draws.
        """
        if isinstance(self._gan.latent_generator, LatentGenerator):
            return None
        number, start = divmod(first, LATENT_BLOCK)
        if self._block is None or self._block[0] != number:
            self._block = number, self._draw(number)
        return self._block[1][start : start + count]

    def _draw(self, number: int) -> tf.Tensor:
        tf.random.set_seed((self._gan.seed * 1_000_003 + number) % 2**63)
        draws = self._gan.disc_iter + 1
        latents = [self._gan.latent_generator(self._gan.batch_size) for _ in range(LATENT_BLOCK * draws)]
        block = tf.cast(tf.stack(latents), tf.float32)
        return tf.reshape(block, (LATENT_BLOCK, draws, *block.shape[1:]))


def _by_name(gan: GAN, values: npt.NDArray[np.float32]) -> Losses:
    return dict(zip(gan.loss_names, values.T, strict=True))


def _check_finite(gan: GAN, first: int, values: npt.NDArray[np.float32]) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise DivergenceError(
            f"{gan.loss_names[column]} became {values[row, column]} at step {first + row + 1}; "
            "try a smaller learning_rate"
        )
