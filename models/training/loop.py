"""Many training steps in one call: compiled and shared, compiled for one model, or step by step.

:func:`models.training.shared_loops.loop_for` takes the fastest loop that is known to take the model's own steps:

1. :class:`SharedLoop`: compiled for a copy of the networks, by XLA where that helps; all models of one description
   share it.
2. :class:`PrivateLoop`: compiled on the model's own objects and variables, for whatever else TensorFlow can compile.
3. ``train_step`` step by step, also in :class:`PrivateLoop`: where compilation fails, or a step changes Python
   attributes.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.training.description import Description, describe
from models.training.draws import Draws, PreparedRandomness
from models.training.protocol import Trainable
from models.training.step_draws import StepDraws

#: Duration of a graph call: the pace of progress reports and the delay of a stop.
CHUNK_SECONDS = 0.25
#: More updates of the discriminator a step are compiled as a loop: each unrolled one takes XLA most of a second.
#: As a loop, steps of two updates are up to a tenth slower, steps of five as fast.
UNROLLED_UPDATES = 2

Losses = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)


class Loop:
    """Takes steps in chunks of about ``CHUNK_SECONDS``."""

    def __init__(self) -> None:
        self._chunk_steps = 1
        #: Whether it has run; the first run compiles it, which takes a second or so.
        self.compiled = False

    def chunks(self, gan: Trainable, first: int, steps: int, draws: StepDraws) -> Iterator[Losses]:
        """Train ``gan`` chunk by chunk.

        Args:
            gan: a model that the loop was made for.
            first: the first step's position in the sequence of draws.
            steps: how many.
            draws: the random numbers.

        Yields:
            The losses of each chunk, ``(steps of the chunk, loss names)``; ``gan`` has the state after the chunk then.
        """
        end = first + steps
        while first < end:
            count = min(self._chunk_steps, end - first)
            started = time.monotonic()
            losses = self._chunk(gan, first, count, draws)
            elapsed = time.monotonic() - started
            if count == self._chunk_steps and elapsed < CHUNK_SECONDS / 2:
                self._chunk_steps *= 2
            elif elapsed > CHUNK_SECONDS * 2:
                self._chunk_steps = max(1, self._chunk_steps // 2)
            first += count
            yield losses

    def _chunk(self, gan: Trainable, first: int, count: int, draws: StepDraws) -> Losses:
        losses = []
        size = draws.steps
        for block in range(first // size, (first + count - 1) // size + 1):
            start, stop = max(first - block * size, 0), min(first + count - block * size, size)
            losses.append(self._steps(gan, draws(block), start, stop))
            self.compiled = True
        return np.concatenate(losses)

    def _steps(self, gan: Trainable, draws: Draws, start: int, stop: int) -> Losses:
        """Take the steps ``start`` … ``stop - 1`` of a block."""
        raise NotImplementedError


class SharedLoop(Loop):
    """A loop compiled for a copy of the networks.

    Args:
        twin: holds the copies. Each chunk copies a model's state into it, and out again afterwards.
    """

    def __init__(self, twin: Trainable) -> None:
        super().__init__()
        self._variables = _variables(twin)
        self._lock = threading.Lock()
        is_looped = twin.uses_xla and twin.disc_iter > UNROLLED_UPDATES
        self._run = _CompiledSteps(twin, twin.uses_xla, _looped_step if is_looped else _step)

    def trace(self, draws: Draws) -> None:
        """Do the part of the compilation that runs in Python, for draws of these shapes."""
        with self._lock:
            self._run.trace(draws)

    def compile(self, draws: Draws) -> None:
        """Compile for draws of these shapes, as the first chunk does otherwise. After :meth:`trace` in any thread."""
        with self._lock:
            self._run(draws, 0, 0)
            self.compiled = True

    def _chunk(self, gan: Trainable, first: int, count: int, draws: StepDraws) -> Losses:
        with self._lock:
            _copy(_variables(gan), self._variables)
            losses = super()._chunk(gan, first, count, draws)
            _copy(self._variables, _variables(gan))
        return losses

    def _steps(self, gan: Trainable, draws: Draws, start: int, stop: int) -> Losses:
        return self._run(draws, start, stop)


class PrivateLoop(Loop):
    """A loop on one model's own objects: compiled if that is possible, else step by step.

    Args:
        description: of the model; the loop is valid as long as it stays the same.
    """

    def __init__(self, description: Description) -> None:
        super().__init__()
        self._traced_with = description.own
        self._run: _CompiledSteps | None = None
        self._steps_change_attributes = False

    def is_valid_for(self, description: Description) -> bool:
        """Whether nothing has changed that the loop depends on."""
        return self._steps_change_attributes or self._traced_with == description.own

    def _steps(self, gan: Trainable, draws: Draws, start: int, stop: int) -> Losses:
        if self._run is not None:
            return self._run(draws, start, stop)
        if self.compiled or gan.run_eagerly:
            return one_by_one(gan, draws, start, stop)
        return self._first_steps(gan, draws, start, stop)

    def _first_steps(self, gan: Trainable, draws: Draws, start: int, stop: int) -> Losses:
        """Take the first steps: compiled if that works and changes no attribute, else one by one."""
        state, attributes = values_of(gan), describe(gan).plain
        before, reason, changed = attributes, "", list[str]()
        # Each form twice: some layers note a value, such as the batch's size, in the first call only.
        forms = [True, True, False, False] if gan.jit_compiled else [False, False]
        while forms:
            xla = forms.pop(0)
            run = _CompiledSteps(gan, xla, _step)
            try:
                losses = run(draws, start, stop)
            except Exception as error:  # whatever a layer of the caller's own raises in a graph
                reason, changed = _first_line(error), []
                forms = [form for form in forms if form is not xla]
            else:
                description = describe(gan)
                changed = _changed(before, description.plain)
                if not changed:
                    self._run, self._traced_with = run, description.own
                    if gan.jit_compiled and not xla:
                        _log.warning("this model's steps cannot be compiled by XLA and run without it (%s)", reason)
                    return losses
                before, reason = description.plain, f"they change {', '.join(changed)}"
            assign(gan, state)
        for holder, name, value in attributes:
            if vars(holder).get(name, value) is not value:
                setattr(holder, name, value)
        losses = one_by_one(gan, draws, start, stop)  # a step that is itself at fault raises its error here
        self._steps_change_attributes = bool(changed)
        _log.warning("this model's steps cannot be compiled and run one by one (%s)", reason)
        return losses


# steps


class _CompiledSteps:
    """A compiled function that takes the steps ``start`` … ``stop - 1`` of a block's draws.

    Args:
        gan: the model to train.
        xla: whether XLA compiles it.
        take: takes one step and returns its losses.
    """

    def __init__(self, gan: Trainable, xla: bool, take: Callable[[Trainable, Draws], tf.Tensor]) -> None:
        def steps(
            examples: tf.Tensor, latents: tf.Tensor, uniforms: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
        ) -> tf.Tensor:
            # Not a for over tf.range: XLA takes its length for a constant and would compile each length anew.
            def step(i: tf.Tensor, losses: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
                return i + 1, losses.write(i, take(gan, Draws(examples, latents, uniforms).of_step(i)))

            losses = tf.TensorArray(tf.float32, size=uniforms.shape[0], element_shape=(len(gan.loss_names),))
            _, losses = tf.while_loop(lambda i, _: i < stop, step, (start, losses))
            return losses.stack()

        self._function = tf.function(steps, jit_compile=xla, autograph=False)

    def trace(self, draws: Draws) -> None:
        """Trace for draws of these shapes; the first call does so otherwise."""
        self._function.get_concrete_function(*draws, tf.constant(0), tf.constant(0))

    def __call__(self, draws: Draws, start: int, stop: int) -> Losses:
        losses: Losses = self._function(*draws, tf.constant(start), tf.constant(stop)).numpy()
        return losses[start:stop]


def one_by_one(gan: Trainable, draws: Draws, start: int, stop: int) -> Losses:
    """Take the steps ``start`` … ``stop - 1`` by calls of ``train_step``."""
    return np.stack([_step(gan, draws.of_step(i)).numpy() for i in range(start, stop)])


def _step(gan: Trainable, draws: Draws) -> tf.Tensor:
    """Take a step and return its losses in the order of ``gan.loss_names``."""
    with gan.drawing_from(PreparedRandomness(draws)):
        logs = gan.train_step(None)
    if missing := [name for name in gan.loss_names if name not in logs]:
        raise ValueError(
            f"train_step: expected {', '.join(gan.loss_names)} among the losses it returns, got {', '.join(logs)}, "
            f"without {', '.join(missing)}; name those of a train_step of your own in the class's loss_names"
        )
    return tf.stack([tf.cast(logs[name], tf.float32) for name in gan.loss_names])


def _looped_step(gan: Trainable, draws: Draws) -> tf.Tensor:
    """Take a step of one of the three GANs, with the discriminator's updates as a loop of the graph."""
    names = [name for name in gan.loss_names if name != "gen_loss"]
    updates = gan.disc_iter

    def update(i: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with gan.drawing_from(PreparedRandomness(Draws(*(values[i, tf.newaxis] for values in draws)))):
            logs = gan.update_discriminator()
        return i + 1, tf.stack([tf.cast(logs[name], tf.float32) for name in names])

    _, last = tf.while_loop(lambda i, _: i < updates, update, (0, tf.zeros(len(names))))
    with gan.drawing_from(PreparedRandomness(Draws(*(values[updates:] for values in draws)))):
        logs = dict(zip(names, tf.unstack(last), strict=True)) | gan.update_generator()
    return tf.stack([tf.cast(logs[name], tf.float32) for name in gan.loss_names])


# state


def _variables(gan: Trainable) -> list[tf.Variable]:
    return [variable if isinstance(variable, tf.Variable) else variable.value for variable in gan.state.values()]


def values_of(gan: Trainable) -> list[tf.Tensor]:
    """Return copies of the values of all variables."""
    return [tf.identity(variable) for variable in _variables(gan)]


def assign(gan: Trainable, values: list[tf.Tensor]) -> None:
    """Set all variables."""
    for variable, value in zip(_variables(gan), values, strict=True):
        variable.assign(value)


def _copy(source: list[tf.Variable], target: list[tf.Variable]) -> None:
    for one, other in zip(source, target, strict=True):
        value = tf.raw_ops.ReadVariableOp(resource=one.handle, dtype=one.dtype)
        tf.raw_ops.AssignVariableOp(resource=other.handle, value=value)  # takes half the time of assign


def _changed(before: tuple[Any, ...], after: tuple[Any, ...]) -> list[str]:
    """Return the names of plain attributes that differ between two descriptions."""
    old, new = ({(id(holder), name): repr(value) for holder, name, value in plain} for plain in (before, after))
    return sorted({key[1] for key, value in new.items() if old.get(key) != value})


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
