"""How fast GANs are trained, beside the exercise's own code, JAX and PyTorch."""

import contextlib
import math
import os
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models import WGAN_GP, convolutional_GenDiscr, fully_connected_GenDiscr, train
from models.gan import GAN
from models.latents import LatentGenerator
from models.toys.presets import GAN_CLASSES
from tests.benchmarks import exercise
from tests.benchmarks.report import Row, alternating, row, seconds_of

BATCH, DISC_ITER = 200, 2

#: Generators from latent to output, and the number of real examples.
SIZES = (((2, 10, 10, 5), 1_000), ((1, 100, 100, 2), 10_000), ((49, 98, 98, 49), 10_000))

EXERCISE, JAX, EAGER, COMPILED = "the exercise, fit", "JAX", "PyTorch eager", "PyTorch compile"
TRAIN_TARGETS = {EXERCISE: 5.0, JAX: 1.3, EAGER: 2.0, COMPILED: 2.0}
FIT_TARGETS = {EXERCISE: 3.0}
FACE_TARGETS = {EXERCISE: 2.0, EAGER: 1.3, COMPILED: 1.3}

Run = Callable[[int], object]
Data = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Amount:
    """How much is measured.

    ``steps`` must divide the numbers of real examples: Keras's ``fit``, handed the examples as the exercise does, runs
    out of data otherwise, and ends its epoch early.
    """

    steps: int = 500
    face_steps: int = 3
    repeats: int = 5
    many_examples: int = 1_000_000
    gemm: int = 2_048


_TINY = _Amount(steps=2, face_steps=1, repeats=1, many_examples=2_000, gemm=64)


def measure(tiny: bool) -> list[Row]:
    """Measure everything; ``tiny`` shows only that it runs."""
    amount = _TINY if tiny else _Amount()
    sizes, kinds = (SIZES[:1], ["WGAN_GP"]) if tiny else (SIZES, [*GAN_CLASSES])
    rate = gemm_rate(amount)
    cells = [(kind, widths, _uniform((count, widths[-1]))) for kind in kinds for widths, count in sizes]
    rows = [row for cell in cells for row in _train(*cell, amount, rate)]
    rows += [row for cell in cells for row in _fit(*cell, amount)]
    rows += _faces(amount, rate)
    return rows + [row for widths, _ in sizes for row in _many_examples(widths, amount)]


def absent() -> list[str]:
    """Return the peers that are not installed."""
    return [name for name, packages in _PACKAGES.items() if not all(find_spec(package) for package in packages)]


_PACKAGES = {"JAX": ("jax", "optax"), "PyTorch": ("torch",)}


# what is measured


def _train(kind: str, widths: tuple[int, ...], data: Data, amount: _Amount, rate: float) -> list[Row]:
    gan = _gan(kind, widths, data)
    runs: dict[str, Run] = {"nobody": partial(train, gan), EXERCISE: _exercise(kind, widths, data)}
    runs |= _dense_peers(kind, widths, _critic_widths(gan), data)
    return _compare("train, a step", _case(kind, widths, data), runs, amount.steps, amount, TRAIN_TARGETS, gan, rate)


def _fit(kind: str, widths: tuple[int, ...], data: Data, amount: _Amount) -> list[Row]:
    gan = _gan(kind, widths, data, latents=lambda k: tf.random.normal((k, widths[0])))
    runs = {"nobody": _fitting(gan, data), EXERCISE: _exercise(kind, widths, data)}
    return _compare("fit, a step", _case(kind, widths, data), runs, amount.steps, amount, FIT_TARGETS)


def _faces(amount: _Amount, rate: float) -> list[Row]:
    faces = 2 * _uniform((2_000, 16, 16, 1)) - 1
    gan = WGAN_GP(*convolutional_GenDiscr(), LatentGenerator("normal", 16), faces, BATCH, DISC_ITER)
    peer = exercise.CLASSES["WGAN_GP"](*convolutional_GenDiscr(), _normal(16), tf.constant(faces), BATCH, DISC_ITER)
    runs: dict[str, Run] = {"nobody": partial(train, gan), EXERCISE: _fitting(peer, faces)}
    if "PyTorch" not in absent():
        from tests.benchmarks import torch_peer

        runs |= torch_peer.faces("WGAN_GP", faces, BATCH, DISC_ITER)
    return _compare("train, a step", "WGAN_GP, faces", runs, amount.face_steps, amount, FACE_TARGETS, gan, rate)


def _many_examples(widths: tuple[int, ...], amount: _Amount) -> list[Row]:
    few, many = "with 1,000 real examples", "nobody"
    gans = {
        many: _gan("WGAN_GP", widths, _uniform((amount.many_examples, widths[-1]))),
        few: _gan("WGAN_GP", widths, _uniform((1_000, widths[-1]))),
    }
    runs: dict[str, Run] = {name: partial(train, gan) for name, gan in gans.items()}
    case = f"WGAN_GP {[*widths]}, N={amount.many_examples:,}"
    return _compare("train, a step: many real examples", case, runs, amount.steps, amount, {few: 1 / 1.1})


# who is measured


