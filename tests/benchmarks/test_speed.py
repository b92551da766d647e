"""How fast it is. ``make bench`` runs this and shows the table; nothing here can fail for being slow."""

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table

from app import ROOT
from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from models import WGAN_GP, Simple_GAN, WGAN_clip, fully_connected_GenDiscr, train
from models.gan import GAN

REPEATS = 5
STEPS = 300


def _alternating_medians(*actions: Callable[[], object]) -> list[float]:
    """Run the actions in turn, so that all meet the same disturbances, and return each one's median in seconds."""
    seconds: list[list[float]] = [[] for _ in actions]
    for repeat in range(REPEATS + 1):
        for action, own in zip(actions, seconds, strict=True):
            start = time.perf_counter()
            action()
            if repeat:  # the first time, graphs are traced
                own.append(time.perf_counter() - start)
    return [statistics.median(own) for own in seconds]


def _show(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        Console().print(table)


def test_training_steps(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("ms a step", "fit", "train", "ratio", title=f"[2, 10, 10, 5], batch 200, {STEPS} steps at once")
    points = np.random.default_rng(0).uniform(size=(1_000, 5))
    gan_classes: tuple[type[GAN], ...] = (Simple_GAN, WGAN_clip, WGAN_GP)
    for gan_class in gan_classes:
        by_fit, by_train = (gan_class(*fully_connected_GenDiscr([2, 10, 10, 5]), points) for _ in range(2))
        by_fit.compile()
        seconds = _alternating_medians(
            lambda gan=by_fit: gan.fit(epochs=1, steps_per_epoch=STEPS, verbose=0),  # type: ignore[misc]
            lambda gan=by_train: train(gan, STEPS),  # type: ignore[misc]
        )
        milliseconds = [f"{1_000 * value / STEPS:.2f}" for value in seconds]
        table.add_row(gan_class.__name__, *milliseconds, f"{seconds[0] / seconds[1]:.1f}")
    _show(table, capsys)


def test_faces(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table("faces at once", "ms", "faces a second", title="generator to grey pixels, one process")
    generator = FaceGenerator(ROOT / "weights")
    counts = (1, 32, 256, 1024)
    batches = [latents_of_seeds(range(count)) for count in counts]
    seconds = _alternating_medians(*(lambda batch=batch: generator(batch) for batch in batches))
    for count, value in zip(counts, seconds, strict=True):
        table.add_row(str(count), f"{1_000 * value:.2f}", f"{count / value:,.0f}")
    _show(table, capsys)
