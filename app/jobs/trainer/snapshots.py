"""Pictures in numbers: what the generator draws at a step, and how the discriminator scores the plane."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from app.jobs.files import JobFiles
from app.jobs.specification import Specification, ToyData
from models.datasets import modes_of
from models.files import atomic_path
from models.gan import GAN
from models.latents import LatentGenerator
from models.toy_metrics import corner_cloud_statistics, mode_statistics, sliced_wasserstein

#: Points shown, of those that the figures are computed from (2,500: the protocol of VEEGAN and PacGAN).
SHOWN_POINTS = 400
_POINTS = 2_500
#: The corner cloud's expectations are for 500 points.
_CORNER_POINTS = 500
#: Coordinates shown: the exercise's picture of five dimensions needs as many.
SHOWN_DIMENSIONS = 5
GRID = 40

_DIGITS = 4


class SnapshotWriter:
    """Writes snapshots of one job. The same latent vectors every time, so that points can be followed.

    Takes nothing from the random numbers of the training.
    """

    def __init__(self, specification: Specification, files: JobFiles, real: npt.NDArray[np.float32]) -> None:
        self._specification = specification
        self._files = files
        self._real = real
        latent_generator = LatentGenerator(specification.latent_type, specification.gen_shape[0])
        self._latents = latent_generator.seeded(_POINTS, tf.constant([specification.seed, 0x5A], tf.int64))
        self._box = [
            (min(0.0, float(real[:, i].min())), max(1.0, float(real[:, i].max()))) for i in range(min(2, real.shape[1]))
        ]
        self._grid = _plane(self._box, real) if real.shape[1] > 1 else None

    def write(self, gan: GAN) -> dict[str, float | None] | None:
        """Write the snapshot of the step that ``gan`` has reached; return the figures of its generator.

        None where it generates what is no number: the training is about to fail.
        """
        step = gan.steps_done
        if not self._files.real.exists():
            # By way of the folder below: ours comes not back when the job was deleted meanwhile.
            draft = self._files.snapshot(step).with_name("real.json")
            _write_json(draft, self._real_examples())
            draft.replace(self._files.real)
        generated = gan.generator(self._latents, training=False).numpy()
        figures = self._figures(generated) if np.isfinite(generated).all() else None
        scores = None
        if self._grid is not None:
            scores = _rounded(gan.discriminator(self._grid, training=False).numpy().reshape(GRID, GRID))
        snapshot = {"step": step, "generated": _shown(generated), "scores": scores, "figures": figures}
        _write_json(self._files.snapshot(step), snapshot)
        return figures

    def _real_examples(self) -> dict[str, Any]:
        data = self._specification.data
        modes = modes_of(data.name) if isinstance(data, ToyData) else None
        return {
            "real": _shown(self._real),
            "dimensions": self._real.shape[1],
            "box": self._box,
            "modes": None if modes is None else _rounded(modes.centres[:, :SHOWN_DIMENSIONS]),
        }

    def _figures(self, generated: npt.NDArray[np.float32]) -> dict[str, float | None]:
        data = self._specification.data
        if isinstance(data, ToyData) and data.name == "corner_cloud":
            figures = corner_cloud_statistics(generated[:_CORNER_POINTS])._asdict()
        elif isinstance(data, ToyData) and (modes := modes_of(data.name)) is not None:
            sigma = data.noise or modes.sigma
            figures = mode_statistics(generated[:, : modes.centres.shape[1]], modes.centres, sigma)._asdict()
        else:
            shown = self._real[:SHOWN_POINTS]
            figures = {"sliced_wasserstein": sliced_wasserstein(shown, generated[: len(shown)], directions=64)}
        return {name: value if math.isfinite(value) else None for name, value in figures.items()}


def _plane(box: list[tuple[float, float]], real: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return points over the first two coordinates, row by row from below; the others stay at the data's mean."""
    x, y = np.meshgrid(*(np.linspace(low, high, GRID) for low, high in box))
    points = np.tile(real.mean(axis=0, dtype=np.float64), (GRID * GRID, 1))
    points[:, 0], points[:, 1] = x.ravel(), y.ravel()
    return points.astype(np.float32)


def _shown(points: npt.NDArray[np.float32]) -> Any:
    return _rounded(points[:SHOWN_POINTS, :SHOWN_DIMENSIONS])


def _rounded(values: npt.NDArray[np.floating]) -> Any:
    """Return nested lists; what is not finite becomes null, as JSON has no word for it."""
    rounded = np.round(values.astype(np.float64), _DIGITS).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()


def _write_json(path: Path, value: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, allow_nan=False, separators=(",", ":")))
