"""Each request has an id, is counted, and gets a line in the log if it fails or is slow."""

import asyncio
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs
from app.web import observing
from app.web.errors import problem
from app.web.observing import Observed
from app.web.traffic import Traffic


async def _fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the secret reason")


async def _fail_amid_the_answer(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("the secret reason")


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(503, "not now")(scope, receive, send)


class Answer:
    """What a client gets of an application that is watched."""

    def __init__(self, app: ASGIApp, traffic: Traffic, *ids: bytes, **scope: object) -> None:
        self.status, self.headers, self.body = 0, [(b"", b"")], b""
        sent = [(b"x-request-id", given) for given in ids]
        self._scope = {"type": "http", "method": "GET", "path": "/a\nb", "headers": sent, **scope}
        asyncio.run(Observed(app, traffic)(self._scope, self._receive, self._send))

    @property
    def request_id(self) -> str:
        [value] = [value for name, value in self.headers if name == b"x-request-id"]
        return value.decode()

    async def _receive(self) -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def _send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        self.headers = message.get("headers", self.headers)
        self.body += message.get("body", b"")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "nobody")
    return caplog


@pytest.mark.parametrize("given", [b"a", b"0", b"ab-cd_ef.01:2/3+4=", b"A" * 128])
def test_a_sane_id_is_taken_over(given: bytes) -> None:
    assert Answer(Response("x"), Traffic(), given).request_id == given.decode()


@pytest.mark.parametrize(
    "given", [[], [b""], [b"A" * 129], [b"a b"], [b"a\n"], [b"-a"], [b"\xe9"], [b"a", b"a"], [b'"']]
)
def test_any_other_id_is_replaced_by_a_new_one(given: list[bytes]) -> None:
    ids = {Answer(Response("x"), Traffic(), *given).request_id for _ in range(3)}
    assert len(ids) == 3
    assert all(len(new) == 32 and new.isalnum() for new in ids)


@pytest.mark.parametrize(("app", "status", "level"), [(_fail, 500, "ERROR"), (_refuse, 503, "WARNING")])
def test_a_failure_has_one_id_in_header_body_and_log(
    told: pytest.LogCaptureFixture, app: ASGIApp, status: int, level: str
) -> None:
    lines: list[str] = []
    formatter = logs.JsonLines()
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(formatter.format(record))  # type: ignore[method-assign]
    log = logging.getLogger("nobody")
    log.addHandler(handler)
    try:
        answer = Answer(app, Traffic())
    finally:
        log.removeHandler(handler)
    body = json.loads(answer.body)
    [line] = map(json.loads, lines)
    assert answer.status == body["status"] == line["status"] == status
    assert answer.request_id == body["request_id"] == line["request_id"]
    assert (line["level"], line["method"], line["path"]) == (level.lower(), "GET", "/a\nb")
    assert ("the secret reason" in line.get("traceback", "")) == (app is _fail)
    assert b"secret" not in answer.body


def test_an_answer_that_breaks_off_is_left_to_the_server(told: pytest.LogCaptureFixture) -> None:
    traffic = Traffic()
    with pytest.raises(RuntimeError, match="the secret reason"):
        Answer(_fail_amid_the_answer, traffic)
    assert traffic.of("GET", "unknown", 200).count == 1
    assert not told.records  # the server logs it


def test_slow_answers_are_logged_but_not_streams(
    told: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    Answer(Response("x"), Traffic())
    assert not told.records
    monkeypatch.setattr(observing, "_SLOW_SECONDS", 0.0)
    Answer(StreamingResponse(iter(["x"]), media_type="text/event-stream"), Traffic())
    assert not told.records
    Answer(Response("x"), Traffic())
    [record] = told.records
    assert record.levelname == "INFO"
    assert "GET /a\nb: 200 after 0.0" in record.getMessage()


def test_answers_are_counted_by_what_bounds_their_number() -> None:
    traffic = Traffic()
    route: Any = SimpleNamespace(path_format="/jobs/{job_id}")
    Answer(Response("four"), traffic, route=route)
    Answer(Response("four"), traffic, route=route, head=True)
    for method in ("BREW", "GET"):
        for path in ("/one", "/two"):
            Answer(Response("1", 404), traffic, method=method, path=path)
    counted = {kind: (answers.count, answers.seconds.count, answers.bytes) for kind, answers in traffic.answers.items()}
    assert counted == {
        ("GET", "/jobs/{job_id}", 200): (1, 1, 4),
        ("HEAD", "/jobs/{job_id}", 200): (1, 1, 0),
        ("other", "unknown", 404): (2, 2, 2),
        ("GET", "unknown", 404): (2, 2, 2),
    }


def test_streams_are_counted_while_they_are_open_and_not_timed() -> None:
    traffic = Traffic()
    seen = []

    async def events() -> Any:
        seen.append(traffic.open_streams)
        yield b"event"

    Answer(StreamingResponse(events(), media_type="text/event-stream"), traffic)
    assert (seen, traffic.open_streams) == ([1], 0)
    answers = traffic.of("GET", "unknown", 200)
    assert (answers.count, answers.seconds.count, answers.bytes) == (1, 0, 5)
