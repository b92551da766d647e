import numpy as np
import pytest
import tensorflow as tf

from models.randomness import GlobalRandomness, Randomness, SeededRandomness


def _sources() -> list[Randomness]:
    tf.random.set_seed(0)
    return [GlobalRandomness(), SeededRandomness(tf.constant(5, tf.int64), tf.constant(0, tf.int64))]


@pytest.mark.parametrize("source", [0, 1])
@pytest.mark.parametrize(("population", "size"), [(5, 5), (10, 3), (30, 3), (9, 2), (1_000, 200)])
def test_a_subset_has_distinct_members(source: int, population: int, size: int) -> None:
    for _ in range(20):
        subset = _sources()[source].subset(population, size).numpy()
        assert subset.shape == (size,)
        assert len(set(subset)) == size
        assert subset.min() >= 0
        assert subset.max() < population


@pytest.mark.parametrize("source", [0, 1])
def test_every_subset_is_equally_likely(source: int) -> None:
    """Chi-squared over the 36 ordered pairs of 9, where the draws with replacement collide often."""
    randomness = _sources()[source]
    draw = tf.function(lambda: tf.stack([randomness.subset(9, 2) for _ in range(60)]))
    if source:

        @tf.function
        def draw_at(step: tf.Tensor) -> tf.Tensor:
            seeded = SeededRandomness(tf.constant(5, tf.int64), step)
            return tf.stack([seeded.subset(9, 2) for _ in range(60)])

        pairs = np.concatenate([draw_at(tf.constant(i, tf.int64)).numpy() for i in range(120)])
    else:
        pairs = np.concatenate([draw().numpy() for _ in range(120)])
    counts = np.bincount(pairs[:, 0] * 9 + pairs[:, 1], minlength=81).reshape(9, 9)
    off_diagonal = counts[~np.eye(9, dtype=bool)]
    expected = len(pairs) / 72

    assert np.trace(counts) == 0
    chi_squared = ((off_diagonal - expected) ** 2 / expected).sum()
    assert chi_squared < 71 + 4 * (2 * 71) ** 0.5


def test_seeded_draws_repeat_and_differ() -> None:
    def draws(seed: int, step: int) -> list[np.ndarray]:
        source = SeededRandomness(tf.constant(seed, tf.int64), tf.constant(step, tf.int64))
        return [source.subset(1_000, 5).numpy(), source.uniform((5,)).numpy(), source.uniform((5,)).numpy()]

    first, again, later, other = draws(1, 0), draws(1, 0), draws(1, 1), draws(2, 0)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
    for different in (later, other):
        assert all((one != two).any() for one, two in zip(first, different, strict=True))
    assert (first[1] != first[2]).all()
