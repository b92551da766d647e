"""Snapshots: generated points and the discriminator's scores at a step, as JSON."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from app.jobs.files import JobFiles
from app.jobs.scaling import ColumnTransform
from app.jobs.snapshot_views import GRID, SHOWN_DIMENSIONS, SHOWN_POINTS
from app.jobs.specification import Specification, ToyData
from app.jobs.trainer.dense import layers_of, outputs
from app.jobs.trainer.saturation import LearningCheck
from app.jobs.trainer.views import Views
from models.files.atomic import atomic_path
from models.gan import GAN
from models.latents import LatentGenerator
from models.toys.building import trained_generator
from models.toys.datasets import modes_of
from models.toys.metrics import (
    HIGH_QUALITY_SIGMAS,
    corner_cloud_statistics,
    have_fair_share,
    mode_counts,
    mode_statistics,
    sliced_wasserstein,
)

#: Points that the figures are computed from (the protocol of VEEGAN and PacGAN).
_POINTS = 2_500
#: The expected statistics of the corner cloud are for 500 points.
_CORNER_POINTS = 500
#: Decimals of numbers around 1; for data with a transform, digits of a column's range.
_DIGITS = 4

Singles = npt.NDArray[np.float32]


class Findings(NamedTuple):
    """What a snapshot shows.

    ``figures`` measure the generator's quality; None if it generates NaN or infinity and training is about to fail.
    ``warnings`` say why the networks no longer learn, see :mod:`app.jobs.trainer.saturation`.
    """

    figures: dict[str, float | None] | None
    warnings: dict[str, str]


class SnapshotWriter:
    """Writes the snapshots of one job, in the units of its data, all with the same latent vectors and real examples.

    It uses random numbers of its own, so that training does not depend on the snapshots.
    """

    def __init__(self, specification: Specification, files: JobFiles, real: Singles) -> None:
        data = specification.data
        self._specification = specification
        self._settings = specification.settings
        self._files = files
        self._transform = None if isinstance(data, ToyData) else data.transform
        self._dimensions = real.shape[1]
        self._real = real[:SHOWN_POINTS] if isinstance(data, ToyData) else _some(real, specification.seed)
        latent_generator = LatentGenerator(specification.latent_type, specification.gen_shape[0])
        self._latents = latent_generator.seeded(_POINTS, tf.constant([specification.seed, 0x5A], tf.int64))
        box = _box(real) if self._transform is None else [(0.0, 1.0)] * min(2, real.shape[1])
        self._box = box if self._transform is None else self._transform.box(SHOWN_DIMENSIONS)
        self._grid = _plane(box, real) if real.shape[1] > 1 else real[:0]  # data of one coordinate have no plane
        self._views = Views(specification, self._transform, self._latents, min(SHOWN_DIMENSIONS, real.shape[1]))
        self._check: LearningCheck | None = None
        self._averaged: keras.Model | None = None
        self._modes = modes_of(data.name) if isinstance(data, ToyData) else None
        if self._modes is not None and isinstance(data, ToyData) and data.noise:
            self._modes = self._modes._replace(sigma=data.noise)

    def take(self, gan: GAN, half: bool = False) -> Callable[[], Findings]:
        """Take a snapshot of ``gan`` as it is now; return what writes it, in any thread, and returns its findings.

        Only what needs the networks themselves is done here; they may be trained on meanwhile.

        Args:
            gan: at the step of the snapshot.
            half: see ``JobFiles``.
        """
        step = gan.steps_done
        self._averaged = trained_generator(self._settings, gan, self._averaged)
        generator, discriminator = layers_of(self._averaged), layers_of(gan.discriminator)
        generated = outputs(generator, self._latents)
        sound = bool(np.isfinite(generated).all())
        check = self._check = self._check or LearningCheck(gan.real_examples)
        points = check.points(generated)
        scores = outputs(discriminator, np.concatenate([self._grid, points]))
        plane, scores = np.split(scores, [len(self._grid)])
        warnings = check.warnings(gan, generated, scores) if sound else {}

        def write() -> Findings:
            self._write_real_examples(step)
            figures, covered = self._judge(generated) if sound else (None, None)
            snapshot = {
                "step": step,
                "generated": self._shown(generated),
                "scores": _rounded(plane.reshape(GRID, GRID)) if len(plane) else None,
                "figures": figures,
                "covered": covered,
                **self._views.of(generator, discriminator, gan.generator_loss, generated),
            }
            if half:
                snapshot["half"] = True
            _write_json(self._files.snapshot(step, half), snapshot)
            return Findings(figures, warnings)

        return write

    def _write_real_examples(self, step: int) -> None:
        if not self._files.real.exists():
            # Not written in place: that would recreate the folder of a deleted job; making its subfolder fails instead.
            draft = self._files.snapshot(step).with_name("real.json")
            _write_json(draft, self._real_examples())
            draft.replace(self._files.real)

    def _real_examples(self) -> dict[str, Any]:
        modes = self._modes
        return {
            "real": self._shown(self._real),
            "dimensions": self._dimensions,
            "box": self._box,
            "modes": None if modes is None else _rounded(modes.centres[:, :SHOWN_DIMENSIONS]),
            "mode_radius": None if modes is None else HIGH_QUALITY_SIGMAS * modes.sigma,
        }

    def _judge(self, generated: Singles) -> tuple[dict[str, float | None], list[bool] | None]:
        """Return the figures of the generator and, for data with modes, which of them are fairly covered."""
        data, modes, covered = self._specification.data, self._modes, None
        figures: dict[str, float]
        if isinstance(data, ToyData) and data.name == "corner_cloud":
            figures = corner_cloud_statistics(generated[:_CORNER_POINTS])._asdict()
        elif modes is not None:
            places = generated[:, : modes.centres.shape[1]]
            fair = have_fair_share(mode_counts(places, *modes), len(places))
            covered = fair.tolist()
            figures = {"modes_fairly_covered": int(fair.sum()), **mode_statistics(places, *modes)._asdict()}
        else:
            both = (self._real, generated[: len(self._real)])
            real, made = both if self._transform is None else map(self._transform.to_distances, both)
            figures = {"sliced_wasserstein": sliced_wasserstein(real, made, directions=64)}
        return {name: value if math.isfinite(value) else None for name, value in figures.items()}, covered

    def _shown(self, outputs: Singles) -> Any:
        shown = outputs[:SHOWN_POINTS, :SHOWN_DIMENSIONS]
        return _rounded(shown) if self._transform is None else _in_units(shown, self._transform)


def _some(real: Singles, seed: int) -> Singles:
    """Return up to ``SHOWN_POINTS`` random rows in their order; the first rows of a file may not be typical."""
    if len(real) <= SHOWN_POINTS:
        return real
    drawn = np.random.default_rng([seed, 0xC3]).choice(len(real), SHOWN_POINTS, replace=False)
    return real[np.sort(drawn)]


def _box(real: Singles) -> list[tuple[float, float]]:
    """Return the ranges of the first two coordinates that are shown: 0 … 1, extended to include all points."""
    return [
        (min(0.0, float(real[:, i].min())), max(1.0, float(real[:, i].max()))) for i in range(min(2, real.shape[1]))
    ]


def _plane(box: list[tuple[float, float]], real: Singles) -> Singles:
    """Return a grid over the first two coordinates, row by row from below; the others have the mean of the data."""
    x, y = np.meshgrid(*(np.linspace(low, high, GRID) for low, high in box))
    points = np.tile(real.mean(axis=0, dtype=np.float64), (GRID * GRID, 1))
    points[:, 0], points[:, 1] = x.ravel(), y.ravel()
    return points.astype(np.float32)


def _in_units(outputs: Singles, transform: ColumnTransform) -> Any:
    """Return outputs as nested lists in the caller's units, rounded to the significant digits."""
    formats = transform.formats(_DIGITS)[: outputs.shape[1]]
    rows = transform.to_values(outputs).tolist()
    return [
        [float(form % value) if math.isfinite(value) else None for form, value in zip(formats, row, strict=True)]
        for row in rows
    ]


def _rounded(values: npt.NDArray[np.floating]) -> Any:
    """Return nested lists; NaN and infinity become null, as JSON has neither."""
    rounded = np.round(values.astype(np.float64), _DIGITS).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def _write_json(path: Path, value: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, allow_nan=False, separators=(",", ":")))
