"""Requests are counted by the route that answers them, whoever answers, and all but plain faces get an id."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/samples?count=2", "/samples", 200),
        ("HEAD", "/samples?count=2", "/samples", 200),
        ("GET", "/avatar/ada", "/avatar/{name}", 200),
        ("GET", "/jobs?limit=0", "/jobs", 422),
        ("PUT", "/samples", "/samples", 405),
        ("GET", "/static/css/base.css", "/static/{path}", 200),
        ("GET", "/static/no.css", "/static/{path}", 404),
        ("GET", "/samples/1", "unknown", 404),
        ("OPTIONS", "/sample", "unknown", 204),
        ("BREW", "/pot", "unknown", 404),
    ],
)
def test_the_route_of_each_answer(
    client: TestClient, app: FastAPI, method: str, path: str, route: str, status: int
) -> None:
    counted = app.state.traffic.of(method, route, status)
    before = counted.count, counted.bytes
    answer = client.request(method, path, headers={"X-Request-Id": "mine", "Accept-Encoding": "identity"})
    assert answer.status_code == status
    assert answer.headers["x-request-id"] == "mine"
    assert (counted.count, counted.bytes) == (before[0] + 1, before[1] + len(answer.content))


def test_a_refused_host_is_counted_and_has_an_id(client: TestClient, app: FastAPI) -> None:
    refused = app.state.traffic.of("GET", "unknown", 421)
    before = refused.count
    answer = client.get("/sample", headers={"Host": "elsewhere.example"})
    assert answer.status_code == 421
    assert answer.headers["x-request-id"] == answer.json()["request_id"]
    assert refused.count == before + 1


def test_plain_faces_are_counted_and_timed(client: TestClient, app: FastAPI) -> None:
    sent, known = (app.state.traffic.of("GET", "/sample", status) for status in (200, 304))
    before = sent.count, sent.bytes, known.count
    faces = [client.get(path) for path in ("/sample", "/sample?seed=1", "/sample?seed=1")]
    client.get("/sample?seed=1", headers={"If-None-Match": faces[1].headers["etag"]})
    size = sum(len(face.content) for face in faces)
    assert (sent.count, sent.bytes, known.count) == (before[0] + 3, before[1] + size, before[2] + 1)
    assert all("x-request-id" not in face.headers for face in faces)
