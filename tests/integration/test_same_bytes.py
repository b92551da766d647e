"""The same seed gives the same results as in release 0.1: faces, toy data, initial weights, training.

:mod:`tests.integration.recorded` says why exact bytes are required on one kind of machine only.
"""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.main import create_app
from models import (
    WGAN_GP,
    Simple_GAN,
    WGAN_clip,
    convolutional_GenDiscr,
    fully_connected_GenDiscr,
    spheric_generator,
    train,
)
from models.faces import training as face_training
from models.presets import PRESETS
from models.toys.building import build_preset, generate, trained_generator
from models.toys.datasets import NAMES, make
from tests.conftest import PATIENCE
from tests.integration import recorded

STEPS = 10
#: Headers that do not depend on the version of the service, as the ETag does.
HEADERS = ("content-type", "cache-control", "x-seed", "vary")

LATENTS = np.random.default_rng(0).normal(size=(3, 16)).round(3).tolist()

PICTURES = [
    *(f"/sample?seed={seed}" for seed in (0, 1, 42, 2**32, 2**53 - 1)),
    "/sample?seed=42&truncation=0.5",
    "/sample?seed=42&size=128",
    *(f"/sample?seed=42&size=100&resample={name}" for name in ("nearest", "bilinear", "bicubic", "lanczos")),
    "/samples?seed=0",
    "/samples?seed=7&count=10&columns=5&size=32",
    "/samples?seed=9007199254740991&count=3&truncation=0.7&size=20&resample=bicubic",
    "/interpolate?from=1&to=2",
    "/interpolate?from=1&to=2&path=spherical&steps=5&size=40&truncation=0.8",
    *(f"/interpolate?from=1&to=2&steps=6&size=32&fps=12&format={name}" for name in ("gif", "webp", "apng")),
    "/avatar/Ada%20Lovelace",
    "/avatar/",
    "/avatar/J%C3%BCrgen?s=80&d=identicon",
    *(f"/avatar/ada.{ending}?size=64" for ending in ("png", "webp", "jpg", "gif")),
    "/avatar/ada?size=7",
]


@pytest.fixture(scope="module")
def shipped() -> Iterator[TestClient]:
    """Yield a client of the service with the shipped weights."""
    with TestClient(create_app(Settings())) as client:
        deadline = time.monotonic() + PATIENCE
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, "the generator did not warm up"
            time.sleep(0.02)
        yield client


def _headers(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    return {name: answer.headers[name] for name in HEADERS if name in answer.headers}


def test_faces(shipped: TestClient) -> None:
    facts: dict[str, Any] = {"weights": shipped.get("/info").json()["weights"]["sha256"]}
    for path in PICTURES:
        answer = shipped.get(path)
        facts[path] = _headers(answer) | recorded.picture(answer.content)
    posted = shipped.post("/sample?size=32", json={"latents": LATENTS})
    facts["posted latents"] = _headers(posted) | recorded.picture(posted.content)
    recorded.check("faces", facts)


def test_faces_in_text(shipped: TestClient) -> None:
    svg = shipped.get("/avatar/ada.svg")
    latents = [shipped.get(f"/latent?seed={seed}") for seed in (0, 1, 42, 2**53 - 1)]
    pixels = shipped.post("/sample", json={"latents": LATENTS}, headers={"Accept": "application/json"})
    recorded.check(
        "faces_in_text",
        {
            "svg": _headers(svg) | {"sha256": hashlib.sha256(svg.content).hexdigest(), "head": svg.text.split("\n")[0]},
            "latents": {
                str(answer.json()["seed"]): _headers(answer)
                | {"keys": list(answer.json())}
                | recorded.array(answer.json()["latent"])
                for answer in latents
            },
            "pixels": _headers(pixels)
            | {"keys": list(pixels.json()), "sha256": hashlib.sha256(pixels.content).hexdigest()},
        },
    )


def test_toy_data() -> None:
    facts = {f"{name}, seed {seed}": recorded.array(make(name, 100, seed=seed)) for name in NAMES for seed in (0, 1)}
    recorded.check("toy_data", facts | {"moons, noise": recorded.array(make("moons", 100, seed=0, noise=0.5))})


def _networks(seed: int) -> tuple[Any, Any, Any]:
    keras.utils.set_random_seed(seed)
    return fully_connected_GenDiscr([2, 8, 6, 5])


def test_initial_weights() -> None:
    facts = {}
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        pairs = {"dense": _networks(seed)[:2], "convolutional": convolutional_GenDiscr()}
        for kind, networks in pairs.items():
            for network in networks:
                facts[f"{kind} {network.name}, seed {seed}"] = recorded.arrays(network.get_weights())
    recorded.check("initial_weights", facts)


def _trained(gan: Any, losses: dict[str, Any]) -> dict[str, Any]:
    return {
        "losses": {name: recorded.array(values) for name, values in losses.items()},
        "generator": recorded.arrays(gan.generator.get_weights()),
        "discriminator": recorded.arrays(gan.discriminator.get_weights()),
    }


@pytest.mark.parametrize("kind", [Simple_GAN, WGAN_clip, WGAN_GP])
def test_training(kind: Any) -> None:
    real = make("four_clouds", 200, seed=0)
    by_train = kind(*_networks(3), real, batch_size=50)
    by_train.seed = 5
    facts = {"train": _trained(by_train, train(by_train, STEPS))}

    generator, discriminator, _ = _networks(3)
    by_fit = kind(generator, discriminator, lambda count: spheric_generator(count, 2), real, batch_size=50)
    by_fit.compile()
    history = by_fit.fit(real, epochs=2, steps_per_epoch=STEPS // 2, verbose=0).history
    facts["fit"] = _trained(by_fit, history)

    step_by_step = kind(*_networks(3), real, batch_size=50)
    logs = [step_by_step.train_step() for _ in range(3)]
    facts["train_step"] = _trained(step_by_step, {name: [float(log[name]) for log in logs] for name in logs[0]})
    recorded.check(f"training_{kind.__name__}", facts)


def test_preset() -> None:
    preset = PRESETS["corner_cloud"]
    gan = build_preset(preset, 2)
    facts = _trained(gan, train(gan, STEPS))
    facts["averaged generator"] = recorded.arrays(trained_generator(preset, gan).get_weights())
    recorded.check("preset", facts | {"points": recorded.array(generate(preset, gan, 50))})


def test_face_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(face_training, "STATISTICS_BATCHES", 2)
    faces = np.random.default_rng(0).integers(0, 256, (30, 16, 16), dtype=np.uint8)
    settings = face_training.FaceTrainingSettings(steps=2, batch_size=8, disc_iter=1, holdout=10, seed=3)
    exported = []
    face_training.train_faces(
        faces, tmp_path, settings, on_export=lambda step, generator: exported.append(generator.get_weights())
    )
    with np.load(tmp_path / "checkpoint.npz") as checkpoint:
        names = sorted(checkpoint.files)
    facts = {
        "files": sorted(path.name for path in tmp_path.iterdir()),
        "settings": (tmp_path / "settings.json").read_text().splitlines(),
        "checkpoint": names,
        "generator": recorded.arrays(exported[-1]),
    }
    recorded.check("face_training", facts)
