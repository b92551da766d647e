"""The views in a snapshot, on networks of every size, against what they say they are."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from app.config import Settings
from app.jobs.files import JobFiles
from app.jobs.limits import specify
from app.jobs.scaling import ColumnTransform
from app.jobs.specification import JobRequest, Specification, StoredData
from app.jobs.trainer.dense import layers_of, pull
from app.jobs.trainer.snapshots import SnapshotWriter
from app.jobs.trainer.views import ARROWS, LINE, SIDE, Views, manifold_coordinates, plane
from models.catalogue import CLASS_NAMES, GanName, LatentType
from models.gan import GAN
from models.latents import LatentGenerator
from models.toys.building import build

Singles = npt.NDArray[np.float32]

BOTH = ("manifold", "gradient")
TYPES: tuple[LatentType, ...] = get_args(LatentType)
#: Kilograms, seconds since 1970, a constant, lengths of atoms.
OWN = ColumnTransform(scale=(70.0, 9e4, 0.0, 2e-9), offset=(40.0, 1.7e9, 3.0, -1e-9))


def _specification(dimensions: int, latent: int = 2, **body: Any) -> Specification:
    request = {"model": "wgan_gp", "gen_shape": [latent, 12, 10, dimensions], "batch_size": 50, "views": BOTH} | body
    return specify(JobRequest.model_validate(request), StoredData(rows=300, dimensions=dimensions), Settings())


def _gan(specification: Specification, seed: int = 0) -> GAN:
    """Build a GAN whose untrained networks are not nearly linear."""
    real = np.random.default_rng(0).random((300, specification.dimensions)).astype(np.float32)
    gan = build(specification.settings, real, seed)
    for network in (gan.generator, gan.discriminator):
        network.set_weights([2 * weights for weights in network.get_weights()])
    return gan


def _latents(specification: Specification) -> tf.Tensor:
    latent_generator = LatentGenerator(specification.latent_type, specification.gen_shape[0])
    return latent_generator.seeded(2_500, tf.constant([0, 0x5A], tf.int64))


def _views(specification: Specification, gan: GAN, transform: ColumnTransform | None = None) -> dict[str, Any]:
    latents = _latents(specification)
    views = Views(specification, transform, latents, min(5, specification.dimensions))
    found = views.of(
        layers_of(gan.generator),
        layers_of(gan.discriminator),
        gan.generator_loss,
        gan.generator(latents).numpy(),
    )
    decoded: dict[str, Any] = json.loads(json.dumps(found, allow_nan=False))
    return decoded


def _points(manifold: dict[str, Any]) -> npt.NDArray[np.float64]:
    points: npt.NDArray[np.float64] = np.array(manifold["points"]) * manifold["scale"] + manifold["offset"]
    return points


def _vectors(gradient: dict[str, Any]) -> npt.NDArray[np.float64]:
    vectors: npt.NDArray[np.float64] = np.array(gradient["vectors"]) * gradient["scale"]
    return vectors


# the manifold


@pytest.mark.parametrize("latent", [1, 2, 3, 49])
@pytest.mark.parametrize("latent_type", TYPES)
def test_a_manifold_is_a_line_or_a_grid_of_what_the_generator_makes(latent_type: LatentType, latent: int) -> None:
    specification = _specification(2, latent, latent_type=latent_type)
    gan = _gan(specification)
    shown = _points(_views(specification, gan)["manifold"])
    if latent_type == "spheric":
        assert shown.shape == (1, LINE if latent > 1 else 2, 2)
    else:
        assert shown.shape == ((1, LINE, 2) if latent == 1 else (SIDE, SIDE, 2))
    assert (shown > 0).all()
    assert (shown < 1).all()
    # Each point is near one of the generator's own: in 49 dimensions no latent vector of a draw is near the plane.
    if latent <= 3:
        made = gan.generator(LatentGenerator(latent_type, latent)(20_000)).numpy()
        distances = [np.linalg.norm(made - point, axis=1).min() for point in shown.reshape(-1, 2)[::7]]
        assert max(distances) < 0.03
    if latent_type == "spheric" and latent > 1:
        np.testing.assert_array_equal(shown[0, 0], shown[0, -1])  # closed


@pytest.mark.parametrize("dimensions", [1, 2, 5, 49])
def test_the_first_five_coordinates_are_shown(dimensions: int) -> None:
    specification = _specification(dimensions)
    gan = _gan(specification)
    views = _views(specification, gan)
    shown = min(5, dimensions)
    latents = manifold_coordinates("normal", 2).reshape(-1, 2).astype(np.float32)
    expected = gan.generator(latents).numpy()[:, :shown].reshape(SIDE, SIDE, shown)
    np.testing.assert_allclose(_points(views["manifold"]), expected, rtol=0, atol=0.00051)
    assert np.array(views["gradient"]["vectors"]).shape == (ARROWS, shown)
    points = gan.generator(_latents(specification)).numpy()[:ARROWS]
    pulls = pull(layers_of(gan.discriminator), gan.generator_loss, points)[:, :shown]
    np.testing.assert_allclose(_vectors(views["gradient"]), pulls, rtol=0, atol=0.00051 * np.abs(pulls).max())


@pytest.mark.parametrize("latent_type", ["normal", "uniform"])
def test_neighbours_have_the_same_probability_between_them(latent_type: LatentType) -> None:
    drawn = LatentGenerator(latent_type, 2).seeded(100_000, tf.constant([1, 2])).numpy()
    grid = manifold_coordinates(latent_type, 2)
    np.testing.assert_array_equal(grid[3, :, 0], grid[0, :, 0])
    np.testing.assert_array_equal(grid[:, 3, 1], grid[:, 0, 1])
    counts = np.histogram2d(drawn[:, 1], drawn[:, 0], [grid[:, 0, 1], grid[0, :, 0]])[0]
    np.testing.assert_allclose(counts / 100_000, 1 / SIDE**2, atol=0.0008)  # five standard deviations
    line = manifold_coordinates(latent_type, 1).ravel()
    np.testing.assert_allclose(np.histogram(drawn[:, 0], line)[0] / 100_000, 1 / LINE, atol=0.0011)


@pytest.mark.parametrize("latent_type", TYPES)
def test_the_plane_is_that_of_the_directions_that_count(latent_type: LatentType) -> None:
    """Of 49 latent numbers, only the 8th and the 31st move the point."""
    latents = LatentGenerator(latent_type, 49).seeded(2_500, tf.constant([1, 2])).numpy()
    x, y = np.tanh(latents[:, 7]), 0.2 * latents[:, 30] + 0.1 * latents[:, 7]
    directions = plane(latents, np.column_stack([x, y]).astype(np.float32))
    np.testing.assert_allclose(directions.T @ directions, np.eye(2), atol=1e-6)
    assert (np.linalg.norm(directions[[7, 30]], axis=0) > 0.9).all()  # what is missing is the draw's chance
    assert directions[7, 0] > 0.9, "along a row, the first coordinate grows"
    assert directions[30, 1] > 0.9


def test_the_plane_turns_little_when_the_networks_change_little() -> None:
    specification = _specification(49, 49, gen_shape=[49, 98, 98, 49])
    latents = _latents(specification).numpy()
    gan, random, seen = _gan(specification), np.random.default_rng(0), []
    for _ in range(6):
        seen.append(plane(latents, gan.generator(latents).numpy()))
        weights = gan.generator.get_weights()
        gan.generator.set_weights([w + random.normal(0, 0.05 * w.std(), w.shape) for w in weights])
    for before, after in pairwise(seen):
        assert (np.sum(before * after, axis=0) > 0.95).all()


@pytest.mark.parametrize("coordinates", [1, 2, 5])
def test_a_generator_that_does_not_move_has_a_plane(coordinates: int) -> None:
    latents = np.random.default_rng(0).standard_normal((500, 4)).astype(np.float32)
    for point in (0.3, np.nan):
        directions = plane(latents, np.full((500, coordinates), point, np.float32))
        np.testing.assert_allclose(directions, np.eye(4, 2), atol=1e-6)


def test_of_one_coordinate_the_second_direction_is_steady() -> None:
    latents = np.random.default_rng(0).standard_normal((5_000, 4)).astype(np.float32)
    for tilt in (-0.01, 0.0, 0.01):
        directions = plane(latents, latents @ np.array([[0.5], [0.2], [tilt], [0.0]], np.float32))
        np.testing.assert_allclose(directions[:, 1], [-0.37, 0.93, 0, 0], atol=0.05)


# the gradient


@pytest.mark.parametrize("model", CLASS_NAMES)
def test_arrows_point_to_higher_scores(model: GanName) -> None:
    specification = _specification(2, model=model)
    gan = _gan(specification)
    points = gan.generator(_latents(specification)).numpy()[:ARROWS]
    vectors = _vectors(_views(specification, gan)["gradient"])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    assert lengths.min() > 0
    ahead = (points + 0.01 * vectors / lengths).astype(np.float32)
    assert (gan.discriminator(ahead).numpy() > gan.discriminator(points).numpy()).all()


@pytest.mark.parametrize(("model", "end"), [("simple_gan", -30.0), ("wgan_clip", 30.0), ("wgan_gp", -30.0)])
def test_a_saturated_critic_pulls_nowhere(model: GanName, end: float) -> None:
    specification = _specification(5, model=model)
    gan = _gan(specification)
    *weights, bias = gan.discriminator.get_weights()
    gan.discriminator.set_weights([*weights, bias + end])
    gradient = _views(specification, gan)["gradient"]
    assert np.array(gradient["vectors"]).tolist() == [[0] * 5] * ARROWS
    assert gradient["scale"] == [0] * 5


# units, numbers that are none, sizes


def test_own_units() -> None:
    """Arrows are steps of points: drawn in the units of the data they look as in those of the networks."""
    specification = _specification(4)
    gan = _gan(specification)
    plain, own = _views(specification, gan), _views(specification, gan, OWN)
    np.testing.assert_allclose(_points(own["manifold"]), OWN.to_values(_points(plain["manifold"])), rtol=1e-12)
    assert own["gradient"]["vectors"] == plain["gradient"]["vectors"]
    np.testing.assert_allclose(own["gradient"]["scale"], np.multiply(plain["gradient"]["scale"], OWN.scale), rtol=1e-5)


def test_the_largest_units_remain_numbers() -> None:
    specification = _specification(1, critic_activation="linear")
    gan = _gan(specification)
    gan.discriminator.set_weights([1e4 * weights for weights in gan.discriminator.get_weights()])
    views = _views(specification, gan, ColumnTransform(scale=(1.7e308,), offset=(0.0,)))
    assert np.isfinite(_points(views["manifold"])).all()
    assert np.isfinite(views["gradient"]["scale"]).all()


@pytest.mark.parametrize("latent", [1, 2, 49])
def test_what_is_no_number_is_null(latent: int) -> None:
    specification = _specification(2, latent)
    gan = _gan(specification)
    for network in (gan.generator, gan.discriminator):
        network.layers[1].kernel.assign(np.full(network.layers[1].kernel.shape, np.nan))
    views = _views(specification, gan)
    assert set(np.ravel(views["manifold"]["points"])) == {None}
    assert set(np.ravel(views["gradient"]["vectors"])) == {None}


def test_only_what_is_asked_for_and_the_same_from_a_new_process() -> None:
    whole = _specification(5, 49)
    gan = _gan(whole)
    views = _views(whole, gan)
    assert views == _views(whole, gan)
    for name in BOTH:
        assert _views(_specification(5, 49, views=[name]), gan) == {name: views[name]}
    assert _views(_specification(5, 49, views=[]), gan) == {}


@pytest.mark.parametrize("data", ["circle", "four_clouds", "corner_cloud"])
def test_the_exercise_s_snapshots_grow_by_less_than_half(data: str, tmp_path: Path) -> None:
    sizes = []
    for views in ((), BOTH):
        request = JobRequest.model_validate({"model": "wgan_gp", "data": {"name": data}, "views": views})
        specification = specify(request, None, Settings())
        files = JobFiles(tmp_path, f"{len(views):016}")
        files.make()
        gan = _gan_of_toys(specification)
        SnapshotWriter(specification, files, gan.real_examples.numpy()).take(gan)()
        sizes.append(files.snapshot(0).stat().st_size)
    assert sizes[0] < sizes[1] < 1.5 * sizes[0]


def _gan_of_toys(specification: Specification) -> GAN:
    keras.utils.set_random_seed(0)
    real = np.random.default_rng(0).random((300, specification.dimensions)).astype(np.float32)
    return build(specification.settings, real, 0)
