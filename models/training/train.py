"""``train``: many steps in one graph, repeatable from a seed."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.training.draws import PreparedRandomness
from models.training.loop import SharedLoop
from models.training.protocol import Trainable
from models.training.shared_loops import loop_for

Losses = dict[str, npt.NDArray[np.float32]]


class Progress(NamedTuple):
    """The argument of ``on_progress``, after each chunk of steps.

    ``step`` counts all steps of the model so far; ``losses`` holds one value for each step of the chunk.
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
    """Run ``steps`` more training steps.

    Each step's random numbers follow from ``gan.seed`` and the number of steps done before. So a run that is stopped,
    saved with :func:`.checkpoints.save_checkpoint` and resumed ends with the same bits as an unbroken one. This holds
    for the caller's own latent generator, too, if it draws from ``tf.random``: the global seed is set for every block
    of steps (:func:`models.catalogue.block_steps`).

    The first call compiles the step, which takes a second or so; GANs of equal chains of Keras layers share the
    compiled step. Steps that cannot be compiled run one by one, as do steps that change Python attributes. Changes to
    layers, losses, optimizers, data, settings and attributes of your own classes take effect with the next call; after
    a change to anything else that your own functions use, call ``compile()`` again.

    Args:
        gan: one of the three GANs.
        steps: how many more steps to run, at least 0.
        on_progress: called after every chunk of about :data:`models.training.loop.CHUNK_SECONDS`.
        should_stop: asked after every chunk; True ends the training early.

    Returns:
        For each name in ``gan.loss_names`` a float32 array with one value for each step.

    Raises:
        ValueError: ``steps`` is negative.
        DivergenceError: a loss is NaN or infinite; the message names the step, and ``on_progress`` was called for the
            steps before it.
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


def half_step(gan: Trainable) -> None:
    """Update the discriminator as the next step of :func:`train` would, but not the generator.

    It shows which network moves. To go on, restore the state from before: the next step takes these updates itself.
    """
    draws = gan.step_draws
    block, step = divmod(gan.steps_done, draws.steps)
    with gan.drawing_from(PreparedRandomness(draws(block).of_step(step))):
        for _ in range(gan.disc_iter):
            gan.update_discriminator()


def compile_ahead(gan: Trainable) -> Callable[[], None]:
    """Compile what :func:`train` needs for models like this one, without a training step.

    Returns:
        The larger part of the work, to be called in any thread; it may go on while other models are trained.
    """
    loop = loop_for(gan)
    if not isinstance(loop, SharedLoop) or loop.compiled:
        return lambda: None
    draws = gan.step_draws.zeros()
    loop.trace(draws)
    return partial(loop.compile, draws)


def is_compiled(gan: Trainable) -> bool:
    """Say whether :func:`train` starts at once; otherwise it compiles the training step first."""
    return loop_for(gan).compiled


def _by_name(gan: Trainable, values: npt.NDArray[np.float32]) -> Losses:
    return dict(zip(gan.loss_names, values.T, strict=True))


def _finite_steps(values: npt.NDArray[np.float32]) -> int:
    """Return the number of steps before the first one with a loss that is not finite."""
    bad = ~np.isfinite(values).all(axis=1)
    return int(bad.argmax()) if bad.any() else len(values)


def _divergence(gan: Trainable, values: npt.NDArray[np.float32], row: int) -> DivergenceError:
    column = int(np.isfinite(values[row]).argmin())
    step = gan.steps_done - len(values) + row + 1
    return DivergenceError(
        f"{gan.loss_names[column]} became {values[row, column]} at step {step}; try a smaller learning_rate"
    )
