"""Whatever is wrong, the answer is one problem+json body that says so."""

import json
import threading
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.faces.generator import FaceGenerator
from app.jobs.service import results
from app.web.errors import _field_error
from app.web.schemas.faces import MAX_NAME
from app.web.schemas.problem import Problem
from tests.conftest import PATIENCE

SEVENTEEN = [0.0] * 17


def _problem(answer: Any, status: int) -> Problem:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert "Traceback" not in answer.text
    problem = Problem.model_validate(answer.json())
    assert problem.status == status
    assert problem.title
    return problem


@pytest.mark.parametrize(
    ("url", "field", "message"),
    [
        ("/sample?seed=-1", "query.seed", "greater than or equal to 0, got '-1'"),
        ("/sample?seed=9007199254740992", "query.seed", "less than or equal to 9007199254740991"),
        ("/sample?seed=1.5", "query.seed", "valid integer"),
        ("/sample?seed=", "query.seed", "valid integer"),
        ("/sample?truncation=1.1", "query.truncation", "less than or equal to 1, got '1.1'"),
        ("/sample?truncation=nan", "query.truncation", "finite number"),
        ("/sample?size=15", "query.size", "greater than or equal to 16"),
        ("/sample?size=1025", "query.size", "less than or equal to 1024"),
        ("/sample?resample=magic", "query.resample", "'nearest', 'bilinear', 'bicubic' or 'lanczos', got 'magic'"),
        ("/sample?sed=1", "query.sed", "there is no such parameter"),
        ("/samples?count=0", "query.count", "greater than or equal to 1"),
        ("/samples?count=1025", "query.count", "less than or equal to 1024"),
        ("/samples?columns=0", "query.columns", "greater than or equal to 1"),
        ("/samples?count=1024&size=1024", "query", "1024 faces of 1024×1024 = 1,073,741,824"),
        ("/interpolate", "query.from", "Field required"),
        ("/interpolate?from=1", "query.to", "Field required"),
        ("/interpolate?from=1&to=2&steps=1", "query.steps", "greater than or equal to 2"),
        ("/interpolate?from=1&to=2&steps=1025", "query.steps", "less than or equal to 1024"),
        ("/interpolate?from=1&to=2&path=round", "query.path", "'linear' or 'spherical', got 'round'"),
        ("/interpolate?from=1&to=2&format=bmp", "query.format", "'png', 'gif', 'webp' or 'apng', got 'bmp'"),
        ("/interpolate?from=1&to=2&fps=51", "query.fps", "less than or equal to 50"),
        ("/interpolate?from=1&to=2&steps=100&size=1024", "query", "100 faces of 1024×1024"),
        ("/latent", "query.seed", "Field required"),
        ("/latent?seed=x", "query.seed", "valid integer"),
        (f"/avatar/{'x' * (MAX_NAME + 1)}", "path.name", "at most 256 characters"),
        (f"/avatar/{'x' * (MAX_NAME + 1)}.jpeg", "path.name", "at most 256 characters"),
    ],
)
def test_bad_parameters(client: TestClient, url: str, field: str, message: str) -> None:
    problem = _problem(client.get(url), 422)
    assert problem.errors is not None
    [error] = [error for error in problem.errors if error.field == field]
    assert message in error.message
    assert message in problem.detail


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "body.latents: Field required"),
        ({"latents": []}, "at least 1 item"),
        ({"latents": [[0.0] * 16] * 1025}, "at most 1024 items"),
        ({"latents": [SEVENTEEN]}, "body.latents.0: List should have at most 16 items"),
        ({"latents": [[0.0] * 16, [0.0] * 15]}, "body.latents.1: List should have at least 16 items"),
        ({"latents": [["a"] + [0.0] * 15]}, "body.latents.0.0: Input should be a valid number, got 'a'"),
        ({"latents": [["1"] + [0.0] * 15]}, "body.latents.0.0: Input should be a valid number, got '1'"),
        ({"latents": [[None] + [0.0] * 15]}, "body.latents.0.0: Input should be a valid number"),
        ({"latents": [[101] + [0.0] * 15]}, "less than or equal to 100"),
        ({"latents": [[float("nan")] + [0.0] * 15]}, "finite number"),
        ({"latents": [[float("inf")] + [0.0] * 15]}, "finite number"),
        ({"latents": "zero"}, "valid list"),
        ({"latents": [[0.0] * 16], "seed": 1}, "body.seed: there is no such parameter"),
        ([], "valid dictionary or object"),
    ],
)
def test_bad_bodies(client: TestClient, body: Any, message: str) -> None:
    answer = client.post("/sample", content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert message in _problem(answer, 422).detail


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"latents": [[' * 1000])
def test_bodies_that_are_not_json(client: TestClient, content: bytes) -> None:
    answer = client.post("/sample", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    _problem(answer, answer.status_code)


@pytest.mark.parametrize("path", ["/nothing", "/samples/1", "/static/nothing.js", "/static/../app/main.py"])
def test_unknown_paths(client: TestClient, path: str) -> None:
    assert "there is nothing at" in _problem(client.get(path), 404).detail


def test_a_wrong_method_is_told_the_right_one(client: TestClient) -> None:
    for path, allowed in (
        ("/latent", "GET, HEAD"),
        ("/sample", "GET, HEAD, POST"),
        ("/static/favicon.svg", "GET, HEAD"),
        ("/static/swagger/swagger-ui.css", "GET, HEAD"),
        ("/static/nothing", "GET, HEAD"),
        ("/jobs", "DELETE, GET, HEAD, POST"),
        ("/jobs/check", "POST"),  # not those of a job
        ("/jobs/data", "POST"),
        ("/jobs/0123456789abcdef", "DELETE, GET, HEAD, PATCH"),
    ):
        answer = client.put(path)
        assert _problem(answer, 405).detail == f"expected {allowed} for {path}, got PUT"
        assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("wanted", "status", "detail"),
    [
        ("bytes=9-1", 400, "start must be less than end"),
        ("bytes", 400, "Malformed range header"),
        ("lines=1-2", 400, "Only support bytes range"),
        ("bytes=100000-", 416, "expected a header Range within bytes */"),
    ],
)
def test_a_bad_range(client: TestClient, wanted: str, status: int, detail: str) -> None:
    answer = client.get("/static/favicon.svg", headers={"Range": wanted})
    assert detail in _problem(answer, status).detail
    assert ("content-range" in answer.headers) == (status == 416)


def test_a_body_that_is_not_called_json(client: TestClient) -> None:
    answer = client.post("/sample", content="{}", headers={"Content-Type": "text/plain"})
    assert "expected the header Content-Type: application/json, got text/plain" in _problem(answer, 415).detail


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large(client: TestClient, announced: bool) -> None:
    megabyte = b" " * 2**20
    content = megabyte * 2 if announced else iter([megabyte, megabyte])
    answer = client.post("/sample", content=content, headers={"Content-Type": "application/json"})
    assert _problem(answer, 413).detail == "expected a body of at most 1,048,576 bytes"


@pytest.mark.parametrize(
    ("type_", "message", "given", "expected"),
    [
        (
            "int_from_float",
            "Input should be a valid integer, got a number with a fractional part",
            1.5,
            "Input should be a valid integer, got 1.5",
        ),
        ("value_error", "Value error, expected one word, got two", "a b", "expected one word, got two"),
        ("value_error", "Value error, expected one word", "a b", "expected one word, got 'a b'"),
        ("int_parsing", "Input should be a valid integer", "x", "Input should be a valid integer, got 'x'"),
        ("value_error", "Value error, expected three, got [1]", [1], "expected three, got [1]"),
    ],
)
def test_what_came_is_said_once(type_: str, message: str, given: object, expected: str) -> None:
    error = _field_error({"type": type_, "loc": ("body", "epochs"), "msg": message, "input": given})
    assert (error.field, error.message) == ("body.epochs", expected)


def test_an_answer_lists_only_some_of_many_errors(client: TestClient) -> None:
    problem = _problem(client.post("/sample", json={"latents": [["x"] * 16] * 1024}), 422)
    assert problem.errors is not None
    assert len(problem.errors) == 20


@pytest.mark.parametrize("url", ["/sample?seed=1&seed=2", "/sample?seed=-1&seed=1"])
def test_a_repeated_parameter(client: TestClient, url: str) -> None:
    assert _problem(client.get(url), 422).detail == "query.seed: expected once, got several times"


@pytest.mark.parametrize("path", ["/sample/", "/avatar", "/docs/"])
def test_a_slash_too_many_or_too_few(client: TestClient, path: str) -> None:
    _problem(client.get(path), 404)


def test_a_fault_of_our_own_says_nothing_about_itself(
    client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(generate: Any, latents: Any) -> Any:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(app.state.faces.engine, "faces", fail)
    problem = _problem(client.get("/samples"), 500)
    assert "secret" not in problem.model_dump_json()


#: A seed of its own: the answers to those of other tests are remembered, and come without the generator.
@pytest.mark.parametrize("url", ["/sample", "/sample?seed=503503", "/sample?seed=1&size=32", "/samples", "/avatar/ada"])
def test_a_generator_that_fails_is_a_503_and_comes_back(
    url: str, client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(generator: FaceGenerator, latents: Any) -> Any:
        raise RuntimeError("the secret reason")

    with monkeypatch.context() as patch:
        patch.setattr(FaceGenerator, "__call__", fail)
        while (answer := client.get(url)).status_code == 200:
            continue  # out of the stock
        assert _problem(answer, 503).detail == "the service cannot draw faces now; try again in a few seconds"
        assert answer.headers["retry-after"] == "5"
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("path", ["/jobs", "/jobs/0123456789abcdef/fork", "/sample"])
def test_who_leaves_amid_a_body_is_no_fault_of_ours(client: TestClient, app: FastAPI, path: str, kind: str) -> None:
    """A fault would be logged with its traceback, and raised here."""
    begun = {"type": "http.request", "body": b"--x\r\n", "more_body": True}
    headers = [(b"content-type", kind.encode()), (b"content-length", b"100")]
    assert _status_for_who_leaves(client, app, "POST", path, begun, headers) in (400, 499)


def test_who_leaves_before_the_film_is_drawn_ends_the_drawing(
    client: TestClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def draw(*arguments: Any) -> bytes:
        assert arguments[-1].wait(PATIENCE)
        ended.set()
        return b""

    monkeypatch.setattr(results, "film", draw)
    asked = {"type": "http.request", "body": b"", "more_body": False}
    assert _status_for_who_leaves(client, app, "GET", "/jobs/0123456789abcdef/film", asked, []) == 499
    assert ended.wait(PATIENCE)


def _status_for_who_leaves(
    client: TestClient, app: FastAPI, method: str, path: str, message: Any, headers: list[tuple[bytes, bytes]]
) -> int:
    """Call the application as a server does for a client that disconnects after a message."""
    messages: list[dict[str, Any]] = [message, {"type": "http.disconnect"}]
    statuses = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        statuses.append(message.get("status"))

    headers = [(b"host", b"127.0.0.1"), *headers]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    assert client.portal is not None
    client.portal.call(app, scope, receive, send)
    return int(statuses[0])


@pytest.mark.parametrize("body", [b"\xff", b'{"latents": "\xe9"}', b"1" * 5_000], ids=["a byte", "Latin-1", "digits"])
def test_a_body_that_is_no_text_is_told_what_is_expected(client: TestClient, body: bytes) -> None:
    answer = client.post("/sample", content=body, headers={"Content-Type": "application/json"})
    assert _problem(answer, 400).detail == "expected a body of JSON, and could not read it as such"