def _gan(kind: str, widths: tuple[int, ...], data: Data, latents: Callable[[int], tf.Tensor] | None = None) -> GAN:
    generator, discriminator, latent_generator = fully_connected_GenDiscr(widths)
    gan = GAN_CLASSES[kind](generator, discriminator, latents or latent_generator, data, BATCH, DISC_ITER)
    gan.compile()
    return gan


def _exercise(kind: str, widths: tuple[int, ...], data: Data) -> Run:
    generator, discriminator, _ = fully_connected_GenDiscr(widths)
    gan = exercise.CLASSES[kind](generator, discriminator, _normal(widths[0]), tf.constant(data), BATCH, DISC_ITER)
    return _fitting(gan, data)


def _fitting(gan: keras.Model, data: Data) -> Run:
    """Return what calls ``fit`` as the exercise's scripts do, with a progress bar."""
    gan.compile()

    def run(steps: int) -> None:
        before = int(gan.generator.optimizer.iterations)
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            gan.fit(data, epochs=1, steps_per_epoch=steps, verbose=1)
        done = int(gan.generator.optimizer.iterations) - before
        if done != steps:
            raise RuntimeError(f"expected fit to run {steps} steps on {len(data):,} examples, got {done}")

    return run


def _dense_peers(kind: str, widths: tuple[int, ...], critic_widths: list[int], data: Data) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    if "JAX" not in absent():
        from tests.benchmarks import jax_peer

        runs[JAX] = jax_peer.trainer(kind, [*widths], critic_widths, data, BATCH, DISC_ITER)
    if "PyTorch" not in absent():
        from tests.benchmarks import torch_peer

        runs |= torch_peer.toys(kind, [*widths], critic_widths, data, BATCH, DISC_ITER)
    return runs


def _critic_widths(gan: GAN) -> list[int]:
    return [layer.kernel.shape[0] for layer in gan.discriminator.layers[1:]] + [1]


def _normal(dim: int) -> Callable[[int], tf.Tensor]:
    return lambda k: tf.random.normal(shape=(k, dim))


def _uniform(shape: tuple[int, ...]) -> Data:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def _case(kind: str, widths: tuple[int, ...], data: Data) -> str:
    return f"{kind} {[*widths]}, N={len(data):,}"


# how it is measured


def _compare(
    group: str,
    case: str,
    runs: dict[str, Run],
    steps: int,
    amount: _Amount,
    targets: dict[str, float],
    gan: GAN | None = None,
    rate: float = math.inf,
) -> list[Row]:
    seconds = alternating({name: partial(run, steps) for name, run in runs.items()}, amount.repeats)
    milliseconds = {name: [1_000 * value / steps for value in values] for name, values in seconds.items()}
    rows = compared(group, case, milliseconds, "ms", targets)
    if gan is not None:
        limit = 1_000 * products(gan) / rate
        share = limit / statistics.median(milliseconds["nobody"])
        rows.append(row(group, case, "the limit: products alone", [limit], "ms", ratio=share))
    return rows


def compared(group: str, case: str, values: dict[str, list[float]], unit: str, targets: dict[str, float]) -> list[Row]:
    """Summarise what each variant took; a ratio is the median over the rounds, in which all ran in turn."""
    rows = [row(group, case, "nobody", values["nobody"], unit)]
    for name, theirs in values.items():
        if name != "nobody":
            ratio = statistics.median(peer / own for peer, own in zip(theirs, values["nobody"], strict=True))
            rows.append(row(group, case, name, theirs, unit, ratio=ratio, target=targets.get(name)))
    return rows


# the limit


def gemm_rate(amount: _Amount) -> float:
    """Return how many floating-point operations a second this machine does in a large matrix product."""
    matrix = tf.random.normal((amount.gemm, amount.gemm))
    product = tf.function(lambda: tf.reduce_sum(tf.matmul(matrix, matrix)))
    product()
    return float(2 * amount.gemm**3 / min(seconds_of(lambda: product().numpy()) for _ in range(5)))


def products(gan: GAN) -> float:
    """Count the floating-point operations in a step's matrix products and convolutions, and nothing else.

    A layer's input gradient and its weights' gradient cost as much as the layer itself; the input gradient of a
    network's first layer is not needed unless the inputs are to learn.
    """
    of_generator, of_critic = _products_of(gan.generator), _products_of(gan.discriminator)
    generator, critic = sum(of_generator), sum(of_critic)
    behind_generator, behind_critic = sum(of_generator[1:]), sum(of_critic[1:])
    update = generator + 2 * (2 * critic + behind_critic)  # real and fake: forwards, weights, inputs
    if "gp" in gan.loss_names:
        slope = 2 * critic  # forwards and back to the inputs
        update += slope + 2 * critic + critic + behind_critic  # and the gradient of both
    last = 2 * generator + behind_generator + 2 * critic
    return float(gan.batch_size * (gan.disc_iter * update + last))


def _products_of(network: keras.Model) -> list[int]:
    """Return the operations of each layer with a kernel, for one example."""
    layers = [layer for layer in network.layers if hasattr(layer, "kernel")]
    return [2 * math.prod(layer.kernel.shape) * math.prod(layer.output.shape[1:-1]) for layer in layers]
