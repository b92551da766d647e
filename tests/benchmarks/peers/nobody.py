"""This project: ``train``, ``fit``, and the least that a step can take on this machine."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

import models
from models.latents import LatentGenerator
from tests.benchmarks.peers.runner import Case, Run, fit


def prepare(case: Case, mode: str) -> Run:
    """Build a GAN; the mode is ``train``, ``fit`` or ``limit``."""
    latents: Callable[[int], Any]
    if case.widths:
        generator, discriminator, latents = models.fully_connected_GenDiscr(case.widths)
    else:
        generator, discriminator = models.convolutional_GenDiscr()
        latents = LatentGenerator("normal", 16)
    if mode == "limit":
        return _products_alone(case.steps * _products(case, generator, discriminator))
    if mode == "fit":  # with a function for the latents, as the exercise has it
        latents = lambda k: tf.random.normal((k, case.widths[0]))  # noqa: E731
    data = case.data()
    gan = getattr(models, case.kind)(generator, discriminator, latents, data, case.batch, case.disc_iter)
    if mode == "fit":
        return fit(gan, data, case.steps)
    gan.compile()
    models.train(gan, case.steps)
    return lambda: models.train(gan, case.steps)


def _products_alone(operations: float) -> Run:
    """Return what does one large matrix product of so many operations."""
    size = math.ceil((operations / 2) ** (1 / 3))
    matrix = tf.random.uniform((size, size))
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    product()
    return lambda: product().numpy()


def _products(case: Case, generator: keras.Model, critic: keras.Model) -> float:
    """Count the floating-point operations in a step's matrix products and convolutions, and nothing else.

    A layer's input gradient and its weights' gradient cost as much as the layer itself; the input gradient of a
    network's first layer is not needed unless the inputs are to learn.
    """
    of_generator, of_critic = _products_of(generator), _products_of(critic)
    generating, scoring = sum(of_generator), sum(of_critic)
    behind_generator, behind_critic = sum(of_generator[1:]), sum(of_critic[1:])
    update = generating + 2 * (2 * scoring + behind_critic)  # real and fake: forwards, weights, inputs
    if case.kind == "WGAN_GP":
        slope = 2 * scoring  # forwards and back to the inputs
        update += slope + 2 * scoring + scoring + behind_critic  # and the gradient of both
    last = 2 * generating + behind_generator + 2 * scoring
    return float(case.batch * (case.disc_iter * update + last))


def _products_of(network: keras.Model) -> list[int]:
    """Return the operations of each layer with a kernel, for one example."""
    layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
    return [2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1]) for layer in layers]
