import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from models import convolutional_GenDiscr
from models.faces import training as face_training
from models.faces.loading import faces_sha256, split_holdout
from models.faces.training import FaceTrainingSettings, averaged_generator, build_face_gan, train_faces
from models.files.weights import read_metadata, read_weights

FACES = np.random.default_rng(0).integers(0, 256, (60, 16, 16), dtype=np.uint8)
SETTINGS = FaceTrainingSettings(steps=6, batch_size=8, disc_iter=2, holdout=20, seed=3)


@pytest.fixture(autouse=True)
def _few_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_training, "STATISTICS_BATCHES", 2)


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


def test_a_run_that_was_stopped_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    exports: list[int] = []
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    done = train_faces(
        FACES, unbroken, SETTINGS, checkpoint_steps=3, on_export=lambda step, generator: exports.append(step)
    )
    first = train_faces(FACES, broken, SETTINGS, should_stop=lambda: True)
    second = train_faces(FACES, broken, SETTINGS)

    assert exports == [3, 6]
    assert (done, second) == (6, 6)
    assert 1 <= first < 6
    for one, two in zip(_weights(unbroken), _weights(broken), strict=True):
        np.testing.assert_array_equal(one, two)
    assert json.loads((unbroken / "settings.json").read_text())["steps"] == 6
    lines = (unbroken / "losses.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "3", "6"]


def test_a_finished_run_is_left_as_it_is(tmp_path: Path) -> None:
    train_faces(FACES, tmp_path, SETTINGS)
    before = (tmp_path / "generator.h5").read_bytes()
    assert train_faces(FACES, tmp_path, SETTINGS) == 6
    with pytest.raises(ValueError, match=r"holds a run of other settings \(batch_size: 8 there, 4 now\)"):
        train_faces(FACES, tmp_path, replace(SETTINGS, batch_size=4))
    with pytest.raises(ValueError, match=r"holds a run of other settings \(faces_sha256"):
        train_faces(FACES[::-1], tmp_path, SETTINGS)
    assert (tmp_path / "generator.h5").read_bytes() == before


def test_a_run_killed_before_its_checkpoint_still_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(face_training, "export", killed)
        with pytest.raises(KeyboardInterrupt):
            train_faces(FACES, tmp_path, SETTINGS)
    assert train_faces(FACES, tmp_path, SETTINGS) == 6
    metadata = read_metadata(tmp_path / "generator.h5")
    assert metadata is not None
    assert metadata["training"]["steps_done"] == 6


@pytest.mark.parametrize("content", ["[]", "{", "[1]"])
def test_settings_that_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(ValueError, match=r"settings\.json|holds a run of other settings"):
        train_faces(FACES, tmp_path, SETTINGS)


def test_training_can_start_from_weights(tmp_path: Path) -> None:
    train_faces(FACES, tmp_path / "first", SETTINGS)
    start = _weights(tmp_path / "first")
    still = replace(SETTINGS, steps=1, disc_iter=1, learning_rate=1e-12)
    train_faces(FACES, tmp_path / "second", still, start_from=tmp_path / "first")

    for one, two in zip(start[:2], _weights(tmp_path / "second")[:2], strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


def test_faces_that_an_earlier_leg_was_trained_on_are_not_kept_out(tmp_path: Path) -> None:
    train_faces(FACES, tmp_path / "first", SETTINGS)
    for other in (replace(SETTINGS, seed=4), replace(SETTINGS, holdout=10)):
        with pytest.raises(ValueError, match=r"trained on these faces with holdout 20 and seed 3; expected the same"):
            train_faces(FACES, tmp_path / "second", other, start_from=tmp_path / "first")
        assert not (tmp_path / "second").exists()
    # Without a development set nothing can be measured wrongly, and other faces are other faces.
    train_faces(FACES, tmp_path / "all", replace(SETTINGS, steps=1, holdout=0), start_from=tmp_path / "first")
    train_faces(FACES[::-1], tmp_path / "others", replace(SETTINGS, steps=1, seed=4), start_from=tmp_path / "first")


def test_too_few_faces(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"expected at least 28 faces \(holdout 20 \+ batch_size 8\), got 27; give more faces",
    ):
        train_faces(FACES[:27], tmp_path, SETTINGS)


def test_what_travels_with_the_weights(tmp_path: Path) -> None:
    train_faces(FACES, tmp_path, SETTINGS)
    for file in ("generator.h5", "discriminator.h5"):
        metadata = read_metadata(tmp_path / file)
        assert metadata is not None
        assert metadata["architecture"] == "convolutional_GenDiscr"
        assert metadata["pixel_transform"]["name"] == "symmetric"
        assert metadata["training"]["steps_done"] == 6
        assert metadata["training"]["faces_sha256"] == faces_sha256(FACES)


def test_the_average_follows_the_weights_and_measures_its_own_statistics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_training, "STATISTICS_BATCHES", 20)
    gan = build_face_gan(FACES, SETTINGS)
    gan.train_step()
    gan.train_step()
    kernels = []
    for _ in range(3):
        gan.train_step()
        kernels.append(gan.generator.layers[1].kernel.numpy())
    average = averaged_generator(gan)
    latents = tf.random.stateless_normal((4_000, 16), (1, 2))
    # With its own statistics, the last normalisation's output is as gamma and beta say: mean beta, deviation gamma.
    normalized = average.layers[-2]
    inner = tf.keras.Model(average.input, normalized.output)(latents, training=False).numpy()

    assert (average.layers[1].kernel.numpy() != kernels[-1]).any()
    assert inner.mean() == pytest.approx(float(normalized.beta[0]), abs=0.05)
    assert inner.std() == pytest.approx(float(normalized.gamma[0]), rel=0.05)
