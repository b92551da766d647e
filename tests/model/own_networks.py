"""Networks as learners build them, and a comparison of every way to train them with ``train_step`` itself."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from models import WGAN_GP, train
from models.gan import GAN
from models.latents import LatentGenerator
from models.optimizers import trainable_or_frozen
from models.training.draws import Draws, PreparedRandomness
from models.training.step_draws import GlobalDraws

POINTS = np.random.default_rng(0).uniform(size=(64, 2))
Builder = Callable[[int], keras.Model]


def leaky_relu(x: tf.Tensor) -> tf.Tensor:
    """Another function than Keras's of this name."""
    return tf.nn.leaky_relu(x, alpha=0.01)


def relu(x: tf.Tensor) -> tf.Tensor:
    """Another function than Keras's of this name."""
    return tf.square(tf.nn.relu(x))


def elu(x: tf.Tensor) -> tf.Tensor:
    """Another function than Keras's of this name."""
    return 0.5 * tf.nn.elu(x)


class Scale(layers.Layer):
    """A layer whose ``__init__`` takes no ``**kwargs`` and whose attribute is set later."""

    def __init__(self) -> None:
        super().__init__()
        self.s = 1.0

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x * self.s


class TwoLayers(keras.Model):
    """A subclassed model with a ``call`` of its own."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.hidden = layers.Dense(4, activation="tanh")
        self.last = layers.Dense(outputs)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return self.last(self.hidden(x))


class LooksAtNumbers(TwoLayers):
    """A model that no graph can hold."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        hidden = self.hidden(x)
        return self.last(2.0 * hidden if float(tf.reduce_sum(hidden)) > 0 else hidden)


def functional(outputs: int, *between: layers.Layer) -> keras.Model:
    """Build a chain as the exercise does."""
    inputs = keras.Input((2,))
    hidden = layers.Dense(4, activation="tanh")(inputs)
    for layer in between:
        hidden = layer(hidden)
    return keras.Model(inputs, layers.Dense(outputs)(hidden))


def sequential(outputs: int, *between: layers.Layer) -> keras.Model:
    """Build a chain as most public builders do."""
    return keras.Sequential([keras.Input((2,)), layers.Dense(4, activation="tanh"), *between, layers.Dense(outputs)])


def without_input(outputs: int, *between: layers.Layer) -> keras.Model:
    """Build a chain whose shapes show with the first batch."""
    return keras.Sequential([layers.Dense(4, activation="tanh"), *between, layers.Dense(outputs)])


def nested(outputs: int, *between: layers.Layer) -> keras.Model:
    """Build a model inside a model."""
    return keras.Sequential([keras.Input((2,)), functional(3, *between), layers.Dense(outputs)])


def branches(outputs: int, *between: layers.Layer) -> keras.Model:
    """Build a network with two paths and a layer that is used twice."""
    inputs = keras.Input((2,))
    shared = layers.Dense(2, activation="tanh")
    one = two = shared(inputs)
    for layer in between:
        one = layer(one)
    return keras.Model(inputs, layers.Dense(outputs)(layers.Concatenate()([one, shared(two)])))


def own_gan(
    generator: keras.Model,
    discriminator: keras.Model,
    gan_class: Callable[..., GAN] = WGAN_GP,
    optimizer: Callable[[], keras.Optimizer] | None = keras.optimizers.SGD,
    **arguments: Any,
) -> GAN:
    """Build a GAN of these networks on 64 points in the plane; ``optimizer`` None leaves it its own."""
    arguments = {"disc_iter": 1, "batch_size": 8, "learning_rate": 1e-3} | arguments
    latents = arguments.pop("latents", LatentGenerator("normal", 2))
    gan = gan_class(generator, discriminator, latents, POINTS, **arguments)
    if optimizer is not None:
        gan.set_optimizers(optimizer(), optimizer())
    gan.seed = 0
    return gan


def assert_every_way_takes_the_same_steps(gan: GAN, steps: int = 3, tolerance: float = 1e-3) -> None:
    """Compare ``train`` and ``fit`` with calls of ``train_step`` on the same draws from the same state."""
    gan.compile()
    _assert_train_and_fit_take_the_same_steps(gan, steps, tolerance)


def assert_a_change_counts(gan: GAN, change: Callable[[GAN], Any], steps: int = 3, tolerance: float = 1e-3) -> None:
    """Change something after a ``train`` and a ``fit``, and compare those that follow with ``train_step``."""
    gan.compile()
    gan.fit(epochs=1, steps_per_epoch=1, verbose=0)
    train(gan, 1)
    change(gan)
    gan.generator.optimizer.iterations.assign(0)
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    _assert_train_and_fit_take_the_same_steps(gan, steps, tolerance, callbacks=[callback])


def _assert_train_and_fit_take_the_same_steps(gan: GAN, steps: int, tolerance: float, **options: Any) -> None:
    gan.build_optimizers()
    before = _state(gan)
    tf.random.set_seed(0)
    gan.step_draws = GlobalDraws(gan)  # those of fit from this seed
    expected = _plain_steps(gan, gan.step_draws(0), 0, steps)

    _restore(gan, before)
    _compare(gan, train(gan, steps), expected, tolerance)
    _assert_only_what_is_trained_has_changed(gan, before)

    _restore(gan, before)
    tf.random.set_seed(0)
    _compare(gan, gan.fit(epochs=steps, steps_per_epoch=1, verbose=0, **options).history, expected, tolerance)
    _assert_only_what_is_trained_has_changed(gan, before)
    _restore(gan, before)


def _plain_steps(gan: GAN, draws: Draws, first: int, steps: int) -> list[list[float]]:
    losses = []
    for step in range(first, first + steps):
        with gan.drawing_from(PreparedRandomness(Draws(*(values[step] for values in draws)))):
            logs = gan.train_step(None)
        losses.append([float(logs[name]) for name in gan.loss_names])
    return losses


def _compare(gan: GAN, found: Any, expected: list[list[float]], tolerance: float) -> None:
    columns = np.stack([found[name] for name in gan.loss_names], axis=1)
    np.testing.assert_allclose(columns, expected, rtol=tolerance, atol=0.1 * tolerance)


def _state(gan: GAN) -> list[np.ndarray]:
    return [variable.numpy() for variable in gan.state.values()]


def _restore(gan: GAN, state: list[np.ndarray]) -> None:
    for variable, values in zip(gan.state.values(), state, strict=True):
        variable.assign(values)


def _assert_only_what_is_trained_has_changed(gan: GAN, before: list[np.ndarray]) -> None:
    optimized = [
        variable for network in (gan.generator, gan.discriminator) for variable in trainable_or_frozen(network)
    ]
    old = {id(variable): values for variable, values in zip(gan.state.values(), before, strict=True)}
    frozen = [variable for variable in optimized if not variable.trainable]
    assert all(np.array_equal(variable.numpy(), old[id(variable)]) for variable in frozen)
    assert any(
        not np.array_equal(variable.numpy(), values)
        for variable, values in zip(gan.state.values(), before, strict=True)
    )
