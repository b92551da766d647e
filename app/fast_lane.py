"""The short way for the commonest request: a plain face, answered without FastAPI's machinery."""

import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.dependencies import immutable_headers
from app.faces.generator import FaceGenerator
from app.faces.latents import MAX_SEED
from app.faces.portraits import Portrait, Portraits

#: Answers to seeds that are remembered.
_REMEMBERED = 4_096
_SEED = re.compile(rb"seed=(0|[1-9][0-9]{0,15})")
#: Requests with one of these need more thought.
_SPECIAL_HEADERS = {b"if-none-match", b"content-length", b"transfer-encoding"}

_Answer = tuple[Message, Message]


class FastLane:
    """Answers ``GET /sample`` and ``GET /sample?seed=N``; all other requests, faulty ones included, go on to the app.

    The route of the same path gives the same answers, and stands for them in OpenAPI.
    """

    def __init__(self, app: ASGIApp, portraits: Portraits, generator: FaceGenerator) -> None:
        self._app = app
        self._portraits = portraits
        self._generator = generator
        self._remembered: dict[bytes, _Answer] = {}  # the longest unused first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["path"] == "/sample" and scope["method"] == "GET":
            answer = await self._answer(scope)
            if answer is not None:
                for message in answer:
                    await send(message)
                return
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope) -> _Answer | None:
        for name, _ in scope["headers"]:
            if name in _SPECIAL_HEADERS:
                return None
        query: bytes = scope["query_string"]
        if not query:
            return _answer(await self._portraits.new(), {"Cache-Control": "no-store"})
        answer = self._remembered.pop(query, None) or await self._draw(query)
        if answer is not None:
            self._remembered[query] = answer
            if len(self._remembered) > _REMEMBERED:
                del self._remembered[next(iter(self._remembered))]
        return answer

    async def _draw(self, query: bytes) -> _Answer | None:
        match = _SEED.fullmatch(query)
        if match is None or (seed := int(match[1])) > MAX_SEED:
            return None
        headers = immutable_headers(self._generator, "/sample", query.decode())
        return _answer(await self._portraits.of_seed(seed), headers)


def _answer(portrait: Portrait, headers: dict[str, str]) -> _Answer:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    raw += [
        (b"x-seed", b"%d" % portrait.seed),
        (b"content-length", b"%d" % len(portrait.png)),
        (b"content-type", b"image/png"),
    ]
    return (
        {"type": "http.response.start", "status": 200, "headers": raw},
        {"type": "http.response.body", "body": portrait.png},
    )
