"""Strangers may ask for so many faces a minute; the machine itself for any number."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.config import Settings
from app.main import create_app

FACES = 20
#: Calls for faces, and how many each counts as.
CALLS = {
    "GET /sample": 1,
    "HEAD /sample?seed=1": 1,
    "GET /sample?seed=1&size=64": 1,
    "GET /sample?seed=x": 1,
    "GET /avatar/ada": 1,
    "GET /latent?seed=1": 1,
    "GET /info": 1,
    "POST /sample": 3,
    "GET /samples?count=9": 9,
    "GET /interpolate?from=1&to=2&steps=5&format=gif": 5,
    "GET /samples?count=1000": FACES,  # more than a minute's, but not refused for ever
}
OTHERS = ["/lab", "/docs", "/static/favicon.svg", "/healthz", "/readyz", "/metrics", "/presets"]


@contextmanager
def _service(settings: Settings) -> Iterator[TestClient]:
    """Yield a client on the same machine, whose header X-Forwarded-For is believed as the settings say."""
    app: Any = ProxyHeadersMiddleware(cast(Any, create_app(settings)), settings.believed_proxies)
    with TestClient(app, client=("127.0.0.1", 50_000), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def client(weights: Path) -> Iterator[TestClient]:
    with _service(Settings(weights=weights, faces_per_minute=FACES)) as client:
        yield client


def _ask(client: TestClient, call: str) -> Any:
    method, path = call.split()
    return client.request(method, path, json={"latents": 3 * [16 * [0.0]]} if method == "POST" else None)


@pytest.mark.parametrize(("number", "call"), [*enumerate(CALLS)])
def test_a_stranger_has_a_rate_of_faces(client: TestClient, number: int, call: str) -> None:
    """Whichever faces they are, by whichever way they come."""
    client.headers["X-Forwarded-For"] = f"192.0.2.{number}"
    for _ in range(FACES // CALLS[call]):
        assert _ask(client, call).status_code in (200, 422)
    while (left := client.get("/sample")).status_code == 200:
        pass  # what is left of the minute
    for refused in (left, _ask(client, call), client.get("/sample?seed=x")):
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit-policy"] == f'"faces";q={FACES};w=60'
        assert refused.headers["access-control-allow-origin"] == "*"
        assert refused.headers["x-content-type-options"] == "nosniff"
    problem = client.get("/sample").json()
    assert f"expected at most {FACES} faces a minute of one client" in problem["detail"]
    assert {"type", "title", "status", "detail", "request_id"} == set(problem)
    for path in OTHERS:
        assert client.get(path).status_code != 429, path
    assert 'status="429"' in client.get("/metrics").text


def test_the_face_page_counts_as_the_face_in_it(client: TestClient) -> None:
    client.headers["X-Forwarded-For"] = "192.0.2.99"
    assert [client.get("/").status_code for _ in range(FACES + 1)] == FACES * [200] + [429]
    assert client.get("/sample").status_code == 429


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_machine_itself_has_none(client: TestClient, address: str) -> None:
    client.headers["X-Forwarded-For"] = address
    for call in CALLS:
        assert {_ask(client, call).status_code for _ in range(FACES + 1)} <= {200, 422}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "limited", "needs_key"),
    [
        (None, None, False, False),
        (None, "192.0.2.1", True, True),
        (None, "192.0.2.2, 127.0.0.1", True, True),
        (None, "unknown", True, True),
        ("127.0.0.0/8", "10.9.9.9, 192.0.2.3", True, True),
        ("127.0.0.1,10.0.0.0/8", "192.0.2.4, 10.9.9.9", True, True),
        ("10.0.0.7", "192.0.2.5", False, True),  # the one that tells is not named
        ("127.0.0.1", "127.0.0.1", False, True),
    ],
)
def test_whom_a_proxy_names_is_believed_from_those_that_the_settings_name(
    weights: Path, proxies: str | None, forwarded: str | None, limited: bool, needs_key: bool
) -> None:
    with _service(Settings(weights=weights, trusted_proxies=proxies or "", faces_per_minute=1)) as client:
        if forwarded is not None:
            client.headers["X-Forwarded-For"] = forwarded
        assert [client.get("/info").status_code for _ in range(2)] == [200, 429 if limited else 200]
        assert client.get("/jobs").status_code == (401 if needs_key else 200)
