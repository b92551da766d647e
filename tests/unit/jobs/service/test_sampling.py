import io
import itertools
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from app.jobs.service import sampling
from app.jobs.service.sampling import (
    as_csv,
    as_json,
    as_npy,
    draw_latents,
    in_units,
    losses_as_csv,
    losses_as_json,
)

LATENT_TYPES = ["normal", "uniform", "spheric"]


def sample(path: Path, latent_type: str, count: int, seed: int) -> npt.NDArray[np.float32]:
    with path.open("rb") as file:
        return sampling.sample(file, latent_type, count, seed)


def _weights(folder: Path, *widths: int) -> Path:
    random = np.random.default_rng(0)
    arrays = []
    for inputs, outputs in itertools.pairwise(widths):
        arrays += [random.standard_normal((inputs, outputs)), random.standard_normal(outputs)]
    path = folder / "generator.npz"
    np.savez(
        path, allow_pickle=False, **{f"layer_{i:03}": values.astype(np.float32) for i, values in enumerate(arrays)}
    )
    return path


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    return _weights(tmp_path, 2, 10, 10, 5)


@pytest.mark.parametrize("latent_type", LATENT_TYPES)
def test_the_seed_decides(weights: Path, latent_type: str) -> None:
    samples = sample(weights, latent_type, 300, seed=1)

    assert samples.shape == (300, 5)
    assert samples.dtype == np.float32
    assert samples.min() >= 0
    assert samples.max() <= 1
    np.testing.assert_array_equal(samples, sample(weights, latent_type, 300, seed=1))
    assert not np.array_equal(samples, sample(weights, latent_type, 300, seed=2))


def test_the_network_worked_out_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "generator.npz"
    layers = {"layer_000": [[2.0]], "layer_001": [1.0], "layer_002": [[3.0, -1000.0]], "layer_003": [0.5, 0.0]}
    np.savez(path, allow_pickle=False, **{name: np.array(values, np.float32) for name, values in layers.items()})

    latents = draw_latents("uniform", 4, 1, seed=3).astype(np.float64)
    hidden = np.tanh(2 * latents + 1)
    expected = np.concatenate([1 / (1 + np.exp(-3 * hidden - 0.5)), np.zeros((4, 1))], axis=1)

    np.testing.assert_allclose(sample(path, "uniform", 4, seed=3), expected, atol=1e-6)


def test_many_samples_are_made_in_blocks_that_do_not_show(weights: Path) -> None:
    samples = sample(weights, "normal", 10_000, seed=0)
    np.testing.assert_allclose(samples[:5_000], sample(weights, "normal", 5_000, seed=0), atol=1e-6)


def test_more_than_ten_layers_stay_in_order(tmp_path: Path) -> None:
    assert sample(_weights(tmp_path, 2, 3, 4, 5, 6, 7, 8, 9), "normal", 2, seed=0).shape == (2, 9)


@pytest.mark.parametrize("latent_type", LATENT_TYPES)
@pytest.mark.parametrize("dimensions", [1, 3])
def test_latents_are_drawn_in_blocks_that_do_not_show(
    latent_type: str, dimensions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_blocks = draw_latents(latent_type, 10_000, dimensions, seed=7)
    monkeypatch.setattr(sampling, "_BLOCK", 10_000)
    np.testing.assert_array_equal(draw_latents(latent_type, 10_000, dimensions, seed=7), in_blocks)


@pytest.mark.parametrize("latent_type", LATENT_TYPES)
def test_more_latents_begin_with_the_same_ones(latent_type: str) -> None:
    few, many = (draw_latents(latent_type, count, 3, seed=7) for count in (10, 100))
    np.testing.assert_array_equal(few, many[:10])


def test_latents_follow_their_distribution() -> None:
    normal, uniform, spheric = (draw_latents(name, 20_000, 3, seed=0) for name in LATENT_TYPES)

    np.testing.assert_allclose([normal.mean(), normal.std()], [0, 1], atol=0.02)
    assert uniform.min() >= 0
    assert uniform.max() < 1
    np.testing.assert_allclose(uniform.mean(), 0.5, atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(spheric, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(spheric.mean(axis=0), 0, atol=0.02)


def test_bad_arguments_are_named(weights: Path) -> None:
    with pytest.raises(ValueError, match=r"latent_type: expected normal, uniform or spheric, got 'cubic'"):
        sample(weights, "cubic", 1, seed=0)
    with pytest.raises(ValueError, match=r"count: expected at least 1, got 0"):
        sample(weights, "normal", 0, seed=0)
    with pytest.raises(ValueError, match="negative"):
        sample(weights, "normal", 1, seed=-1)


def test_csv_and_npy_keep_every_bit(weights: Path) -> None:
    samples = sample(weights, "normal", 5_000, seed=0)
    text = b"".join(as_csv(in_units(samples, None))).decode()

    assert text.startswith("x0,x1,x2,x3,x4\n0.")
    assert text.count("\n") == 5_001
    np.testing.assert_array_equal(np.loadtxt(io.StringIO(text), np.float32, delimiter=",", skiprows=1), samples)
    np.testing.assert_array_equal(np.load(io.BytesIO(b"".join(as_npy(samples))), allow_pickle=False), samples)


@pytest.mark.parametrize(
    "shape", [(0,), (1,), (5_000,), (70_000,), (0, 3), (1, 1), (5_000, 3), (40_000, 5), (2, 70_000)]
)
def test_json_keeps_every_number(shape: tuple[int, ...]) -> None:
    numbers = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    read = np.array(json.loads(b"".join(as_json(numbers))), np.float32)
    np.testing.assert_array_equal(read.reshape(shape), numbers)


@pytest.mark.parametrize("shape", [(1, 1), (200_000, 2), (1_000, 300), (3, 100_000)])
def test_no_piece_is_large(shape: tuple[int, int]) -> None:
    """Whatever an answer's size, it is held by the client only."""
    numbers = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for pieces in (as_csv(in_units(numbers, None)), as_json(numbers), as_npy(numbers)):
        assert max(map(len, pieces)) <= max(2**21, 20 * shape[1]), "or one row"


@pytest.mark.parametrize("steps", [0, 1, 50_000])
def test_losses_keep_every_bit(steps: int) -> None:
    losses = np.random.default_rng(0).normal(size=(steps, 3)).astype(np.float32)
    names = ("discr_loss", "gen_loss", "gp")
    read = json.loads(b"".join(losses_as_json(losses, names, 7)))
    assert read["first_step"] == 7
    assert list(read["losses"]) == list(names)
    for name, column in zip(names, losses.T, strict=True):
        np.testing.assert_array_equal(np.array(read["losses"][name], np.float32), column)

    header, *rows = b"".join(losses_as_csv(losses, names, 7)).decode().splitlines()
    assert header == "step,discr_loss,gen_loss,gp"
    table = np.array([row.split(",") for row in rows], np.float64).reshape(steps, 4)
    np.testing.assert_array_equal(table[:, 0], np.arange(8, 8 + steps))
    np.testing.assert_array_equal(table[:, 1:].astype(np.float32), losses)
