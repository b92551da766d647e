"""Trains the convolutional WGAN-GP on 16×16 faces: data in, a run folder out.

A run folder holds ``settings.json``, ``checkpoint.npz`` (resume), ``losses.csv`` (append-only), and, rewritten at
every checkpoint, ``generator.h5`` and ``discriminator.h5``.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.faces.face_gan import FaceGAN
from models.faces.loading import Faces, faces_sha256, split_holdout
from models.files.atomic import atomic_path
from models.files.normalization import SYMMETRIC
from models.files.saving import save_weights
from models.files.weight_files import find_weights
from models.files.weights import read_metadata
from models.latents import LatentGenerator
from models.networks import FACE_LATENT_DIM, convolutional_GenDiscr
from models.optimizers import adam
from models.training.checkpoints import load_checkpoint, save_checkpoint
from models.training.train import Progress, train

#: Batches of 500 fake faces over which an averaged generator's normalisation statistics are measured.
STATISTICS_BATCHES = 50

#: What :attr:`FaceTrainingSettings.augment` may be.
AUGMENTATIONS = ("disturb", "mirror")


@dataclass(frozen=True)
class FaceTrainingSettings:
    """How a face generator is trained. The defaults were the first leg of the shipped weights.

    ``holdout`` faces are kept out of training as a development set. ``ema`` is the momentum of the moving average of
    the generator's weights, which is exported. The learning rate decays to 0 along half a cosine.
    ``quadratic_weight`` is the weight of the quadratic critic against the exercise's. ``augment`` keeps the critic from
    memorising the faces: ``disturb`` augments real and generated faces alike (``face_gan.Disturbance``), ``mirror``
    adds each face's mirror image to the real ones.
    """

    steps: int = 24_000
    batch_size: int = 64
    disc_iter: int = 3
    learning_rate: float = 4e-4
    lambda_gp: float = 10.0
    beta_1: float = 0.0
    beta_2: float = 0.9
    ema: float = 0.999
    holdout: int = 1_000
    seed: int = 0
    augment: str = "disturb"
    quadratic_weight: float = 10.0


def build_face_gan(faces: Faces, settings: FaceTrainingSettings) -> FaceGAN:
    """Build the GAN that trains on ``faces``.

    Raises:
        ValueError: ``settings.augment`` is none of ``AUGMENTATIONS``.
    """
    if settings.augment not in AUGMENTATIONS:
        raise ValueError(f"augment: expected {' or '.join(AUGMENTATIONS)}, got {settings.augment!r}")
    disturb = settings.augment == "disturb"
    keras.utils.set_random_seed(settings.seed)
    gan = FaceGAN(
        SYMMETRIC.to_network(faces if disturb else np.concatenate([faces, faces[:, :, ::-1]])),
        disturb=disturb,
        quadratic_weight=settings.quadratic_weight,
        batch_size=settings.batch_size,
        disc_iter=settings.disc_iter,
        learning_rate=settings.learning_rate,
        lambda_gp=settings.lambda_gp,
    )
    fading = partial(adam, settings.learning_rate, beta_1=settings.beta_1, beta_2=settings.beta_2, final_rate=0.0)
    gan.set_optimizers(
        fading(updates=settings.steps, average=settings.ema), fading(updates=settings.steps * settings.disc_iter)
    )
    gan.seed = settings.seed
    return gan


def averaged_generator(gan: FaceGAN) -> keras.Model:
    """Return a copy of the generator with averaged weights and batch statistics measured anew for them."""
    copy, _ = convolutional_GenDiscr()
    copy.set_weights(gan.generator.get_weights())
    gan.generator.optimizer.finalize_variable_values(copy.trainable_variables)
    measure_statistics(copy, gan.seed)
    return copy


def measure_statistics(generator: keras.Model, seed: int) -> None:
    """Measure a generator's batch statistics anew: averaged statistics are not those of averaged weights."""
    normalizations = [layer for layer in generator.layers if isinstance(layer, keras.layers.BatchNormalization)]
    latents = LatentGenerator("normal", FACE_LATENT_DIM)
    for i in range(STATISTICS_BATCHES):
        for layer in normalizations:
            layer.momentum = i / (i + 1)  # a plain mean over the batches
        generator(latents.seeded(500, tf.constant([seed, i], tf.int64)), training=True)


