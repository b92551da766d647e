"""Calls of dense networks without Keras, against Keras and against differences."""

import numpy as np
import numpy.typing as npt
import pytest

from app.jobs.trainer.dense import layers_of, outputs, pull
from models import train
from models.catalogue import GanName
from models.gan import GAN
from models.presets import CriticActivation, ToySettings
from models.toys.building import build

Singles = npt.NDArray[np.float32]


def _gan(model: GanName, dimensions: int, activation: CriticActivation = "tanh") -> GAN:
    """Build a GAN whose discriminator is not nearly linear."""
    settings = ToySettings(
        model=model, gen_shape=(3, 12, 10, dimensions), epochs=1, batch_size=50, critic_activation=activation
    )
    gan = build(settings, np.random.default_rng(0).random((50, dimensions)).astype(np.float32), 0)
    gan.discriminator.set_weights([2 * weights for weights in gan.discriminator.get_weights()])
    return gan


@pytest.mark.parametrize("activation", ["tanh", "linear"])
def test_outputs_are_keras_s_bit_for_bit(activation: CriticActivation) -> None:
    gan, random = _gan("wgan_gp", 5, activation), np.random.default_rng(1)
    latents, points = (random.standard_normal((count, size), np.float32) for count, size in ((2_500, 3), (1_900, 5)))
    np.testing.assert_array_equal(outputs(layers_of(gan.generator), latents), gan.generator(latents, training=False))
    np.testing.assert_array_equal(
        outputs(layers_of(gan.discriminator), points), gan.discriminator(points, training=False)
    )


@pytest.mark.parametrize(
    ("model", "dimensions", "activation"),
    [("simple_gan", 1, "tanh"), ("simple_gan", 5, "linear"), ("wgan_clip", 2, "tanh"), ("wgan_gp", 5, "linear")],
)
def test_the_gradient_is_the_finite_difference_of_one_point_s_loss(
    model: GanName, dimensions: int, activation: CriticActivation
) -> None:
    gan = _gan(model, dimensions, activation)
    points = np.random.default_rng(1).random((20, dimensions)).astype(np.float32)
    step = 3e-3

    def loss(places: Singles) -> Singles:
        scores = gan.discriminator(places)
        return np.array([gan.generator_loss(scores[i : i + 1]) for i in range(len(places))])

    expected = [
        (loss(points - side) - loss(points + side)) / (2 * step) for side in step * np.eye(dimensions, dtype=np.float32)
    ]
    layers = layers_of(gan.discriminator)
    found = pull(layers, gan.generator_loss, points)
    assert np.abs(found).max() > 0.05
    np.testing.assert_allclose(found, np.stack(expected, axis=1), rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(pull(layers, gan.generator_loss, points[:1]), found[:1], rtol=1e-5)  # of however many


def test_layers_stay_as_they_were() -> None:
    gan = _gan("wgan_gp", 2)
    layers, points = layers_of(gan.discriminator), np.random.default_rng(1).random((20, 2), np.float32)
    before = outputs(layers, points)
    train(gan, 3)
    assert (outputs(layers_of(gan.discriminator), points) != before).any()
    np.testing.assert_array_equal(outputs(layers, points), before)
