"""What the service says about itself, and what the API document promises."""

import json
import os
import warnings
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.config import Settings
from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from app.main import create_app
from models import WeightsError, convolutional_GenDiscr
from models.files.saving import save_weights
from tests.integration.conftest import write_weights


def test_alive_and_ready(client: TestClient) -> None:
    for path in ("/healthz", "/readyz"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_not_ready_before_the_first_face(weights: Path) -> None:
    client = TestClient(create_app(Settings(weights=weights)))  # without its lifespan nothing warms up

    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "warming up" in answer.json()["detail"]
    assert client.get("/healthz").status_code == 200


def test_info(client: TestClient) -> None:
    info = client.get("/info").json()

    assert info["weights"]["parameters"] == 339_493
    assert info["weights"]["pixel_transform"] == {"name": "symmetric", "scale": 0.5, "offset": 0.5, "source": "file"}
    assert info["weights"]["training"] == {"steps": 0}
    assert info["weights"]["quality"] is None
    assert len(info["weights"]["sha256"]) == 64
    assert set(info["versions"]) == {"nobody", "python", "tensorflow", "keras", "numpy", "pillow"}
    assert info["limits"]["count"] == 1024


def test_info_knows_tensorflow_by_each_of_its_names_and_does_without(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = {"tensorflow-cpu": "2.21.0", "numpy": "2.4.0"}

    def version(package: str) -> str:
        if package not in versions:
            raise PackageNotFoundError(package)
        return versions[package]

    monkeypatch.setattr("app.web.routes.service.version", version)
    told = client.get("/info").json()["versions"]
    assert (told["tensorflow"], set(told)) == ("2.21.0", {"nobody", "python", "tensorflow", "numpy"})
    del versions["tensorflow-cpu"]
    assert set(client.get("/info").json()["versions"]) == {"nobody", "python", "numpy"}


def test_quality_is_quoted_only_for_the_weights_it_was_measured_on(tmp_path: Path) -> None:
    write_weights(tmp_path)
    sha256 = FaceGenerator(tmp_path).sha256
    for quality, quoted in (
        (f'{{"generator_sha256": "{sha256}", "frechet": 1}}', True),
        ('{"generator_sha256": "of others", "frechet": 1}', False),
        (f'{{"generator_sha256": "{sha256}", "frechet": NaN}}', False),  # which /info could not say
        ("not json", False),
        ("[]", False),
    ):
        (tmp_path / "quality.json").write_text(quality)
        assert (FaceGenerator(tmp_path).quality is not None) == quoted
    (tmp_path / "quality.json").unlink()
    os.mkfifo(tmp_path / "quality.json")  # to read it would take for ever
    assert FaceGenerator(tmp_path).quality is None


def test_the_etag_changes_with_the_weights(client: TestClient, tmp_path: Path) -> None:
    with TestClient(create_app(Settings(weights=write_weights(tmp_path, seed=1)))) as other:
        one, two = client.get("/sample?seed=1"), other.get("/sample?seed=1")
    assert one.content != two.content
    assert one.headers["etag"] != two.headers["etag"]


def test_the_exercise_s_weights_are_served_raw(shared: Path) -> None:
    generator = FaceGenerator(shared / "reference")
    faces = np.load(shared / "faces" / "faces_16x16_train.npy")
    mean_face = generator(latents_of_seeds(range(2000))).mean(axis=0)

    assert (generator.transform.name, generator.transform_source) == ("raw", "assumed")
    assert np.abs(mean_face - faces.mean(axis=0)).mean() < 0.03 * 255


def test_weights_of_unknown_range_are_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    generator, _ = convolutional_GenDiscr()  # untrained: half of its output is negative
    save_weights(generator, tmp_path / "generator.h5", {})

    assert FaceGenerator(tmp_path).transform_source == "assumed"
    assert "set NOBODY_PIXELS=symmetric" in caplog.text
    caplog.clear()
    chosen = FaceGenerator(tmp_path, "symmetric")
    assert (chosen.transform.name, chosen.transform_source) == ("symmetric", "setting")
    assert not caplog.text


def test_the_file_itself_may_be_named_and_may_be_any_that_keras_writes(tmp_path: Path) -> None:
    faces = FaceGenerator(write_weights(tmp_path), "symmetric")(latents_of_seeds(range(3)))
    network, _ = convolutional_GenDiscr()
    network.load_weights(tmp_path / "generator.h5")
    (tmp_path / "only").mkdir()
    network.save_weights(tmp_path / "only" / "generator.weights.h5")
    network.save(tmp_path / "mine.keras")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras calls it legacy
        network.save(tmp_path / "full.h5")

    for where in ("generator.h5", "only", "only/generator.weights.h5", "mine.keras", "full.h5"):
        np.testing.assert_array_equal(FaceGenerator(tmp_path / where, "symmetric")(latents_of_seeds(range(3))), faces)
    with pytest.raises(WeightsError, match=r"discriminator\.h5: expected an \.h5 weights file, found no such file"):
        FaceGenerator(tmp_path / "discriminator.h5")


def test_the_measured_quality_lies_beside_the_file(tmp_path: Path) -> None:
    sha256 = FaceGenerator(write_weights(tmp_path)).sha256
    (tmp_path / "quality.json").write_text(json.dumps({"generator_sha256": sha256}))
    assert FaceGenerator(tmp_path / "generator.h5").quality == {"generator_sha256": sha256}


def test_a_broken_pixel_transform_is_refused(tmp_path: Path) -> None:
    write_weights(tmp_path)
    generator, _ = convolutional_GenDiscr()
    save_weights(generator, tmp_path / "generator.h5", {"pixel_transform": {"scale": "wide"}})
    with pytest.raises(WeightsError, match=r"generator\.h5: expected a pixel transform"):
        FaceGenerator(tmp_path)


def test_broken_training_settings_are_refused(tmp_path: Path) -> None:
    write_weights(tmp_path, training=[1])
    with pytest.raises(WeightsError, match=r"expected the training settings as an object, got \[1\]"):
        FaceGenerator(tmp_path)


def test_the_pages_are_served(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert client.get("/lab").text.startswith("<!doctype html>")
    icon = client.get("/static/favicon.svg")
    assert icon.status_code == 200
    assert {page.headers["cache-control"], icon.headers["cache-control"]} == {"no-cache"}


def test_openapi_describes_every_call(app: FastAPI) -> None:
    document = app.openapi()

    assert set(document["paths"]) == {
        "/sample",
        "/samples",
        "/latent",
        "/avatar/{name}",
        "/interpolate",
        "/healthz",
        "/readyz",
        "/info",
        "/metrics",
        "/presets",
        "/session",
        "/jobs",
        "/jobs/check",
        "/jobs/data",
        "/jobs/{job_id}",
        "/jobs/{job_id}/cancel",
        "/jobs/{job_id}/pause",
        "/jobs/{job_id}/resume",
        "/jobs/{job_id}/step",
        "/jobs/{job_id}/fork",
        "/jobs/{job_id}/events",
        "/jobs/{job_id}/history",
        "/jobs/{job_id}/picture.png",
        "/jobs/{job_id}/film",
        "/jobs/{job_id}/samples",
        "/jobs/{job_id}/points",
        "/jobs/{job_id}/script",
        "/jobs/{job_id}/weights",
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (path, method)
            assert "4XX" in operation["responses"], (path, method)
            for parameter in operation.get("parameters", []):
                assert (
                    parameter.get("examples") or parameter["schema"].get("examples") or "default" in parameter["schema"]
                )
                assert parameter.get("description") or parameter["schema"].get("description"), (path, parameter)
    assert "image/png" in document["paths"]["/sample"]["get"]["responses"]["200"]["content"]
    assert "X-Seed" in document["paths"]["/sample"]["get"]["responses"]["200"]["headers"]
