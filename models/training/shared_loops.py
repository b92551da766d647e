"""The table of loops that models of one description share."""

import logging
import threading
from collections.abc import Hashable
from typing import Any

import numpy as np
import tensorflow as tf

from models.training.copies import copy_chain
from models.training.description import describe
from models.training.draws import Draws
from models.training.loop import Loop, PrivateLoop, SharedLoop, assign, one_by_one, values_of
from models.training.plain import simplify
from models.training.protocol import Trainable

#: Descriptions whose loops are kept; those not asked for the longest go first.
KEPT = 16

_log = logging.getLogger(__name__)
#: None marks models whose copy does not take the same steps.
_loops: dict[Hashable, SharedLoop | None] = {}
_lock = threading.Lock()


def loop_for(gan: Trainable) -> Loop:
    """Return the fastest loop that is known to take the model's own steps."""
    gan.build_optimizers()
    description = describe(gan)
    key = description.key
    if description.complete and not gan.run_eagerly:
        with _lock:
            shared = _loops.pop(key) if key in _loops else _shared_loop(gan, key)
            _loops[key] = shared  # last in the table
            while len(_loops) > KEPT:
                del _loops[next(iter(_loops))]
        if shared is not None:
            return shared
    loop: PrivateLoop | None = gan.private_loop
    if loop is None or not loop.is_valid_for(description):
        loop = gan.private_loop = PrivateLoop(description)
    return loop


def _shared_loop(gan: Trainable, key: Hashable) -> SharedLoop | None:
    """Return a loop for all models of this description; None if a copy of the model takes other steps."""
    try:
        twin = _twin(gan)
        if describe(twin).key != key:
            return None
        if twin.uses_xla:
            simplify(twin)
        if not _take_equal_steps(gan, twin):
            return None
    except Exception:  # whatever a network raises whose config does not tell all
        _log.debug("a network cannot be copied", exc_info=True)
        return None
    return SharedLoop(twin)


def _twin(gan: Trainable) -> Trainable:
    """Build a model of the same description, with variables of its own."""
    networks = copy_chain(gan.generator), copy_chain(gan.discriminator)
    examples = np.zeros((gan.batch_size, *gan.example_shape), np.float32)
    latent_shape = gan.latent_shape  # the lambda must not hold the model: it would live as long as the loop
    kind: Any = type(gan)
    twin: Trainable = kind(*networks, lambda k: tf.zeros((k, *latent_shape)), examples, gan.batch_size, gan.disc_iter)
    for name in ("jit_compiled", "lambda_gp", "clip"):
        if hasattr(gan, name):
            setattr(twin, name, getattr(gan, name))
    optimizers = (network.optimizer for network in (gan.generator, gan.discriminator))
    twin.set_optimizers(*(type(one).from_config(one.get_config()) for one in optimizers))
    return twin


def _take_equal_steps(gan: Trainable, twin: Trainable) -> bool:
    """Compare the losses of one step of both, from the same state on the same draws; ``gan`` keeps its state."""
    rng = np.random.default_rng(0)
    rows = np.arange(gan.disc_iter * gan.batch_size).reshape(1, gan.disc_iter, -1) % len(gan.real_examples)
    latents = rng.normal(size=(1, gan.disc_iter + 1, gan.batch_size, *gan.latent_shape))
    draws = Draws(
        tf.gather(gan.real_examples, rows),
        tf.constant(latents, tf.float32),
        tf.constant(rng.random(rows.shape, dtype=np.float32)),
    )
    state = values_of(gan)
    assign(twin, state)
    try:
        return np.allclose(one_by_one(gan, draws, 0, 1), one_by_one(twin, draws, 0, 1), 1e-3, 1e-5, equal_nan=True)
    finally:
        assign(gan, state)
