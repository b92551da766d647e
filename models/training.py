"""The one training loop that every front end uses: many steps in one graph, repeatable from a seed."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.gan import GAN
from models.latents import LatentGenerator
from models.randomness import SeededRandomness

#: How long the loop stays inside one graph call: the pace of progress reports and the delay of a stop.
CHUNK_SECONDS = 0.25

Losses = dict[str, npt.NDArray[np.float32]]


class Progress(NamedTuple):
    """What ``on_progress`` is told after each chunk of steps.

    ``step`` counts the steps of the model's whole life; ``losses`` holds one value for each step of the chunk.
    """

    step: int
    losses: Losses


class TrainingDiverged(ArithmeticError):
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
    one ends. A latent generator of the caller's own takes part if it draws from ``tf.random``: TensorFlow's global
    seed is then set anew for every step.

    Args:
        gan: one of the three GANs.
        steps: how many more steps to run, at least 0.
        on_progress: called after every chunk of about ``CHUNK_SECONDS``.
        should_stop: asked after every chunk; True ends the training early.

    Returns:
        For each name in ``gan.loss_names`` a float32 array with one value for each step that was run.

    Raises:
        ValueError: ``steps`` is negative.
        TrainingDiverged: a loss is NaN or infinite; the message names the step.
    """
    if steps < 0:
        raise ValueError(f"steps: expected at least 0, got {steps}")
    run_chunk = _compile_chunk(gan)
    seed = tf.constant(gan.seed, tf.int64)
    history: list[npt.NDArray[np.float32]] = []
    done, chunk = 0, 1
    while done < steps:
        count = min(chunk, steps - done)
        first = gan.steps_done
        started = time.monotonic()
        losses = run_chunk(seed, tf.constant(first, tf.int64), count, _latents_drawn_outside(gan, first, count))
        values = losses.numpy()
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


def _compile_chunk(gan: GAN) -> Callable[..., tf.Tensor]:
    """Return a graph that runs ``count`` steps and gives their losses, ``(count, names)``."""

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

    return lambda seed, first, count, latents: run_chunk(seed, first, tf.constant(count, tf.int32), latents)


def _latents_drawn_outside(gan: GAN, first: int, count: int) -> tf.Tensor | None:
    """Draw the latents of ``count`` steps, ``(count, draws, batch, dim)``, where the graph cannot draw them seeded."""
    if isinstance(gan.latent_generator, LatentGenerator):
        return None
    steps = []
    for step in range(first, first + count):
        tf.random.set_seed((gan.seed * 1_000_003 + step) % 2**63)
        steps.append(tf.stack([gan.latent_generator(gan.batch_size) for _ in range(gan.disc_iter + 1)]))
    return tf.cast(tf.stack(steps), tf.float32)


def _by_name(gan: GAN, values: npt.NDArray[np.float32]) -> Losses:
    return dict(zip(gan.loss_names, values.T, strict=True))


def _check_finite(gan: GAN, first: int, values: npt.NDArray[np.float32]) -> None:
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, column = bad[0]
        raise TrainingDiverged(
            f"{gan.loss_names[column]} became {values[row, column]} at step {first + row + 1}; "
            "try a smaller learning_rate"
        )
