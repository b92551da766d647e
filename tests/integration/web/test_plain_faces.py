"""The short way answers as the route does, and leaves to the route what it does not know."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.faces.latents import MAX_SEED
from app.web import plain_faces


def _remembered(client: TestClient) -> dict[bytes, Any]:
    app: Any = client.app
    answers: dict[bytes, Any] = app.state.faces.model.answers
    return answers


def _headers(answer: Any) -> dict[str, str]:
    """Return the headers of an answer, without the id that only the long way gives."""
    return {name: value for name, value in sorted(answer.headers.items()) if name != "x-request-id"}


#: An empty body, which the short way leaves to the route.
_LONG_WAY = {"Content-Length": "0"}


def _weights(client: TestClient) -> str:
    return str(client.get("/info").json()["weights"]["sha256"])


@pytest.mark.parametrize("seed", [0, 1, 12345, MAX_SEED])
@pytest.mark.parametrize("digits", [0, 12, 13, 64])
def test_both_ways_give_the_same_answer(client: TestClient, seed: int, digits: int) -> None:
    url = f"/sample?seed={seed}" + (f"&weights={_weights(client)[:digits]}" if digits else "")
    short, again, long = client.get(url), client.get(url), client.get(url, headers=_LONG_WAY)

    assert (short.status_code, long.status_code) == (200, 200)
    assert short.content == again.content == long.content
    assert _headers(short) == _headers(again) == _headers(long)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("remembered", [False, True])
def test_both_ways_know_what_the_client_has(client: TestClient, named: bool, remembered: bool) -> None:
    url = "/sample?seed=9001" + (f"&weights={_weights(client)[:12]}" if named else "")
    _remembered(client).clear()
    if remembered:
        client.get(url)
    etag = client.get(url, headers=_LONG_WAY).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        short = client.get(url, headers={"If-None-Match": known})
        long = client.get(url, headers={"If-None-Match": known, **_LONG_WAY})
        assert (short.status_code, short.content) == (long.status_code, long.content) == (304, b"")
        assert _headers(short) == _headers(long)
    for unknown in ('"other"', etag.strip('"'), ""):
        short = client.get(url, headers={"If-None-Match": unknown})
        long = client.get(url, headers={"If-None-Match": unknown, **_LONG_WAY})
        assert (short.status_code, short.content) == (long.status_code, long.content)
        assert short.status_code == 200


def test_new_faces_have_the_headers_of_the_route(client: TestClient) -> None:
    long = client.get("/sample?size=16")
    for url in ("/sample", "/sample?", "/sample?random=1", "/sample?random="):
        short = client.get(url)
        assert set(_headers(short)) == set(_headers(long))
        assert short.headers["cache-control"] == long.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "query", ["seed=-1", f"seed={MAX_SEED + 1}", "seed=", "seed=1&seed=1", "sed=1", "seed=1&Seed=2"]
)
def test_faults_are_left_to_the_route(client: TestClient, query: str) -> None:
    assert client.get(f"/sample?{query}").status_code == 422


@pytest.mark.parametrize("query", ["seed=007", "seed=%37", "seed=7&size=16"])
def test_other_spellings_are_left_to_the_route(client: TestClient, query: str) -> None:
    assert client.get(f"/sample?{query}").content == client.get("/sample?seed=7").content


def test_a_body_is_looked_at_by_the_route(client: TestClient) -> None:
    assert client.request("GET", "/sample", content=b" " * 2**21).status_code == 413


def test_the_answers_it_remembers_are_limited(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_faces, "_REMEMBERED", 3)
    _remembered(client).clear()

    for seed in (1, 2, 3, 1, 4):
        client.get(f"/sample?seed={seed}")
    assert list(_remembered(client)) == [b"seed=3", b"seed=1", b"seed=4"]


def test_no_face_is_handed_out_twice(client: TestClient) -> None:
    with ThreadPoolExecutor(16) as threads:
        seeds = list(threads.map(lambda _: client.get("/sample").headers["x-seed"], range(500)))
    assert len(set(seeds)) == 500


@pytest.mark.parametrize("path", ["/samples?count=1024", "/interpolate?from=1&to=2&steps=1024", "/avatar/ada"])
def test_who_has_left_is_not_drawn_for(client: TestClient, app: FastAPI, path: str) -> None:
    """Call the application as a server does whose client has hung up."""
    statuses = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": query.encode(),
        "headers": [(b"host", b"127.0.0.1")],
    }

    async def call() -> None:
        await app(scope, receive, send)
        assert all(request.faces.done() for request in app.state.faces.engine._waiting)

    assert client.portal is not None
    client.portal.call(call)
    assert statuses[0] == 499
