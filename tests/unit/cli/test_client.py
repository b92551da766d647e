import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cli.client import Event, JobsClient, ServiceError

HISTORY = [
    ("state", {"status": "queued", "step": 0}),
    ("state", {"status": "running", "step": 0}),
    ("progress", {"step": 10, "losses": {"gen_loss": 0.5}, "steps_per_second": 10.0}),
    ("state", {"status": "succeeded", "step": 10}),
]


class Clock:
    """Stands in for the time module: sleeping takes no time."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("app.cli.client.time", clock)
    return clock


class Broken(httpx.SyncByteStream):
    """A stream that breaks off."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        yield self._content
        raise httpx.ReadError("the line is dead")


def _sse(first: int, last: int) -> bytes:
    events = [
        f"event: {kind}\ndata: {json.dumps(data)}\nid: {number}\n\n"
        for number, (kind, data) in enumerate(HISTORY, 1)
        if first <= number <= last
    ]
    return (": keep-alive\n\n".join(events)).encode()


def _client(handler: Any) -> JobsClient:
    return JobsClient("http://nobody.test/", httpx.MockTransport(handler))


def _problem(status: int, detail: str, **headers: str) -> httpx.Response:
    content = json.dumps({"title": "x", "status": status, "detail": detail})
    return httpx.Response(status, content=content, headers={"Content-Type": "application/problem+json", **headers})


def _stream(content: bytes | httpx.SyncByteStream) -> httpx.Response:
    kind = {"Content-Type": "text/event-stream; charset=utf-8"}
    if isinstance(content, bytes):
        return httpx.Response(200, content=content, headers=kind)
    return httpx.Response(200, stream=content, headers=kind)


def _all_events() -> list[Event]:
    return [Event(number, kind, data) for number, (kind, data) in enumerate(HISTORY, 1)]


# --- calls -----------------------------------------------------------------------------------------------------------


def test_submit_sends_json_and_the_key() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == ("POST", "/jobs")
        assert request.headers["Idempotency-Key"] == "a key"
        return httpx.Response(202, json={"id": "1", "body": json.loads(request.content)})

    job = _client(handler).submit({"model": "wgan_gp"}, None, "a key")
    assert job == {"id": "1", "body": {"model": "wgan_gp"}}


def test_submit_sends_a_file_beside_the_job(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("1,2\n")

    def handler(request: httpx.Request) -> httpx.Response:
        content = request.read().decode()
        assert request.headers["Content-Type"].startswith("multipart/form-data")
        assert 'name="job"' in content
        assert '{"model": "wgan_gp"}' in content
        assert 'name="data"; filename="points.csv"' in content
        assert "1,2\n" in content
        assert "Idempotency-Key" not in request.headers
        return httpx.Response(202, json={"id": "1"})

    assert _client(handler).submit({"model": "wgan_gp"}, tmp_path / "points.csv", None) == {"id": "1"}


def test_paths_and_queries() -> None:
    asked = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url.raw_path.decode()}")
        return httpx.Response(200, json={})

    with _client(handler) as client:
        client.get("../faces?x#y")
        client.page(["running", "queued"], 5, None)
        client.page([], 20, "abc")
        client.ask("abc", "cancel")
        client.fork("abc", {"step": 5})
        client.delete("abc")
        assert client.download("abc", "history?format=csv") == b"{}"

    assert asked == [
        "GET /jobs/..%2Ffaces%3Fx%23y",
        "GET /jobs?status=running&status=queued&limit=5",
        "GET /jobs?limit=20&after=abc",
        "POST /jobs/abc/cancel",
        "POST /jobs/abc/fork",
        "DELETE /jobs/abc",
        "GET /jobs/abc/history?format=csv",
    ]


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (_problem(404, "there is no job 'x'"), "^there is no job 'x'$"),
        (_problem(429, "the queue is full", **{"Retry-After": "7"}), r"^the queue is full \(try again in 7 s\)$"),
        (httpx.Response(502, content=b"<html>"), "^the service answered 502 Bad Gateway$"),
        (httpx.Response(500, json=[1]), "^the service answered 500 Internal Server Error$"),
        (httpx.Response(302, headers={"Location": "/login"}), "^the service answered 302 Found$"),
        (httpx.Response(200, content=b"<html>"), "is no nobody service"),
        (httpx.Response(200, json=[]), "is no nobody service"),
    ],
)
def test_refusals_say_what_the_service_says(response: httpx.Response, message: str) -> None:
    with pytest.raises(ServiceError, match=message):
        _client(lambda _: response).get("x")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ConnectError("refused"), r"no service answers at http://nobody.test \(refused\); start one"),
        (httpx.ReadTimeout("slow"), "it took too long"),
        (httpx.RemoteProtocolError(""), "it hung up"),
    ],
)
def test_a_service_that_is_away(error: Exception, message: str) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(ServiceError, match=message):
        _client(handler).get("x")


