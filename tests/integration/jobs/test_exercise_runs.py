"""The exercise's own runs, submitted with curl as the README shows."""

import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models import WGAN_GP, Simple_GAN, WGAN_clip, fully_connected_GenDiscr
from models.toys.datasets import make
from tests.integration.jobs.harness import Json, Service, check_events, json_lines, service

RUNS = {"circle": [1, 10, 10, 2], "four_clouds": [2, 10, 10, 5], "corner_cloud": [49, 98, 98, 49]}
CLASSES = {"simple_gan": Simple_GAN, "wgan_clip": WGAN_clip, "wgan_gp": WGAN_GP}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("exercise")) as running:
        yield running
        running.stop()


def _curl(*arguments: str) -> bytes:
    return subprocess.run(["curl", "--fail", "--silent", *arguments], check=True, stdout=subprocess.PIPE).stdout


# Each class and each data set, in pairs that test_exercise_scripts.py does not train; tests/model trains all nine.
@pytest.mark.parametrize(
    ("model", "data"),
    [("simple_gan", "four_clouds"), ("wgan_clip", "corner_cloud"), ("wgan_gp", "circle"), ("wgan_gp", "corner_cloud")],
)
def test_a_run(model: str, data: str, running: Service, tmp_path: Path) -> None:
    body = {"model": model, "data": {"name": data}, "learning_rate": 0.001}
    job: Json = json.loads(_curl(f"{running.address}/jobs", "--json", json.dumps(body)))
    assert job["gen_shape"] == RUNS[data], "left out, it is the exercise's"

    events = json_lines(_curl("--no-buffer", f"{running.address}/jobs/{job['id']}/events").decode())
    check_events(events, 1_600)
    assert events[-1]["data"]["status"] == "succeeded"

    history = json.loads(_curl(f"{running.address}/jobs/{job['id']}/history"))["losses"]
    losses = {name: np.array(values) for name, values in history.items()}
    assert {len(values) for values in losses.values()} == {1_600}
    assert all(np.isfinite(values).all() for values in losses.values())
    assert _curl(f"{running.address}/jobs/{job['id']}/picture.png").startswith(b"\x89PNG")

    # The networks are the exercise's: its own classes take them, and draw with them what the service draws.
    archive = zipfile.ZipFile(io.BytesIO(_curl(f"{running.address}/jobs/{job['id']}/weights")))
    archive.extractall(tmp_path)
    assert json.loads(archive.read("job.json"))["id"] == job["id"]
    real = make(data, 1_000, seed=0)
    gan = CLASSES[model](*fully_connected_GenDiscr(RUNS[data]), real)
    gan.replace_weights(tmp_path / "generator.h5", tmp_path / "discriminator.h5")
    plain, _, _ = fully_connected_GenDiscr(RUNS[data])
    plain.load_weights(tmp_path / "generator.h5")
    np.testing.assert_array_equal(plain.get_weights()[0], gan.generator.get_weights()[0])

    drawn = json.loads(_curl(f"{running.address}/jobs/{job['id']}/samples?count=1000&seed=0"))["samples"]
    fake = np.array(drawn)
    assert fake.shape == real.shape
    off = np.abs(fake.mean(axis=0) - real.mean(axis=0)).max()
    if model == "simple_gan":
        # The exercise's own log of the circle stays within 1.77 … 2.14 and 0.95 … 1.19.
        assert losses["discr_loss"][-100:].mean() == pytest.approx(2, abs=0.4)
        assert losses["gen_loss"][-100:].mean() == pytest.approx(1, abs=0.4)
        assert off < 0.25
    if model == "wgan_clip":
        assert max(np.abs(weights).max() for weights in gan.discriminator.get_weights()) <= 1
    if model == "wgan_gp":
        assert losses["gp"][-100:].mean() < 0.02, "the critic's slope should have come to 1"
        assert off < 0.45, "after so few steps the circle is still being drawn"
