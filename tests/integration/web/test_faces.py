import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.faces.latents import MAX_SEED


def _picture(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def _pixels(answer: Any) -> np.ndarray:
    return np.asarray(_picture(answer))


def test_a_new_face_each_time(client: TestClient) -> None:
    answers = [client.get("/sample") for _ in range(5)]
    picture = _picture(answers[0])

    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (16, 16))
    assert answers[0].headers["content-type"] == "image/png"
    assert answers[0].headers["cache-control"] == "no-store"
    assert "etag" not in answers[0].headers
    assert len({answer.content for answer in answers}) == 5
    assert len({answer.headers["x-seed"] for answer in answers}) == 5


def test_the_seed_of_a_new_face_brings_it_back(client: TestClient) -> None:
    new = client.get("/sample")
    again = client.get("/sample", params={"seed": new.headers["x-seed"]})

    assert again.content == new.content
    assert again.headers["x-seed"] == new.headers["x-seed"]


def test_a_seed_gives_the_same_bytes_in_any_company(client: TestClient) -> None:
    alone = {seed: client.get("/sample", params={"seed": seed}).content for seed in range(100)}
    with ThreadPoolExecutor(32) as threads:
        together = dict(
            zip(alone, threads.map(lambda seed: client.get(f"/sample?seed={seed}").content, alone), strict=True)
        )
    sheet = _pixels(client.get("/samples?count=100&columns=100&seed=0"))

    assert together == alone
    for seed, content in alone.items():
        face = np.asarray(Image.open(io.BytesIO(content)))
        np.testing.assert_array_equal(sheet[:, 16 * seed : 16 * seed + 16], face)


@pytest.mark.parametrize("seed", [0, 1, 2**32, MAX_SEED])
def test_seeds_of_the_whole_range(client: TestClient, seed: int) -> None:
    answer = client.get("/sample", params={"seed": seed})
    assert answer.headers["x-seed"] == str(seed)
    assert _pixels(answer).shape == (16, 16)


def test_truncation_pulls_to_the_middle(client: TestClient) -> None:
    def face(seed: int, truncation: float) -> np.ndarray:
        return _pixels(client.get("/sample", params={"seed": seed, "truncation": truncation})).astype(int)

    np.testing.assert_array_equal(face(1, 0), face(2, 0))
    assert (face(1, 1) == _pixels(client.get("/sample?seed=1"))).all()
    middle = face(1, 0)
    distances = [np.abs(face(1, truncation) - middle).mean() for truncation in (0.25, 0.5, 1)]
    assert distances == sorted(distances)
    assert distances[0] > 0


@pytest.mark.parametrize("resample", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_size(client: TestClient, resample: str) -> None:
    small = _pixels(client.get("/sample?seed=3"))
    large = _pixels(client.get("/sample", params={"seed": 3, "size": 64, "resample": resample}))

    assert large.shape == (64, 64)
    if resample == "nearest":
        np.testing.assert_array_equal(large[::4, ::4], small)


# sheets


def test_a_sheet(client: TestClient) -> None:
    answer = client.get("/samples?count=10&columns=5")
    first = int(answer.headers["x-seed"])
    sheet = _pixels(answer)

    assert sheet.shape == (32, 80)
    assert answer.headers["cache-control"] == "no-store"
    np.testing.assert_array_equal(sheet[16:, 64:], _pixels(client.get(f"/sample?seed={first + 9}")))


def test_the_largest_sheet(client: TestClient) -> None:
    assert _pixels(client.get("/samples?count=1024")).shape == (512, 512)


def test_a_sheet_at_the_end_of_the_seeds(client: TestClient) -> None:
    sheet = _pixels(client.get("/samples", params={"count": 2, "columns": 2, "seed": MAX_SEED}))
    np.testing.assert_array_equal(sheet[:, 16:], _pixels(client.get("/sample?seed=0")))


# the caller's own latents


def test_the_latent_of_a_seed_gives_that_seed_s_very_bytes(client: TestClient) -> None:
    for seed in (0, 7, MAX_SEED):
        latent = client.get("/latent", params={"seed": seed}).json()
        assert latent["seed"] == seed
        assert len(latent["latent"]) == 16
        posted = client.post("/sample", json={"latents": [latent["latent"]]})
        assert posted.content == client.get("/sample", params={"seed": seed}).content


def test_several_latents_make_a_sheet(client: TestClient) -> None:
    latents = [client.get(f"/latent?seed={seed}").json()["latent"] for seed in range(4)]
    answer = client.post("/sample?size=32", json={"latents": latents})
    np.testing.assert_array_equal(_pixels(answer), _pixels(client.get("/samples?count=4&seed=0&size=32")))


def test_latents_to_numbers(client: TestClient) -> None:
    latent = client.get("/latent?seed=9").json()["latent"]
    answer = client.post("/sample", json={"latents": [latent, [0] * 16]}, headers={"Accept": "application/json"})
    pixels = np.array(answer.json()["pixels"])

    assert pixels.shape == (2, 16, 16)
    np.testing.assert_array_equal(pixels[0], _pixels(client.get("/sample?seed=9")))
    np.testing.assert_array_equal(pixels[1], _pixels(client.get("/sample?seed=9&truncation=0")))


def test_as_many_latents_as_allowed(client: TestClient) -> None:
    assert _pixels(client.post("/sample", json={"latents": [[0.5] * 16] * 1024})).shape == (512, 512)


# interpolations


@pytest.mark.parametrize("path", ["linear", "spherical"])
def test_a_strip_runs_from_one_face_to_the_other(client: TestClient, path: str) -> None:
    strip = _pixels(client.get(f"/interpolate?from=1&to=2&steps=7&path={path}"))

    assert strip.shape == (16, 112)
    np.testing.assert_array_equal(strip[:, :16], _pixels(client.get("/sample?seed=1")))
    np.testing.assert_array_equal(strip[:, -16:], _pixels(client.get("/sample?seed=2")))


def test_a_strip_has_twenty_faces_by_default(client: TestClient) -> None:
    assert _pixels(client.get("/interpolate?from=1&to=2")).shape == (16, 320)


@pytest.mark.parametrize(
    ("file_format", "media_type"), [("gif", "image/gif"), ("webp", "image/webp"), ("apng", "image/apng")]
)
def test_animations(client: TestClient, file_format: str, media_type: str) -> None:
    answer = client.get(f"/interpolate?from=1&to=2&steps=5&format={file_format}&fps=5&size=32")
    picture = _picture(answer)

    assert answer.headers["content-type"] == media_type
    assert (picture.n_frames, picture.size) == (5, (32, 32))


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "image/png"),
        ("image/png, application/json;q=0.1", "image/png"),
        ("application/json;q=0", "image/png"),
        ("APPLICATION/JSON", "application/json"),
        ("application/json, image/png;q=0.5", "application/json"),
        ("application/json;q=much", "image/png"),
    ],
)
def test_the_accept_header_decides(client: TestClient, accept: str, media_type: str) -> None:
    answer = client.post("/sample", json={"latents": [[0.0] * 16]}, headers={"Accept": accept})
    assert answer.headers["content-type"] == media_type
    assert answer.headers["vary"] == "Accept"


def test_head_is_get_without_a_body(client: TestClient) -> None:
    head, get = client.head("/sample?seed=1"), client.get("/sample?seed=1")
    assert head.status_code == 200
    assert head.headers["etag"] == get.headers["etag"]
