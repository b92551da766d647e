"""What browsers and CDNs may keep: a URL that names the weights for good, others only as long as it is still true."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.main import create_app
from tests.integration.conftest import write_weights

#: Answers that a URL decides, once it is known which weights are served.
REPEATABLE = [
    "/sample?seed=5",
    "/sample?seed=5&size=32&truncation=0.5",
    "/samples?count=4&seed=1",
    "/samples?count=4&seed=1&size=20&truncation=0.5",
    "/interpolate?from=1&to=2",
    "/interpolate?from=1&to=2&steps=5&format=gif",
    "/latent?seed=5",
    "/avatar/ada?size=32",
]
NEW = ["/sample", "/sample?size=32", "/samples", "/samples?count=4"]


def _sha256(client: TestClient) -> str:
    return str(client.get("/info").json()["weights"]["sha256"])


def _with(url: str, weights: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}weights={weights}"


def test_info_says_how_the_weights_are_named(client: TestClient) -> None:
    weights = client.get("/info").json()["weights"]
    assert len(weights["id"]) == 12
    assert weights["sha256"].startswith(weights["id"])


@pytest.mark.parametrize("url", REPEATABLE)
def test_a_url_that_names_no_weights_is_asked_for_again(client: TestClient, url: str) -> None:
    first = client.get(url)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    etag = first.headers["etag"]
    for known in (etag, f'"other", W/{etag}', "*"):
        again = client.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["etag"], again.headers["cache-control"]) == (etag, "no-cache")
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("url", REPEATABLE)
@pytest.mark.parametrize("digits", [12, 13, 40, 64])
def test_a_url_that_names_the_weights_is_kept_for_good(client: TestClient, url: str, digits: int) -> None:
    sha256 = _sha256(client)
    for name in (sha256[:digits], sha256[:digits].upper()):
        answer = client.get(_with(url, name))
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.content == client.get(url).content
        again = client.get(_with(url, name), headers={"If-None-Match": answer.headers["etag"]})
        assert again.status_code == 304
        assert "immutable" in again.headers["cache-control"]


@pytest.mark.parametrize("url", [*REPEATABLE, *NEW])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_weights_that_are_not_served_are_not_found(client: TestClient, url: str, method: str) -> None:
    sha256 = _sha256(client)
    flipped = "1" if sha256[0] == "0" else "0"
    for name in (
        "0123456789ab",
        sha256[:11],  # too few digits to name them
        sha256[:4],
        flipped + sha256[1:12],
        sha256[:63] + ("1" if sha256[63] == "0" else "0"),
        sha256 + "0",
        "",
        "latest",
        "é" * 300,
    ):
        answer = client.request(method, _with(url, name))
        assert answer.status_code == 404, name
        assert answer.headers["cache-control"] == "no-store"  # they may be served a minute later
        if method == "GET":
            assert answer.headers["content-type"] == "application/problem+json"
            assert f"expected weights={sha256[:12]}" in answer.json()["detail"]
            assert len(answer.json()["detail"]) < 300


@pytest.mark.parametrize("url", NEW)
def test_a_new_face_is_never_kept(client: TestClient, url: str) -> None:
    named = _with(url, _sha256(client)[:12])
    for address in (url, named):
        answer = client.get(address, headers={"If-None-Match": "*"})
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
        assert "etag" not in answer.headers
        assert answer.content != client.get(address).content


def test_latents_of_ones_own_may_name_the_weights(client: TestClient) -> None:
    body = {"latents": [[0.0] * 16]}
    assert client.post(_with("/sample", _sha256(client)[:12]), json=body).status_code == 200
    assert client.post("/sample?weights=0123456789ab", json=body).status_code == 404


@pytest.mark.parametrize(
    "url", ["/sample?seed=1&weights=a&weights=b", "/avatar/ada?wieghts=0", "/latent?seed=1&weight=0"]
)
def test_weights_named_in_a_wrong_way_are_refused(client: TestClient, url: str) -> None:
    assert client.get(url).status_code == 422


@pytest.mark.parametrize("pixels", ["raw", "symmetric"])
def test_what_a_setting_decides_is_asked_for_again(tmp_path: Path, pixels: str) -> None:
    """The hash of the weights names no face wholly where NOBODY_PIXELS says what their numbers mean."""
    with TestClient(create_app(Settings(weights=write_weights(tmp_path), pixels=pixels))) as client:
        for url in REPEATABLE:
            answer = client.get(_with(url, _sha256(client)[:12]))
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


def test_new_weights_show_new_people(client: TestClient, tmp_path: Path) -> None:
    """A visitor comes back after the weights were changed, with all that was cached before."""
    with TestClient(create_app(Settings(weights=write_weights(tmp_path, seed=1)))) as changed:
        for url in REPEATABLE:
            old = client.get(url)
            new = changed.get(url, headers={"If-None-Match": old.headers["etag"]})
            assert new.status_code == 200
            assert new.headers["etag"] != old.headers["etag"]
            if not url.startswith("/latent"):
                assert new.content != old.content
            assert changed.get(_with(url, _sha256(client)[:12])).status_code == 404
