import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models import convolutional_GenDiscr
from models.faces import training as face_training
from models.faces.face_gan import FaceGAN
from models.faces.loading import faces_sha256, split_holdout
from models.faces.training import FaceTrainingSettings, averaged_generator, build_face_gan, train_faces
from models.files.weights import read_metadata, read_weights

FACES = np.random.default_rng(0).integers(0, 256, (60, 16, 16), dtype=np.uint8)
SETTINGS = FaceTrainingSettings(steps=3, batch_size=8, disc_iter=2, holdout=20, seed=3)
ONE_STEP = replace(SETTINGS, steps=1, disc_iter=1)


@pytest.fixture(scope="module", autouse=True)
def _short_runs() -> Iterator[None]:
    """Take the few steps at once: compiling them would take longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FaceGAN, "run_eagerly", True)
        patch.setattr(face_training, "STATISTICS_BATCHES", 2)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, _short_runs: None) -> Path:
    """Return the folder of a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    exports: list[int] = []
    done = train_faces(
        FACES, folder, SETTINGS, checkpoint_steps=2, on_export=lambda step, generator: exports.append(step)
    )
    assert (done, exports) == (3, [2, 3])
    return folder


# the development set


def test_the_holdout_is_kept_out() -> None:
    training, development = split_holdout(FACES, 20, 3)
    again, _ = split_holdout(FACES, 20, 3)

    assert (len(training), len(development)) == (40, 20)
    np.testing.assert_array_equal(training, again)
    together = {face.tobytes() for face in np.concatenate([training, development])}
    assert together == {face.tobytes() for face in FACES}


# the GAN


def test_mirror_images_among_the_real_faces() -> None:
    assert len(build_face_gan(FACES, SETTINGS).real_examples) == 60
    assert len(build_face_gan(FACES, replace(SETTINGS, augment="mirror")).real_examples) == 120


def test_an_augmentation_that_is_none() -> None:
    with pytest.raises(ValueError, match="augment: expected disturb or mirror, got 'flip'"):
        build_face_gan(FACES, replace(SETTINGS, augment="flip"))


# runs


def _weights(folder: Path) -> list[np.ndarray]:
    networks = convolutional_GenDiscr()
    files = ("generator.h5", "discriminator.h5")
    return [
        array for network, file in zip(networks, files, strict=True) for array in read_weights(folder / file, network)
    ]


def test_a_run_that_was_stopped_ends_like_an_unbroken_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaceGAN, "run_eagerly", False)  # compiled, as users train
    settings, whole, broken = replace(SETTINGS, steps=2, disc_iter=1), tmp_path / "whole", tmp_path / "broken"
    assert train_faces(FACES, whole, settings) == 2
    assert train_faces(FACES, broken, settings, should_stop=lambda: True) == 1
    assert train_faces(FACES, broken, settings) == 2
    for one, two in zip(_weights(whole), _weights(broken), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_finished_run_is_left_as_it_is(finished: Path) -> None:
    assert json.loads((finished / "settings.json").read_text())["steps"] == 3
    lines = (finished / "losses.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "2", "3"]
    before = (finished / "generator.h5").read_bytes()
    assert train_faces(FACES, finished, SETTINGS) == 3
    with pytest.raises(ValueError, match=r"holds a run of other settings \(batch_size: 8 there, 4 now\)"):
        train_faces(FACES, finished, replace(SETTINGS, batch_size=4))
    with pytest.raises(ValueError, match=r"holds a run of other settings \(faces_sha256"):
        train_faces(FACES[::-1], finished, SETTINGS)
    assert (finished / "generator.h5").read_bytes() == before


def test_a_run_killed_before_its_checkpoint_still_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(face_training, "export", killed)
        with pytest.raises(KeyboardInterrupt):
            train_faces(FACES, tmp_path, ONE_STEP)
    assert train_faces(FACES, tmp_path, ONE_STEP) == 1
    metadata = read_metadata(tmp_path / "generator.h5")
    assert metadata is not None
    assert metadata["training"]["steps_done"] == 1


@pytest.mark.parametrize("content", ["[]", "{", "[1]"])
def test_settings_that_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(ValueError, match=r"settings\.json|holds a run of other settings"):
        train_faces(FACES, tmp_path, SETTINGS)


def test_training_can_start_from_weights(finished: Path, tmp_path: Path) -> None:
    train_faces(FACES, tmp_path, replace(ONE_STEP, learning_rate=1e-12), start_from=finished)

    for one, two in zip(_weights(finished)[:2], _weights(tmp_path)[:2], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_faces_that_an_earlier_leg_was_trained_on_are_not_kept_out(finished: Path, tmp_path: Path) -> None:
    for other in (replace(SETTINGS, seed=4), replace(SETTINGS, holdout=10)):
        with pytest.raises(ValueError, match=r"trained on these faces with holdout 20 and seed 3; expected the same"):
            train_faces(FACES, tmp_path / "second", other, start_from=finished)
        assert not (tmp_path / "second").exists()
    # Without a development set nothing can be measured wrongly, and other faces are other faces.
    train_faces(FACES, tmp_path / "all", replace(ONE_STEP, holdout=0), start_from=finished)
    train_faces(FACES[::-1], tmp_path / "others", replace(ONE_STEP, seed=4), start_from=finished)


def test_too_few_faces(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"expected at least 28 faces \(holdout 20 \+ batch_size 8\), got 27; give more faces",
    ):
        train_faces(FACES[:27], tmp_path, SETTINGS)


def test_what_travels_with_the_weights(finished: Path) -> None:
    for file in ("generator.h5", "discriminator.h5"):
        metadata = read_metadata(finished / file)
        assert metadata is not None
        assert metadata["architecture"] == "convolutional_GenDiscr"
        assert metadata["pixel_transform"]["name"] == "symmetric"
        assert metadata["training"]["steps_done"] == 3
        assert metadata["training"]["faces_sha256"] == faces_sha256(FACES)


def test_the_average_follows_the_weights_and_measures_its_own_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_training, "STATISTICS_BATCHES", 10)
    gan = build_face_gan(FACES, ONE_STEP)
    for _ in range(3):
        gan.train_step()
    kernel = gan.generator.layers[1].kernel.numpy()
    average = averaged_generator(gan)
    latents = tf.random.stateless_normal((2_000, 16), (1, 2))
    # With its own statistics, the last normalisation's output is as gamma and beta say: mean beta, deviation gamma.
    normalized = average.layers[-2]
    inner = tf.keras.Model(average.input, normalized.output)(latents, training=False).numpy()

    assert (average.layers[1].kernel.numpy() != kernel).any()
    assert inner.mean() == pytest.approx(float(normalized.beta[0]), abs=0.05)
    assert inner.std() == pytest.approx(float(normalized.gamma[0]), rel=0.05)
