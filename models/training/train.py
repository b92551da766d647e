"""The one training loop that every front end uses: many steps in one graph, repeatable from a seed."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.training.protocol import Trainable
from models.training.shared_loops import loop_for

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
    gan: Trainable,
    steps: int,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Losses:
    """Run ``steps`` training steps, continuing where the model stands.

    Each step's random numbers are a function of ``gan.seed`` and of the number of steps done before, so a run that
    is stopped, saved with :func:`.checkpoints.save_checkpoint` and resumed ends bit for bit where an unbroken
    one ends. A latent generator of the caller's own takes part if it draws from ``tf.random``, whose global seed is
    then set anew with every block of steps (:func:`models.catalogue.block_steps`).

    The first call compiles the step, which takes a second or so; chains of Keras's own layers share the outcome
    with others built alike. What cannot be compiled runs step by step, as do steps that change attributes of Python's.
    Changed layers, losses, optimizers, data and settings count from the next call on, and attributes of your own
    classes with them; after a change to anything else that your own functions use, ``compile()`` anew.

    Args:
        gan: one of the three GANs.
        steps: how many more steps to run, at least 0.
        on_progress: called after every chunk of about :data:`models.training.loop.CHUNK_SECONDS`.
        should_stop: asked after every chunk; True ends the training early.

    Returns:
        For each name in ``gan.loss_names`` a float32 array with one value for each step that was run.

    Raises:
        ValueError: ``steps`` is negative.
        DivergenceError: a loss is NaN or infinite; the message names the step, and ``on_progress`` has been told of
            those before it.
    """
    if steps < 0:
        raise ValueError(f"steps: expected at least 0, got {steps}")
    history = [np.zeros((0, len(gan.loss_names)), np.float32)]
    for values in loop_for(gan).chunks(gan, gan.steps_done, steps, gan.step_draws):
        finite = _finite_steps(values)
        history.append(values)
        if on_progress is not None and finite:
            on_progress(Progress(gan.steps_done - len(values) + finite, _by_name(gan, values[:finite])))
        if finite < len(values):
            raise _divergence(gan, values, finite)
        if should_stop is not None and should_stop():
            break
    return _by_name(gan, np.concatenate(history))


def is_compiled(gan: Trainable) -> bool:
    """Say whether :func:`train` starts at once; otherwise it compiles the training step first."""
    return loop_for(gan).compiled


def _by_name(gan: Trainable, values: npt.NDArray[np.float32]) -> Losses:
    return dict(zip(gan.loss_names, values.T, strict=True))


def _finite_steps(values: npt.NDArray[np.float32]) -> int:
    """Return how many steps there are before the first that has a loss which is no number."""
    bad = ~np.isfinite(values).all(axis=1)
    return int(bad.argmax()) if bad.any() else len(values)


def _divergence(gan: Trainable, values: npt.NDArray[np.float32], row: int) -> DivergenceError:
    column = int(np.isfinite(values[row]).argmin())
    step = gan.steps_done - len(values) + row + 1
    return DivergenceError(
        f"{gan.loss_names[column]} became {values[row, column]} at step {step}; try a smaller learning_rate"
    )
