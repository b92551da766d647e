import math
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from models.latents import LatentGenerator
from models.training.draws import Draws, GlobalRandomness, PreparedRandomness, draw_latents, draw_normal, draw_subsets

Draw = Callable[[int, int, int], np.ndarray]

POPULATIONS = [(5, 5), (10, 3), (30, 3), (9, 2), (4, 1), (5, 1), (1_000, 200), (1_000_000, 200)]


def _globally(population: int, size: int, count: int) -> np.ndarray:
    everyone = tf.range(population)

    @tf.function
    def draw() -> tf.Tensor:
        return tf.map_fn(lambda _: GlobalRandomness().examples(everyone, size), tf.range(count))

    tf.random.set_seed(0)
    return np.asarray(draw())


def _beforehand(population: int, size: int, count: int) -> np.ndarray:
    return draw_subsets(np.random.default_rng(0), population, size, count)


@pytest.mark.parametrize("draw", [_globally, _beforehand])
@pytest.mark.parametrize(("population", "size"), POPULATIONS)
def test_a_subset_has_distinct_members(draw: Draw, population: int, size: int) -> None:
    subsets = draw(population, size, 20)
    assert subsets.shape == (20, size)
    assert all(len(set(subset)) == size for subset in subsets)
    assert subsets.min() >= 0
    assert subsets.max() < population


@pytest.mark.parametrize("draw", [_globally, _beforehand])
@pytest.mark.parametrize("population", [8, 9])  # each has its own way of drawing pairs
def test_every_subset_is_equally_likely(draw: Draw, population: int) -> None:
    """Chi-squared over the ordered pairs, where the draws with replacement collide often."""
    pairs = draw(population, 2, 7_200)
    counts = np.bincount(pairs[:, 0] * population + pairs[:, 1], minlength=population**2)
    counts = counts.reshape(population, population)
    off_diagonal = counts[~np.eye(population, dtype=bool)]
    expected = len(pairs) / len(off_diagonal)
    freedom = len(off_diagonal) - 1

    assert np.trace(counts) == 0
    assert ((off_diagonal - expected) ** 2 / expected).sum() < freedom + 4 * (2 * freedom) ** 0.5


@pytest.mark.parametrize("count", [200_000, 199_999])
def test_normal_numbers_are_normal(count: int) -> None:
    """Kolmogorov and Smirnov, with the distribution function of the normal distribution."""
    numbers = np.sort(draw_normal(np.random.default_rng(0), (count,)))
    assert numbers.dtype == np.float32
    exact = np.array([(1 + math.erf(x / math.sqrt(2))) / 2 for x in numbers])
    assert np.abs(exact - np.arange(count) / count).max() < 1.95 / math.sqrt(count)
    assert np.abs(numbers).max() > 4


def test_the_halves_of_the_normal_numbers_are_independent() -> None:
    first, second = draw_normal(np.random.default_rng(0), (2, 100_000))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.01
    assert abs(np.corrcoef(first**2, second**2)[0, 1]) < 0.01


@pytest.mark.parametrize(
    ("latent_type", "mean", "variance"), [("normal", 0.0, 1.0), ("uniform", 0.5, 1 / 12), ("spheric", 0.0, 1 / 3)]
)
def test_latents_of_each_type(latent_type: str, mean: float, variance: float) -> None:
    latents = draw_latents(np.random.default_rng(0), LatentGenerator(latent_type, 3), 50_000)
    assert latents.shape == (50_000, 3)
    assert latents.dtype == np.float32
    np.testing.assert_allclose(latents.mean(axis=0), mean, atol=0.02)
    np.testing.assert_allclose(latents.var(axis=0), variance, atol=0.02)
    if latent_type == "spheric":
        np.testing.assert_allclose(np.linalg.norm(latents, axis=1), 1, atol=1e-4)


def _draws() -> Draws:
    return Draws(tf.reshape(tf.range(4.0), (2, 2)), tf.zeros((3, 2, 1)), tf.constant([[0.25, 0.5], [0.75, 1.0]]))


def test_prepared_draws_come_in_order() -> None:
    randomness = PreparedRandomness(_draws())
    assert [randomness.examples(tf.zeros((9, 1)), 2).numpy().tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    assert [randomness.uniform((2, 1)).numpy().tolist() for _ in range(2)] == [[[0.25], [0.5]], [[0.75], [1]]]


def test_prepared_draws_come_to_an_end() -> None:
    randomness = PreparedRandomness(_draws())
    for _ in range(3):
        randomness.latents(lambda k: tf.ones((k, 1)), 2)
    with pytest.raises(RuntimeError, match=r"expected a step to draw .* got a step that draws more"):
        randomness.latents(lambda k: tf.ones((k, 1)), 2)
