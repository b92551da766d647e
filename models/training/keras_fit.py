"""``fit`` of the three GANs: Keras's own around our loops, computed ahead of the progress bar where nobody looks."""

import inspect
import itertools
import math
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from models.inputs import at_least_one
from models.training.description import describe, takes_standard_steps
from models.training.protocol import Trainable
from models.training.shared_loops import loop_for
from models.training.step_draws import GlobalDraws

_SIGNATURE = inspect.signature(keras.Model.fit)
#: Arguments that are not used.
_UNUSED = ("self", "x", "y", "batch_size", "shuffle")
#: Arguments that make no sense for a GAN.
_REFUSED = (
    "validation_split",
    "validation_data",
    "validation_steps",
    "validation_batch_size",
    "validation_freq",
    "class_weight",
    "sample_weight",
)
#: Keras's callbacks that read a batch's losses but not the model.
_READ_ONLY_LOGS = (keras.callbacks.History, keras.callbacks.ProgbarLogger, keras.callbacks.TerminateOnNaN)


def fit(gan: Trainable, keras_fit: Callable[..., Any], *arguments: Any, **options: Any) -> keras.callbacks.History:
    """Train by Keras's ``fit``; see :meth:`models.gan.GAN.fit`."""
    given = _SIGNATURE.bind(gan, *arguments, **options).arguments
    _check_arguments(gan, given)
    steps = given.get("steps_per_epoch")
    if steps is None:
        steps = math.ceil(len(gan.real_examples) / gan.batch_size)
    steps = at_least_one("steps_per_epoch", steps)
    # A step draws its own batch, so Keras needs nothing but something to count.
    ticks = tf.data.Dataset.from_tensors(0).repeat()
    used = {name: value for name, value in given.items() if name not in (*_UNUSED, *_REFUSED)}
    used |= {"steps_per_epoch": steps, "shuffle": False}
    gan.build_optimizers()
    if not takes_standard_steps(gan) or gan.run_eagerly or gan.steps_per_execution != 1:
        _retrace_if_changed(gan)
        return keras_fit(ticks, **used)
    looked_at = any(map(_sees_batches, keras.tree.flatten(given.get("callbacks") or [])))
    usual, gan.train_function = gan.train_function, _steps(gan, 1 if looked_at else steps)
    try:
        return keras_fit(ticks, **used)
    finally:
        gan.train_function = usual


def check_compile_options(names: list[str]) -> None:
    """Refuse options of ``compile`` that a GAN does not have.

    Raises:
        ValueError: there are some.
    """
    if refused := {*names} - {"run_eagerly", "steps_per_execution"}:
        raise ValueError(
            f"compile: expected no {', '.join(sorted(refused))}: the generator and the discriminator have their "
            "own optimizers and losses; change them with gan.generator.optimizer = ..., gan.generator.loss = ... "
            "and the discriminator's alike"
        )


def _check_arguments(gan: Trainable, given: dict[str, Any]) -> None:
    batch_size = given.get("batch_size")
    if batch_size is not None and at_least_one("batch_size", batch_size) != gan.batch_size:
        raise ValueError(
            f"fit: expected no batch_size but the model's own, {gan.batch_size}, got {batch_size}; give it to the "
            "constructor, or set it with gan.batch_size = ..."
        )
    refused = [name for name in _REFUSED if _differs(given.get(name), _SIGNATURE.parameters[name].default)]
    if refused:
        raise ValueError(
            f"fit: expected no {', '.join(refused)}: a GAN draws its own batches and has no targets to be validated "
            "against; judge what get_fake_sample draws instead"
        )


def _differs(value: Any, default: Any) -> bool:
    return value is not None and (default is None or bool(value != default))


def _retrace_if_changed(gan: Trainable) -> None:
    """Make Keras trace the step anew if anything has changed that it was traced with."""
    own, data = describe(gan).own, (gan.real_examples, gan.latent_generator)
    usual = gan.traced_with
    if usual is None or usual.own != own or any(map(operator.is_not, usual.data, data)):
        gan.train_function, gan.traced_with = None, types.SimpleNamespace(own=own, data=data)


def _sees_batches(callback: Any) -> bool:
    """Whether a callback may look at the model between two steps."""
    if type(callback) is keras.callbacks.ModelCheckpoint:
        return bool(callback.save_freq != "epoch")
    if type(callback) in _READ_ONLY_LOGS:
        return False
    hooks = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
    usual = keras.callbacks.Callback
    return any(getattr(getattr(callback, hook), "__func__", None) is not getattr(usual, hook) for hook in hooks)


def _steps(gan: Trainable, at_once: int) -> Callable[[Any], dict[str, float]]:
    """Return what Keras calls for the losses of each step; ``at_once`` steps are computed together."""

    def each_step() -> Iterator[list[float]]:
        draws = GlobalDraws(gan)
        for first in itertools.count(step=at_once):
            for losses in loop_for(gan).chunks(gan, first, at_once, draws):
                yield from losses.tolist()

    steps = each_step()
    return lambda _: dict(zip(gan.loss_names, next(steps), strict=True))
