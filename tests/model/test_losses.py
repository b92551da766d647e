"""Losses against values worked out by hand or in float64 NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from models import losses

REAL = tf.constant([[0.5], [1.0], [-0.25]])
FAKE = tf.constant([[-1.0], [0.0], [0.5]])


def test_least_squares_generator_loss() -> None:
    assert float(losses.least_squares_generator_loss(FAKE)) == pytest.approx((4 + 1 + 0.25) / 3)


def test_least_squares_discriminator_loss() -> None:
    expected = (0.25 + 0 + 1.5625) / 3 + (0 + 1 + 2.25) / 3
    assert float(losses.least_squares_discriminator_loss(REAL, FAKE)) == pytest.approx(expected)


def test_wasserstein_generator_loss() -> None:
    assert float(losses.wasserstein_generator_loss(FAKE)) == pytest.approx(0.5 / 3)


def test_wasserstein_discriminator_loss_takes_fake_first_as_the_exercise_does() -> None:
    assert float(losses.wasserstein_discriminator_loss(FAKE, REAL)) == pytest.approx(-0.5 / 3 - 1.25 / 3)


def _weights() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.standard_normal((6, 4)), rng.standard_normal((4, 1))


def _critic64(x: np.ndarray) -> np.ndarray:
    first, second = _weights()
    return np.asarray(np.tanh(np.tanh(x.reshape(len(x), -1) @ first) @ second))


@pytest.mark.parametrize("shape", [(5, 6), (5, 2, 3, 1)])
def test_gradient_penalty_against_finite_differences(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).standard_normal(shape)
    step = 1e-6
    gradients = np.zeros((len(x), 6))
    for i in range(6):
        shift = np.zeros((1, 6))
        shift[0, i] = step
        flat = x.reshape(len(x), 6)
        gradients[:, i] = ((_critic64(flat + shift) - _critic64(flat - shift)) / (2 * step))[:, 0]
    expected = np.mean((np.linalg.norm(gradients, axis=1) - 1) ** 2)

    first, second = (tf.constant(weights, tf.float32) for weights in _weights())

    def critic(points: tf.Tensor) -> tf.Tensor:
        return tf.tanh(tf.tanh(tf.reshape(points, (5, 6)) @ first) @ second)

    assert float(losses.gradient_penalty(critic, tf.constant(x, tf.float32))) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("critic", [lambda x: 0.0 * tf.reduce_sum(x, 1), lambda x: tf.tanh(1e4 * tf.reduce_sum(x, 1))])
def test_a_flat_critic_has_a_finite_penalty_and_gradient(critic: Callable[[tf.Tensor], tf.Tensor]) -> None:
    scale = tf.Variable(1.0)
    with tf.GradientTape() as tape:
        penalty = losses.gradient_penalty(lambda x: scale * critic(x), tf.ones((4, 3)))

    assert float(penalty) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(tape.gradient(penalty, scale))


def test_a_one_sided_penalty_leaves_gentle_slopes_alone() -> None:
    slopes = tf.constant([0.0, 0.5, 1.0, 3.0])
    points = tf.constant([[0.3, 0.4]] * 4)

    def critic(x: tf.Tensor) -> tf.Tensor:
        return slopes * x[:, 0]  # one slope an example

    two_sided, one_sided = (float(losses.gradient_penalty(critic, points, one_sided=side)) for side in (False, True))
    assert two_sided == pytest.approx((1 + 0.25 + 0 + 4) / 4, abs=1e-5)
    assert one_sided == pytest.approx(4 / 4, abs=1e-5)
