"""Every answer has the headers by which browsers protect our visitors."""

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.jobs.service import manage
from app.web.connection_limits import Overload

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
DATA = "default-src 'none'; frame-ancestors 'none'"
PAGES = ["/", "/?seed=x", "/lab", "/docs"]
OTHERS = [
    *("/sample", "/sample?seed=1", "/sample?seed=1&size=32", "/sample?seed=-1", "/samples?count=2", "/avatar/ada"),
    *(
        "/interpolate?from=1&to=2&steps=2",
        "/latent?seed=1",
        "/info",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/presets",
    ),
    *("/static/favicon.svg", "/static/js/lab/main.js", "/static/nothing", "/static/swagger/swagger-ui.css", "/nothing"),
]
JOBS = ["/jobs", "/jobs/0123456789abcdef", "/jobs/0/events", "/jobs/0/samples", "/jobs?t=1"]
METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS"]


def _check(answer: Any, policy: str = DATA) -> None:
    for name, value in (ALWAYS | {"content-security-policy": policy}).items():
        assert answer.headers.get_list(name) == [value], name
    assert "server" not in answer.headers


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", OTHERS)
def test_data_are_neither_run_nor_framed(client: TestClient, path: str, method: str) -> None:
    _check(client.request(method, path))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_bring_all_that_they_need(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, path)
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "form-action 'self'"):
        assert rule in policy.split("; ")
    assert "frame-ancestors 'self'" in policy
    _check(answer, policy)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", JOBS)
def test_no_cache_keeps_a_job(client: TestClient, path: str, method: str) -> None:
    answer = client.request(method, path)
    _check(answer)
    assert answer.headers.get_list("cache-control") == ["no-store"]


def test_refusals_have_them(client: TestClient) -> None:
    _check(client.get("/sample", headers={"Host": "evil.test"}))
    _check(client.post("/jobs", headers={"Origin": "https://evil.test"}))
    _check(client.post("/sample", content=b"x" * 2**21))
    _check(client.get("/static/favicon.svg", headers={"Range": "bytes=9-1"}))
    _check(client.get("/sample?seed=1", headers={"If-None-Match": "*"}))


def test_so_has_an_unexpected_error(client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(manage, "show", fail)
    answer = client.get("/jobs/0123456789abcdef")
    assert answer.status_code == 500
    _check(answer)


def test_so_has_the_answer_to_too_many_connections() -> None:
    _check(TestClient(Overload(1).answer).get("/"))