def train_faces(
    faces: Faces,
    out: Path,
    settings: FaceTrainingSettings,
    *,
    start_from: Path | None = None,
    checkpoint_steps: int = 1_000,
    on_progress: Callable[[Progress], None] | None = None,
    on_export: Callable[[int, keras.Model], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> int:
    """Train, or resume training, in the run folder ``out``.

    Args:
        faces: uint8 ``(count, 16, 16)``, of which ``settings.holdout`` are not trained on.
        out: the run folder; a checkpoint in it is resumed.
        settings: those of the checkpoint, if there is one.
        start_from: folder with ``generator.h5`` and ``discriminator.h5`` that a new run starts from.
        checkpoint_steps: steps between checkpoints and exports.
        on_progress: see :func:`models.training.train`.
        on_export: called with the step and the averaged generator after each export.
        should_stop: see :func:`models.training.train`; the run is saved before this function returns.

    Returns:
        The total number of steps that the run has done.

    Raises:
        ValueError: the folder holds a run of other settings, or there are too few faces.
    """
    needed = settings.holdout + settings.batch_size
    if len(faces) < needed:
        raise ValueError(
            f"expected at least {needed} faces (holdout {settings.holdout} + batch_size {settings.batch_size}), "
            f"got {len(faces)}; give more faces, or a smaller holdout or batch_size"
        )
    training, _ = split_holdout(faces, settings.holdout, settings.seed)
    gan = build_face_gan(training, settings)
    checkpoint = out / "checkpoint.npz"
    if start_from is not None and not checkpoint.exists():
        _load_start(gan, start_from, settings, faces)
    record = asdict(settings) | {"faces_sha256": faces_sha256(faces)}
    _claim_folder(out, record)
    if checkpoint.exists():
        load_checkpoint(gan, checkpoint)
    stopped = False

    def stop() -> bool:
        nonlocal stopped
        stopped = should_stop is not None and should_stop()
        return stopped

    while gan.steps_done < settings.steps and not stopped:
        steps = min(checkpoint_steps, settings.steps - gan.steps_done)
        losses = train(gan, steps, on_progress=on_progress, should_stop=stop)
        generator = averaged_generator(gan)
        export(generator, gan, record, out)
        # After the export: a run killed in between repeats these steps, so their weights are never missing.
        save_checkpoint(gan, checkpoint)
        _append_losses(out / "losses.csv", gan.steps_done, losses)
        if on_export is not None:
            on_export(gan.steps_done, generator)
    return gan.steps_done


def _load_start(gan: FaceGAN, folder: Path, settings: FaceTrainingSettings, faces: Faces) -> None:
    """Load the weights that a run starts from.

    Raises:
        ValueError: there are none, or they were trained on faces of the holdout: measures on it would be biased.
    """
    if folder.is_file():
        raise ValueError(f"{folder}: expected a folder with generator.h5 and discriminator.h5, got a file")
    start, critic = find_weights(folder), find_weights(folder, "discriminator")
    before = (read_metadata(start) or {}).get("training")
    before = before if isinstance(before, dict) else {}  # whoever wrote the file may have written anything
    split, expected = (settings.holdout, settings.seed), (before.get("holdout"), before.get("seed"))
    if before.get("faces_sha256") == faces_sha256(faces) and settings.holdout and split != expected:
        raise ValueError(
            f"{start}: was trained on these faces with holdout {expected[0]} and seed {expected[1]}; expected the "
            f"same, got holdout {split[0]} and seed {split[1]}, which keep out faces that it was trained on"
        )
    gan.replace_weights(start, critic)


def _claim_folder(out: Path, record: dict[str, Any]) -> None:
    """Write the run's settings, or compare them with those of the run in the folder."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / "settings.json"
    if path.exists():
        try:
            found = dict(json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: expected the settings of a run ({error}); choose another folder") from error
        changed = [
            f"{name}: {found.get(name)} there, {value} now"
            for name, value in record.items()
            if found.get(name) != value
        ]
        if changed:
            raise ValueError(f"{out}: holds a run of other settings ({'; '.join(changed)}); choose another folder")
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2) + "\n")


def _append_losses(path: Path, step: int, losses: dict[str, npt.NDArray[np.float32]]) -> None:
    """Append one line of means over the steps just run."""
    new = not path.exists()
    with path.open("a") as file:
        if new:
            file.write(",".join(["step", *losses]) + "\n")
        file.write(",".join([str(step), *(f"{values.mean():.6g}" for values in losses.values())]) + "\n")


def export(generator: keras.Model, gan: FaceGAN, record: Mapping[str, Any], out: Path) -> None:
    """Write ``generator.h5`` and ``discriminator.h5`` with their metadata."""
    metadata = {
        "architecture": "convolutional_GenDiscr",
        "gan": "WGAN_GP",
        "latent": {"type": "normal", "dim": FACE_LATENT_DIM},
        "pixel_transform": SYMMETRIC.to_dict(),
        "training": {**record, "steps_done": gan.steps_done},
    }
    save_weights(generator, out / "generator.h5", metadata)
    save_weights(gan.critic, out / "discriminator.h5", metadata)
