"""The generator as it is served, held to the Keras model that it was made from."""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest

from app import ROOT
from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from app.faces.numpy_generator import GeneratorNetwork
from models import convolutional_GenDiscr
from models.files.normalization import SYMMETRIC
from models.files.weights import read_weights


def _untrained() -> keras.Model:
    """Return a generator in which every weight matters, those of the batch normalisation too."""
    keras.utils.set_random_seed(0)
    network, _ = convolutional_GenDiscr()
    rng = np.random.default_rng(0)
    network.set_weights([values + rng.uniform(0.0, 0.3, values.shape) for values in network.get_weights()])
    return network


def _from(path: Path) -> keras.Model:
    network, _ = convolutional_GenDiscr()
    network.set_weights(read_weights(path, network))
    return network


def _levels(outputs: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return grey levels, 0 … 255, before they are rounded."""
    return np.asarray(outputs, np.float32).reshape(-1, 16, 16) * np.float32(127.5) + np.float32(127.5)


@pytest.mark.parametrize("kind", ["shipped", "the exercise's", "untrained"])
def test_it_draws_what_keras_draws(kind: str, request: pytest.FixtureRequest) -> None:
    if kind == "untrained":
        network = _untrained()
    else:
        folder = ROOT / "weights" if kind == "shipped" else request.getfixturevalue("shared") / "reference"
        network = _from(folder / "generator.h5")
    latents = latents_of_seeds(range(4_000))
    ours = _levels(GeneratorNetwork(network.get_weights())(latents))
    keras_s = _levels(network(latents, training=False))

    assert np.abs(ours - keras_s).max() < 0.5, "differs by half a grey level or more"
    assert (np.rint(ours) != np.rint(keras_s)).mean() <= 1e-4, "too many pixels are rounded otherwise"


def test_the_served_pixels_are_those_of_keras() -> None:
    latents = latents_of_seeds(range(1_000))
    expected = SYMMETRIC.to_grey(_from(ROOT / "weights" / "generator.h5")(latents, training=False)).astype(int)
    difference = np.abs(FaceGenerator(ROOT / "weights")(latents) - expected)

    assert difference.max() <= 1
    assert (difference > 0).mean() <= 1e-4


def test_a_face_is_the_same_bits_in_any_company() -> None:
    network = GeneratorNetwork(read_weights(ROOT / "weights" / "generator.h5", convolutional_GenDiscr()[0]))
    latents = latents_of_seeds(range(300))
    together = network(latents)
    rng = np.random.default_rng(0)

    for count in (1, 2, 7, 16, 31, 33, 100, 299):
        chosen = rng.permutation(300)[:count]
        np.testing.assert_array_equal(network(latents[chosen]), together[chosen])


def test_places_that_are_not_alike_make_the_tile_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = read_weights(ROOT / "weights" / "generator.h5", convolutional_GenDiscr()[0])
    run = GeneratorNetwork._run

    def run_with_odd_places(self: GeneratorNetwork, latents: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        outputs = run(self, latents)
        outputs[:, :, 4:] += 1e-6
        return outputs

    monkeypatch.setattr(GeneratorNetwork, "_run", run_with_odd_places)
    assert GeneratorNetwork(weights).tile == 4
