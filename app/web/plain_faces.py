"""A shortcut for the most frequent request: a plain face is answered without FastAPI."""

import re
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.faces.engine import FacesUnavailableError
from app.faces.latents import MAX_SEED
from app.faces.portraits import Portrait
from app.faces.service import FaceService, Model
from app.web.caching import caching_headers, is_known
from app.web.protection import RAW_SAFE_HEADERS
from app.web.public import RAW_PUBLIC_HEADERS
from app.web.traffic import Traffic

#: Remembered answers to requests with a seed.
_REMEMBERED = 4_096
#: Makes the URLs of several new faces on one page differ.
_NEW = re.compile(rb"random=\w*")
_SEED = re.compile(rb"seed=(0|[1-9][0-9]{0,15})(?:&weights=([0-9a-f]+))?")
#: Headers that change the answer.
_SPECIAL_HEADERS = {b"if-none-match", b"content-length", b"transfer-encoding"}

_Answer = tuple[Message, Message]
_Headers = list[tuple[bytes, bytes]]


class PlainFaceShortcut:
    """Answers ``GET /sample``, ``/sample?random=…``, ``/sample?seed=N`` and ``/sample?seed=N&weights=…``.

    All other requests, invalid ones included, go on to the application, whose route gives the same answers.
    """

    def __init__(self, app: ASGIApp, faces: FaceService, traffic: Traffic) -> None:
        self._app = app
        self._faces = faces
        self._sent, self._not_modified = (traffic.of("GET", "/sample", status) for status in (200, 304))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["path"] == "/sample" and scope["method"] == "GET":
            began = perf_counter()
            try:
                answer = await self._answer(scope, self._faces.model)
            except FacesUnavailableError:
                answer = None  # the application answers with the error
            if answer is not None:
                start, body = answer
                await send(start)
                await send(body)
                # All that is watched of it: a request id, or a function around send, would take longer than the face.
                answers = self._sent if start["status"] == 200 else self._not_modified
                answers.bytes += len(body["body"])
                answers.seconds.add(perf_counter() - began)
                return
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, model: Model) -> _Answer | None:
        known = b""
        for name, value in scope["headers"]:
            if name in _SPECIAL_HEADERS:
                if name != b"if-none-match":
                    return None
                known += b"," + value
        query: bytes = scope["query_string"]
        if not query or _NEW.fullmatch(query):
            return _answer(await model.portraits.new(), _NO_STORE)
        answer: _Answer | None = None if known else model.answers.pop(query, None)
        if answer is None:
            answer = await self._answer_of_seed(model, query, known.decode("latin-1"))
        if answer is not None and answer[0]["status"] == 200:
            model.answers[query] = answer
            if len(model.answers) > _REMEMBERED:
                del model.answers[next(iter(model.answers))]
        return answer

    async def _answer_of_seed(self, model: Model, query: bytes, known: str) -> _Answer | None:
        match = _SEED.fullmatch(query)
        if match is None or (seed := int(match[1])) > MAX_SEED:
            return None
        named = match[2] is not None
        if named and not model.generator.has_id(match[2].decode()):
            return None
        headers = caching_headers(model.generator, "/sample", query.decode(), named=named)
        if is_known(headers["ETag"], known):
            return _response(304, _raw(headers))
        return _answer(await model.portraits.of_seed(seed), _raw(headers))


def _raw(headers: dict[str, str]) -> _Headers:
    return (
        [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        + RAW_PUBLIC_HEADERS
        + RAW_SAFE_HEADERS
    )


_NO_STORE = _raw({"Cache-Control": "no-store"})


def _answer(portrait: Portrait, headers: _Headers) -> _Answer:
    of_picture = [
        (b"x-seed", b"%d" % portrait.seed),
        (b"content-length", b"%d" % len(portrait.png)),
        (b"content-type", b"image/png"),
    ]
    return _response(200, headers + of_picture, portrait.png)


def _response(status: int, headers: _Headers, body: bytes = b"") -> _Answer:
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )
