import numpy as np
import pytest
import tensorflow as tf

from models.catalogue import LATENT_TYPES
from models.latents import LatentGenerator, spheric_generator


def _moments(points: np.ndarray) -> tuple[float, float]:
    return float(points.mean()), float(points.std())


@pytest.mark.parametrize("seeded", [False, True])
@pytest.mark.parametrize("latent_type", LATENT_TYPES)
def test_distribution(latent_type: str, seeded: bool) -> None:
    tf.random.set_seed(1)
    generator = LatentGenerator(latent_type, 5)
    drawn = generator.seeded(20_000, tf.constant([3, 4], tf.int64)) if seeded else generator(20_000)
    points = drawn.numpy()

    assert points.shape == (20_000, 5)
    assert points.dtype == np.float32
    expected = {"normal": (0.0, 1.0), "uniform": (0.5, 12**-0.5), "spheric": (0.0, 5**-0.5)}[latent_type]
    assert _moments(points) == pytest.approx(expected, abs=0.01)
    if latent_type == "spheric":
        np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-5)


def test_points_on_the_sphere() -> None:
    np.testing.assert_allclose(np.linalg.norm(spheric_generator(100, 3).numpy(), axis=1), 1, atol=1e-5)


def test_seeded_latents_depend_on_the_seed_alone() -> None:
    generator = LatentGenerator("normal", 4)
    one, again, other = (generator.seeded(3, tf.constant([1, step], tf.int64)).numpy() for step in (0, 0, 1))

    np.testing.assert_array_equal(one, again)
    assert (one != other).all()
