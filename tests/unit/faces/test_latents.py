import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.faces.latents import MAX_SEED, latents_of_seeds, new_seed, new_seeds, seed_of_name, walk

SEEDS = st.integers(0, MAX_SEED)
#: Of the seeds 0, 1 and MAX_SEED, the first three numbers.
LATENTS_FOR_GOOD = [[-0.278875, -0.764223, 0.418926], [1.325672, 0.426811, 0.266088], [-0.130887, -0.647438, 0.265359]]


def test_latents_are_standard_normal() -> None:
    latents = latents_of_seeds(range(50_000))

    assert latents.shape == (50_000, 16)
    assert latents.dtype == np.float32
    np.testing.assert_allclose(latents.mean(axis=0), 0, atol=0.02)
    np.testing.assert_allclose(np.cov(latents.T), np.eye(16), atol=0.03)
    np.testing.assert_allclose((latents**4).mean(axis=0), 3, atol=0.2)


def test_neighbouring_seeds_are_unrelated() -> None:
    latents = latents_of_seeds(range(20_001)).astype(np.float64)
    correlation = (latents[:-1] * latents[1:]).mean(axis=0)
    np.testing.assert_allclose(correlation, 0, atol=0.03)


def test_a_seed_keeps_its_latent_for_good() -> None:
    """Permalinks and avatars live on these numbers: they must never change."""
    latents = latents_of_seeds([0, 1, MAX_SEED])
    np.testing.assert_allclose(latents[:, :3], LATENTS_FOR_GOOD, atol=1e-6)


@given(st.lists(SEEDS, min_size=1, max_size=20))
def test_a_latent_does_not_depend_on_its_company(seeds: list[int]) -> None:
    together = latents_of_seeds(seeds)
    assert np.isfinite(together).all()
    np.testing.assert_array_equal(together, np.concatenate([latents_of_seeds([seed]) for seed in seeds]))


def test_new_seeds_are_in_range_and_new() -> None:
    seeds = {new_seed() for _ in range(1_000)} | set(new_seeds(1_000))
    assert len(seeds) == 2_000
    assert all(0 <= seed <= MAX_SEED for seed in seeds)
    assert max(seeds) > MAX_SEED // 2


@given(st.text(min_size=1))
def test_a_name_has_one_seed(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return  # lone surrogates cannot come over HTTP
    assert seed_of_name(name) == seed_of_name(name)
    assert 0 <= seed_of_name(name) <= MAX_SEED


def test_a_name_keeps_its_seed_for_good() -> None:
    # the first 53 bits of SHA-256("abc") = ba7816bf 8f01cfea …
    assert seed_of_name("abc") == 0xBA7816BF8F01CFEA >> 11
    assert seed_of_name("Abc") != seed_of_name("abc")


@pytest.mark.parametrize("path", ["linear", "spherical"])
@given(start=SEEDS, end=SEEDS, steps=st.integers(2, 30))
def test_a_walk_begins_and_ends_at_its_ends(path: str, start: int, end: int, steps: int) -> None:
    a, b = latents_of_seeds([start, end])
    points = walk(a, b, steps, "linear" if path == "linear" else "spherical")

    assert points.shape == (steps, 16)
    assert np.isfinite(points).all()
    np.testing.assert_array_equal(points[0], a)
    np.testing.assert_array_equal(points[-1], b)


def test_a_linear_walk_is_straight_and_even() -> None:
    a, b = latents_of_seeds([1, 2])
    np.testing.assert_allclose(np.diff(walk(a, b, 11, "linear"), axis=0), np.tile((b - a) / 10, (10, 1)), atol=1e-6)


def test_a_spherical_walk_keeps_its_length_and_pace() -> None:
    a, b = latents_of_seeds([1, 2])
    points = walk(a, b, 11, "spherical").astype(np.float64)
    lengths = np.linalg.norm(points, axis=1)
    cosines = (points[1:] * points[:-1]).sum(axis=1) / (lengths[1:] * lengths[:-1])

    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 11), rtol=1e-6)
    np.testing.assert_allclose(cosines, cosines[0], rtol=1e-6)


@pytest.mark.parametrize("factor", [0.0, 1.0, -1.0, 2.0])
def test_a_spherical_walk_along_one_line_is_straight(factor: float) -> None:
    a = latents_of_seeds([5])[0]
    np.testing.assert_allclose(walk(a, a * np.float32(factor), 3, "spherical")[1], a * (1 + factor) / 2, atol=1e-6)
