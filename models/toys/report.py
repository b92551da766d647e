"""Results of the toy presets, measured over seeds."""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from models.presets import Preset
from models.toys.building import build_preset, generate
from models.toys.datasets import make, modes_of
from models.toys.metrics import corner_cloud_statistics, mode_statistics, sliced_wasserstein
from models.training.train import Progress, train

#: Generated points that a trained generator is judged by; 2,500 is the protocol of VEEGAN and PacGAN.
SAMPLES = 2_500
CORNER_CLOUD_SAMPLES = 500

_FRESH = 1_000_003  # first seed of the real points to compare with; training data have seeds from 0 on

Row = dict[str, Any]


def evaluate_preset(
    preset: Preset, seeds: Iterable[int], on_progress: Callable[[int, Progress], None] | None = None
) -> list[Row]:
    """Train a preset for each seed and measure its generator.

    Args:
        preset: what to train.
        seeds: one run each.
        on_progress: called with the seed and the progress after every chunk of steps.

    Returns:
        For each seed a dict of ``seed``, ``seconds`` (of training, graph building included) and the figures of
        :func:`measure`.

    Raises:
        DivergenceError: a run diverged.
    """
    rows = []
    for seed in seeds:
        gan = build_preset(preset, seed)
        started = time.monotonic()
        train(gan, preset.total_steps, on_progress=on_progress and partial(on_progress, seed))
        seconds = time.monotonic() - started
        samples = generate(preset, gan, SAMPLES)
        rows.append({"seed": seed, "seconds": seconds} | measure(preset.data, samples, seed=seed))
    return rows


def measure(data: str, samples: npt.NDArray[np.floating], *, seed: int = 0) -> Row:
    """Measure generated points of a toy distribution.

    Args:
        data: a name of :data:`models.toys.datasets.NAMES`.
        samples: ``(count, dim)``.
        seed: of the equally many unseen real points that they are compared with.

    Returns:
        ``sliced_wasserstein``; for ``corner_cloud`` also the two distances of
        :func:`models.toys.metrics.corner_cloud_statistics`, of the first 500 points; for the other mixtures the figures
        of :func:`models.toys.metrics.mode_statistics`.

    Raises:
        ValueError: the name is unknown or the points are not as described.
    """
    modes = modes_of(data)
    real = make(data, len(samples), seed=_FRESH + seed)
    row: Row = {"sliced_wasserstein": sliced_wasserstein(real, samples)}
    if data == "corner_cloud":
        return row | corner_cloud_statistics(samples[:CORNER_CLOUD_SAMPLES])._asdict()
    if modes is not None:
        return row | mode_statistics(samples[:, : modes.centres.shape[1]], *modes)._asdict()
    return row
