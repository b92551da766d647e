"""Pages of other origins may use faces, latents and /info, whatever the answer; jobs are for our own pages alone."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.web.public import is_public

LATENTS = {"latents": [[0.0] * 16]}
PUBLIC = [
    *("/sample", "/sample?random=1", "/sample?seed=1", "/sample?size=32", "/samples?count=2", "/samples?seed=1"),
    *("/interpolate?from=1&to=2&steps=2", "/latent?seed=1", "/avatar/ada", "/avatar/a/b", "/info"),
]
FAULTS = [
    *(
        "/sample?seed=-1",
        "/sample?trunction=1",
        "/sample?seed=1&weights=0",
        "/samples?count=0",
        "/interpolate",
        "/latent",
    ),
    *(f"/avatar/{'x' * 300}", "/avatar/%ff", "/sample/", "/samples/1", "/avatar", "/info/x"),
]
PRIVATE = [
    *("/jobs", "/jobs/0123456789abcdef", "/jobs/0/events", "/jobs/0/samples", "/jobs/0/weights", "/jobs/0/picture.png"),
    *("/jobs?t=1", "/", "/lab", "/docs", "/static/favicon.svg", "/openapi.json", "/healthz", "/readyz", "/nothing"),
    *("/sampler", "/info.json", "/static/sample"),
]
CORS = "access-control-"


def _cors(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith((CORS, "cross-origin-"))}


SHARED = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "ETag, X-Seed",
    "cross-origin-resource-policy": "cross-origin",
}


@pytest.mark.parametrize("url", [*PUBLIC, *FAULTS])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("origin", [None, "https://example.org", "http://localhost:3000", "null"])
def test_any_page_may_use_a_face(client: TestClient, url: str, method: str, origin: str | None) -> None:
    """Without an Origin too: a browser may keep the answer to an image and hand it to a script later on."""
    answer = client.request(method, url, headers={"Origin": origin} if origin else {})
    assert (answer.status_code == 200) == (url in PUBLIC)
    assert _cors(answer) == SHARED
    assert len(answer.headers.get_list("access-control-allow-origin")) == 1


@pytest.mark.parametrize("url", ["/sample?seed=1", "/samples?seed=1", "/interpolate?from=1&to=2", "/latent?seed=1"])
def test_an_unchanged_face_stays_public(client: TestClient, url: str) -> None:
    answer = client.get(url, headers={"If-None-Match": "*", "Origin": "null"})
    assert (answer.status_code, _cors(answer)) == (304, SHARED)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"json": LATENTS}, 200),
        ({"json": LATENTS, "headers": {"Accept": "application/json", "Origin": "https://example.org"}}, 200),
        ({"json": {}}, 422),
        ({"content": "{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": "{}", "headers": {"Content-Type": "text/plain", "Origin": "https://example.org"}}, 415),
        ({"content": b" " * (2**20 + 1), "headers": {"Content-Type": "application/json"}}, 413),
    ],
)
def test_any_page_may_send_latents(client: TestClient, options: dict[str, Any], status: int) -> None:
    answer = client.post("/sample", **options)
    assert (answer.status_code, _cors(answer)) == (status, SHARED)


def test_a_wrong_method_can_be_read_about(client: TestClient) -> None:
    answer = client.delete("/sample", headers={"Origin": "https://example.org"})
    assert (answer.status_code, _cors(answer)) == (405, SHARED)


@pytest.mark.parametrize("url", ["/samples", "/sample?size=32"])
def test_a_fault_of_our_own_can_be_read_about(
    client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    async def fail(generate: Any, latents: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(app.state.faces.engine, "faces", fail)
    answer = client.get(url)
    assert (answer.status_code, _cors(answer)) == (500, SHARED)


@pytest.mark.parametrize("url", [*PUBLIC, *FAULTS])
def test_a_browser_that_asks_first_is_allowed(client: TestClient, url: str) -> None:
    asked = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "if-none-match,x-requested-with",
    }
    answer = client.options(url, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert _cors(answer).items() >= SHARED.items()
    assert "GET" in answer.headers["access-control-allow-methods"].split(", ")
    assert answer.headers["access-control-allow-headers"] == "if-none-match,x-requested-with"
    assert int(answer.headers["access-control-max-age"]) > 0
    assert ("POST" in answer.headers["access-control-allow-methods"]) == (
        url.partition("?")[0] in ("/sample", "/sample/")
    )


def test_a_plain_question_for_the_methods_is_answered(client: TestClient) -> None:
    answer = client.options("/sample")
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert client.options("/latent").headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", PRIVATE)
def test_nothing_else_is_for_other_pages(client: TestClient, path: str) -> None:
    origin = {"Origin": "https://example.org"}
    for answer in (
        client.get(path, headers=origin),
        client.head(path, headers=origin),
        client.post(path, json={}, headers=origin),
        client.delete(path, headers=origin),
        client.options(path, headers={**origin, "Access-Control-Request-Method": "POST"}),
    ):
        assert _cors(answer) == {}
    assert not is_public(path)


def test_every_call_for_pictures_is_public_and_no_other(app: FastAPI) -> None:
    """A new call has to be put into the list, or left out of it, on purpose."""
    paths = app.openapi()["paths"]
    pictures = {path for path, operations in paths.items() if "faces" in next(iter(operations.values()))["tags"]}
    assert {path for path in paths if is_public(path)} == pictures | {"/info"}
