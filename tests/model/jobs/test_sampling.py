"""Holds the sampling in numpy to the Keras generator."""

from pathlib import Path

import numpy as np
import pytest

from app.jobs.service.sampling import draw_latents, sample
from app.jobs.specification import Specification, ToyData
from app.jobs.trainer.session import export
from models.toys.building import build
from models.toys.datasets import make


@pytest.mark.parametrize(
    ("name", "gen_shape", "latent_type"),
    [
        ("circle", (1, 10, 10, 2), "uniform"),
        ("four_clouds", (2, 10, 10, 5), "normal"),
        ("corner_cloud", (49, 98, 98, 49), "spheric"),
    ],
)
def test_samples_are_those_of_the_keras_generator(
    tmp_path: Path, name: str, gen_shape: tuple[int, ...], latent_type: str
) -> None:
    specification = Specification.model_validate(
        {"model": "wgan_gp", "data": ToyData(name=name), "gen_shape": gen_shape, "latent_type": latent_type, "seed": 3}
    )
    gan = build(specification.settings, make(name, 1_000, seed=3), 3)
    random = np.random.default_rng(0)
    gan.generator.set_weights([random.normal(0, 0.2, weights.shape) for weights in gan.generator.get_weights()])
    export(gan, specification, tmp_path)

    with (tmp_path / "generator.npz").open("rb") as file:
        samples = sample(file, latent_type, 1_000, seed=5)

    expected = gan.generator(draw_latents(latent_type, 1_000, gen_shape[0], seed=5), training=False).numpy()
    np.testing.assert_allclose(samples, expected, rtol=0, atol=1e-6)
