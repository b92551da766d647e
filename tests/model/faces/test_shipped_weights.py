"""The weights that are served by default: whole, as described, and better than the exercise's own."""

import hashlib
import json
from pathlib import Path

import numpy as np

from app import ROOT
from app.cli.evaluation import choose_faces
from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from models import convolutional_GenDiscr
from models.faces.loading import load_faces
from models.faces.metrics import frechet_distance, precision_recall_density_coverage
from models.files.weights import read_metadata, read_weights

WEIGHTS = ROOT / "weights"


def test_both_files_fit_the_exercise_s_networks() -> None:
    for network, file in zip(convolutional_GenDiscr(), ("generator.h5", "discriminator.h5"), strict=True):
        assert len(read_weights(WEIGHTS / file, network)) == len(network.weights)
        metadata = read_metadata(WEIGHTS / file)
        assert metadata is not None
        assert metadata["pixel_transform"]["name"] == "symmetric"
        assert metadata["training"]["holdout"] == 1_000


def test_the_quality_is_that_of_these_very_weights() -> None:
    quality = json.loads((WEIGHTS / "quality.json").read_text())

    assert quality["generator_sha256"] == hashlib.sha256((WEIGHTS / "generator.h5").read_bytes()).hexdigest()
    card = (WEIGHTS / "README.md").read_text()
    for name in ("frechet", "sliced_wasserstein", "kid", "precision", "recall", "coverage", "two_sample_accuracy"):
        quoted = f"{quality['metrics'][name]:.4f} ± {quality['spread'][name]:.4f}"
        assert quoted in card, f"the model card does not quote {name}"
        assert f"{quality['floor'][name]:.4f} |" in card, f"the model card does not quote the floor's {name}"


def test_faces_differ_and_use_the_whole_range() -> None:
    faces = FaceGenerator(WEIGHTS)(latents_of_seeds(range(500)))

    assert len({face.tobytes() for face in faces}) == 500
    assert faces.min() == 0
    assert faces.max() == 255
    assert faces.std(axis=0).min() > 20, "every pixel should vary from face to face"


def test_they_beat_the_exercise_s_on_faces_that_neither_saw_in_training(shared: Path) -> None:
    ours, theirs = FaceGenerator(WEIGHTS), FaceGenerator(shared / "reference")
    real = choose_faces(load_faces(shared / "faces" / "faces_16x16_train.npy"), trained=ours).real
    latents = latents_of_seeds(range(2_000))
    quality = json.loads((WEIGHTS / "quality.json").read_text())["metrics"]
    distances = [frechet_distance(real, generator(latents)) for generator in (ours, theirs)]
    recalls = [precision_recall_density_coverage(real, generator(latents)).recall for generator in (ours, theirs)]

    assert distances[0] < 0.5 * distances[1]
    assert recalls[0] > recalls[1] + 0.15
    assert np.isclose(distances[0], quality["frechet"], rtol=0.05), "quality.json should say what is measured here"
