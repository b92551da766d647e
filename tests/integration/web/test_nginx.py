"""The lines of docs/internet.md for nginx, before the real service."""

import contextlib
import json
import re
import ssl
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.web.schemas.problem import Problem
from tests.conftest import ROOT
from tests.integration.jobs.harness import LONG, Service, service, until
from tests.integration.jobs.postgresql import free_port
from tests.integration.nginx import Nginx

NAME = "faces.example.org"
KEY = "k" * 43


def _lines() -> str:
    (lines,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "internet.md").read_text(), re.DOTALL)
    return str(lines)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {"trusted_proxies": "127.0.0.1", "allowed_hosts": NAME, "api_keys": f"ada={KEY}"}
    with service(tmp_path_factory.mktemp("internet"), max_upload=1, warm_architectures=0, **settings) as running:
        yield running  # the last test stops it


@pytest.fixture(scope="module")
def client(running: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Yield a client of the proxy, which knows its certificate."""
    folder = tmp_path_factory.mktemp("nginx")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    of = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={NAME}"]
    of += ["-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", *of, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    secure, plain = free_port(), free_port()
    here = {
        "127.0.0.1:8000": running.address.removeprefix("http://"),
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ": f"listen 127.0.0.1:{secure} ",
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(certificate),
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(key),
    }
    nginx = Nginx(folder, _lines(), here)
    try:
        context = ssl.create_default_context(cafile=certificate)
        address = f"https://127.0.0.1:{secure}"
        extensions = {"sni_hostname": NAME}
        with httpx.Client(base_url=address, verify=context, headers={"Host": NAME}, timeout=60) as client:
            send = client.send
            client.send = lambda request, **options: send(_named(request, extensions), **options)  # type: ignore[method-assign]
            until(lambda: _answers(client, nginx), "nginx")
            assert httpx.get(f"http://127.0.0.1:{plain}/lab?x=1", headers={"Host": NAME}).headers["location"] == (
                f"https://{NAME}/lab?x=1"
            )
            yield client
    finally:
        nginx.end()


def _named(request: httpx.Request, extensions: dict[str, Any]) -> httpx.Request:
    request.extensions = {**request.extensions, **extensions}
    return request


def _answers(client: httpx.Client, nginx: Nginx) -> bool:
    nginx.check()
    with contextlib.suppress(httpx.ConnectError):
        return client.get("/healthz").status_code == 200
    return False


def test_faces_pages_and_what_they_say_of_caching_come_through(client: httpx.Client, running: Service) -> None:
    for path in ("/sample?seed=1", "/avatar/ada.png", "/lab", "/static/css/base.css", "/sample"):
        outside = client.get(path)
        inside = running.client.get(path)
        assert (path, outside.status_code) == (path, 200)
        for name in ("cache-control", "etag", "content-security-policy", "x-content-type-options", "vary"):
            assert outside.headers.get(name) == inside.headers.get(name), (path, name)
        assert outside.headers["strict-transport-security"] == "max-age=31536000"
        if "etag" in outside.headers:
            again = client.get(path, headers={"If-None-Match": outside.headers["etag"]})
            assert (path, again.status_code) == (path, 304)


def test_strangers_stay_strangers_whatever_they_say(client: httpx.Client) -> None:
    for claim in ({}, {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-For": "::1, 127.0.0.1"}):
        answer = client.get("/jobs", headers=claim)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert client.get("/jobs", headers={"Authorization": f"Bearer {KEY}"}).json()["jobs"] == []
    cookie = client.post("/session", json={"key": KEY}, headers={"Origin": f"https://{NAME}"})
    assert cookie.status_code == 204, cookie.text
    assert "secure" in cookie.headers["set-cookie"].lower(), "the service knows that the client has HTTPS"


def test_uploads_are_received_and_refused_by_the_service(client: httpx.Client) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    row = b"0.25,0.5\n"
    fine = client.post("/jobs/data", files={"data": ("points.csv", row * 50_000)}, headers=key)
    assert (fine.status_code, fine.json()["rows"]) == (200, 50_000)
    large = client.post("/jobs/data", files={"data": ("points.csv", row * 400_000)}, headers=key)
    assert (large.status_code, large.headers["content-type"]) == (413, "application/problem+json")


def test_events_come_while_the_job_goes_on(client: httpx.Client) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    job = client.post("/jobs", json=LONG, headers=key).json()["id"]
    with client.stream("GET", f"/jobs/{job}/events", headers=key) as stream:
        told = next(line for line in stream.iter_lines() if line.startswith("data:"))
        assert json.loads(told.removeprefix("data:"))["status"] == "queued"
        assert client.get(f"/jobs/{job}", headers=key).json()["ended"] is None
    assert client.post(f"/jobs/{job}/cancel", headers=key).status_code == 202


def test_what_nginx_answers_itself_has_the_shape_of_all_errors(client: httpx.Client, running: Service) -> None:
    def check(answer: httpx.Response, status: int, detail: str) -> None:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        told = Problem.model_validate(answer.json())
        assert told.title
        assert (told.status, told.detail) == (status, detail)
        assert len(told.request_id or "") == 32

    check(client.get("/metrics"), 403, "metrics are for the machines of the service")
    large = client.post("/jobs/data", content=b"x" * (66 * 2**20 + 1))
    check(large, 413, "expected a body of at most 66 MiB")
    running.stop()
    check(client.get("/sample"), 502, "no service answers now; try again in a few seconds")
