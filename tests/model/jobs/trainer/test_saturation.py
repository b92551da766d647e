"""Is the discriminator at the end of its tanh? On networks for which the answer is known."""

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from app.jobs.trainer.saturation import LearningCheck
from models import WGAN_GP, Simple_GAN, WGAN_clip, fully_connected_GenDiscr
from models.gan import GAN

Singles = npt.NDArray[np.float32]

GANS: list[type[GAN]] = [Simple_GAN, WGAN_clip, WGAN_GP]
REAL = np.random.default_rng(0).uniform(0.2, 0.8, (300, 2)).astype(np.float32)


def _gan(kind: type[GAN], slope: float = 0.0, bias: float = 0.0) -> GAN:
    """Build a GAN whose discriminator scores ``tanh(slope · (x − 0.5) + bias)``, x being the first coordinate."""
    keras.utils.set_random_seed(1)
    generator, _, latent_generator = fully_connected_GenDiscr([1, 10, 10, 2])
    discriminator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="tanh")])
    discriminator.set_weights([np.array([[slope], [0.0]]), np.array([bias - 0.5 * slope])])
    functional = keras.Model(discriminator.inputs[0], discriminator.outputs[0])
    return kind(generator, functional, latent_generator, REAL, 100)


def _warnings(gan: GAN, generated: Singles) -> dict[str, str]:
    check = LearningCheck(gan.real_examples)
    return check.warnings(gan, generated, gan.discriminator(check.points(generated)).numpy())


def _generated(gan: GAN) -> Singles:
    points: Singles = gan.get_fake_sample(300).numpy()
    return points


@pytest.mark.parametrize("end", [-20.0, 20.0])
@pytest.mark.parametrize("kind", GANS)
def test_all_scores_at_one_end(kind: type[GAN], end: float) -> None:
    gan = _gan(kind, bias=end)
    assert set(_warnings(gan, _generated(gan))) == {"discriminator_saturated"}


@pytest.mark.parametrize("kind", [Simple_GAN, WGAN_clip])
def test_real_at_one_end_and_generated_at_the_other(kind: type[GAN]) -> None:
    gan = _gan(kind, slope=1e6, bias=-4e5)  # the step is at x = 0.9
    generated = np.random.default_rng(1).uniform(0.95, 1, (300, 2)).astype(np.float32)
    assert set(_warnings(gan, generated)) == {"discriminator_saturated"}


def test_a_penalty_between_the_ends_goes_on_teaching_the_critic() -> None:
    """Real and generated points are at the ends, but the points between them, where the penalty looks, are not."""
    gan = _gan(WGAN_GP, slope=400, bias=-160)
    generated = np.random.default_rng(1).uniform(0.95, 1, (300, 2)).astype(np.float32)
    scores = gan.discriminator(tf.concat([gan.real_examples, generated], axis=0)).numpy()
    assert (np.abs(scores) > 0.99999).all()
    assert _warnings(gan, generated) == {}


@pytest.mark.parametrize("bias", [0.0, 1.0, -3.0, 4.0, -5.5, 6.5])
@pytest.mark.parametrize("kind", GANS)
def test_near_the_end_there_is_something_left_to_learn_from(kind: type[GAN], bias: float) -> None:
    gan = _gan(kind, slope=0.5, bias=bias)
    assert _warnings(gan, _generated(gan)) == {}


@pytest.mark.parametrize("kind", GANS)
def test_one_point_away_from_the_end_is_enough(kind: type[GAN]) -> None:
    gan = _gan(kind, slope=400, bias=-140)  # the step is at x = 0.85
    generated = np.full((300, 2), 0.2, np.float32) + np.linspace(0, 0.1, 300, dtype=np.float32)[:, np.newaxis]
    generated[7] = 0.85
    assert "discriminator_saturated" not in _warnings(gan, generated)


def test_a_generator_of_one_point_is_told_unless_the_data_are_one_point() -> None:
    gan = _gan(Simple_GAN, slope=1)
    point = np.full((300, 2), 0.4, np.float32)
    assert set(_warnings(gan, point)) == {"generator_constant"}
    nearly = point + np.random.default_rng(0).normal(0, 1e-5, point.shape).astype(np.float32)
    assert set(_warnings(gan, nearly)) == {"generator_constant"}
    apart = point.copy()
    apart[::2] = 0.6
    assert _warnings(gan, apart) == {}
    gan.real_examples = tf.constant(point)
    assert _warnings(gan, point) == {}


def test_it_leaves_the_training_alone() -> None:
    gan = _gan(WGAN_GP, bias=20)
    before = {name: value.numpy() for name, value in gan.state.items()}
    _warnings(gan, _generated(gan))
    for name, value in gan.state.items():
        np.testing.assert_array_equal(value.numpy(), before[name])
