"""Whole training steps of each GAN against float64 NumPy: losses, finite differences, Adam, clipping."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models import WGAN_GP, Simple_GAN, WGAN_clip
from models.gan import GAN
from models.training.draws import Randomness
from tests.model.toy_gans import CLASSES, small_gan

Weights = list[np.ndarray]


class ScriptedRandomness(Randomness):
    """Hands out prepared draws, in order."""

    def __init__(self, subsets: list[np.ndarray], uniforms: list[np.ndarray], latents: list[np.ndarray]) -> None:
        self._subsets, self._uniforms, self._latents = iter(subsets), iter(uniforms), iter(latents)

    def examples(self, population: tf.Tensor, size: int) -> tf.Tensor:
        return tf.gather(population, next(self._subsets))

    def uniform(self, shape: Any) -> tf.Tensor:
        return tf.constant(next(self._uniforms), tf.float32)

    def latents(self, latent_generator: Any, size: int) -> tf.Tensor:
        return tf.constant(next(self._latents), tf.float32)


def _forward(weights: Weights, x: np.ndarray, last: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    for i in range(0, len(weights) - 2, 2):
        x = np.tanh(x @ weights[i] + weights[i + 1])
    return last(x @ weights[-2] + weights[-1])


def _generate(weights: Weights, latents: np.ndarray) -> np.ndarray:
    return _forward(weights, latents, lambda x: 1 / (1 + np.exp(-x)))


def _score(weights: Weights, x: np.ndarray) -> np.ndarray:
    return _forward(weights, x, np.tanh)


def _slopes(weights: Weights, x: np.ndarray) -> np.ndarray:
    """Return the norms of the critic's gradient at each point, by the chain rule."""
    jacobian = np.broadcast_to(np.eye(2), (len(x), 2, 2))
    for i in range(0, len(weights), 2):
        x = np.tanh(x @ weights[i] + weights[i + 1])
        jacobian = jacobian @ weights[i] * (1 - x**2)[:, np.newaxis, :]
    return np.asarray(np.linalg.norm(jacobian[:, :, 0], axis=1))


def _gradients(objective: Callable[[Weights], float], weights: Weights) -> Weights:
    step = 1e-6
    gradients = []
    for array in weights:
        gradient = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            usual = array[index]
            array[index] = usual + step
            above = objective(weights)
            array[index] = usual - step
            below = objective(weights)
            array[index] = usual
            gradient[index] = (above - below) / (2 * step)
        gradients.append(gradient)
    return gradients


class _Adam:
    """Adam (Kingma and Ba 2015), with Keras's epsilon and its place for it."""

    def __init__(self, rate: float, beta_1: float, beta_2: float) -> None:
        self.rate, self.beta_1, self.beta_2, self.count = rate, beta_1, beta_2, 0
        self.first: Weights = []
        self.second: Weights = []

    def descend(self, weights: Weights, gradients: Weights) -> None:
        self.count += 1
        self.first = self.first or [np.zeros_like(array) for array in weights]
        self.second = self.second or [np.zeros_like(array) for array in weights]
        rate = self.rate * np.sqrt(1 - self.beta_2**self.count) / (1 - self.beta_1**self.count)
        for array, gradient, first, second in zip(weights, gradients, self.first, self.second, strict=True):
            first += (1 - self.beta_1) * (gradient - first)
            second += (1 - self.beta_2) * (gradient**2 - second)
            array -= rate * first / (np.sqrt(second) + 1e-7)


def _generator_loss(gan: GAN, scores: np.ndarray) -> float:
    return float(((scores - 1) ** 2).mean()) if isinstance(gan, Simple_GAN) else float(-scores.mean())


def _discriminator_loss(gan: GAN, real: np.ndarray, fake: np.ndarray) -> float:
    if isinstance(gan, Simple_GAN):
        return float(((real - 1) ** 2).mean() + ((fake + 1) ** 2).mean())
    return float(fake.mean() - real.mean())


@pytest.mark.parametrize("gan_class", CLASSES)
def test_two_steps_agree_with_numpy(gan_class: type[GAN]) -> None:
    # Clipping shows only where weights pass 1.
    gan = small_gan(gan_class, learning_rate=0.2 if gan_class is WGAN_clip else 0.01)
    generator = [np.asarray(array, np.float64) for array in gan.generator.get_weights()]
    critic = [np.asarray(array, np.float64) for array in gan.discriminator.get_weights()]
    adams = [_Adam(gan.learning_rate, gan.beta_1, gan.beta_2) for _ in range(2)]
    data = np.asarray(gan.real_examples, np.float64)
    rng = np.random.default_rng(5)

    for _ in range(2):
        subsets = [rng.choice(64, 8, replace=False) for _ in range(2)]
        weights_between = [rng.uniform(size=(8, 1)) for _ in range(2)]
        latents = [rng.standard_normal((8, 2)) for _ in range(3)]
        with gan.drawing_from(ScriptedRandomness(subsets, weights_between, latents)):
            logs = {name: float(value) for name, value in gan.train_step(None).items()}

        expected = {}
        for i in range(2):
            real, fake = data[subsets[i]], _generate(generator, latents[i])
            between = weights_between[i] * real + (1 - weights_between[i]) * fake

            def loss(weights: Weights, real: np.ndarray = real, fake: np.ndarray = fake) -> float:
                return _discriminator_loss(gan, _score(weights, real), _score(weights, fake))

            def penalty(weights: Weights, between: np.ndarray = between) -> float:
                return float(((_slopes(weights, between) - 1) ** 2).mean()) if isinstance(gan, WGAN_GP) else 0.0

            expected = {"discr_loss": loss(critic), "gp": penalty(critic)}
            adams[0].descend(critic, _gradients(lambda weights: loss(weights) + 10 * penalty(weights), critic))
            if isinstance(gan, WGAN_clip):
                critic = [np.clip(array, -1, 1) for array in critic]

        def generator_loss(weights: Weights, critic: Weights = critic, latents: np.ndarray = latents[2]) -> float:
            return _generator_loss(gan, _score(critic, _generate(weights, latents)))

        expected["gen_loss"] = generator_loss(generator)
        adams[1].descend(generator, _gradients(generator_loss, generator))

        assert logs == {name: pytest.approx(expected[name], abs=1e-5) for name in gan.loss_names}
        for found, array in zip(gan.generator.get_weights(), generator, strict=True):
            np.testing.assert_allclose(found, array, atol=2e-5)
        for found, array in zip(gan.discriminator.get_weights(), critic, strict=True):
            np.testing.assert_allclose(found, array, atol=2e-5)
    if isinstance(gan, WGAN_clip):
        assert max(np.abs(array).max() for array in critic) == 1, "nothing was clipped: this test proves too little"