@pytest.mark.parametrize("url", ["nobody", "", "ftp://nobody", "http://a:b"])
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ServiceError, match="expected a URL such as http://"), JobsClient(url) as client:
        client.get("x")


# --- events ----------------------------------------------------------------------------------------------------------


def test_events_until_the_end() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/jobs/abc/events"
        assert request.headers["Accept"] == "text/event-stream"
        last = int(request.headers["Last-Event-ID"])
        return httpx.Response(204) if last == 4 else _stream(_sse(last + 1, 4))

    assert list(_client(handler).events("abc")) == _all_events()


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from(["end", "break", "refuse", "503"]))))
@settings(deadline=None)
def test_broken_streams_are_taken_up_without_a_gap_or_a_repeat(breaks: list[tuple[int, int, str]]) -> None:
    left = iter(breaks)

    def handler(request: httpx.Request) -> httpx.Response:
        last = int(request.headers["Last-Event-ID"])
        count, repeated, how = next(left, (4, 0, "end"))
        content = _sse(max(1, last + 1 - repeated), last + count)
        if how == "refuse":
            raise httpx.ConnectError("refused")
        if how == "503":
            return _problem(503, "not ready")
        if how == "break":
            # Cut off in the middle of the next event.
            return _stream(Broken(content + f"\n\nevent: state\nid: {last + count + 1}\ndata: {{".encode()))
        return httpx.Response(204) if last == 4 else _stream(content)

    assert list(_client(handler).events("abc")) == _all_events()


def test_lines_may_end_in_any_way_and_data_may_have_several() -> None:
    content = b'retry: 1\r\n\r\ndata: {"a":\r\ndata:1}\r\nid:1\r\nevent:x\r\n\r\ndata: no id\n\nid: 2\n\n'

    def handler(request: httpx.Request) -> httpx.Response:
        return _stream(content) if request.headers["Last-Event-ID"] == "0" else httpx.Response(204)

    assert list(_client(handler).events("abc")) == [Event(1, "x", {"a": 1})]


def test_a_service_that_stays_away_is_given_up(clock: Clock) -> None:
    calls = []

    def handler(request: httpx.Request) -> httpx.Response:
        calls.append(clock.now)
        if len(calls) == 1:
            return _stream(_sse(1, 2))
        raise httpx.ConnectError("refused")

    events = _client(handler).events("abc")
    assert [next(events), next(events)] == _all_events()[:2]
    with pytest.raises(ServiceError, match="no service answers"):
        next(events)
    assert 60 < clock.now < 70
    assert len(calls) < 30


def test_a_job_that_is_deleted_meanwhile() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        gone = request.headers["Last-Event-ID"] != "0"
        return _problem(404, "there is no job 'abc'") if gone else _stream(_sse(1, 1))

    events = _client(handler).events("abc")
    next(events)
    with pytest.raises(ServiceError, match="there is no job"):
        next(events)


def test_what_streams_something_else_is_no_service() -> None:
    with pytest.raises(ServiceError, match="no nobody service"):
        next(_client(lambda _: httpx.Response(200, content=b"<html>")).events("abc"))
