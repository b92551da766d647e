"""Middleware for HEAD requests, for the size of bodies, and for errors that others answer."""

import asyncio
import contextlib
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.errors import problem

#: The largest body of most calls: 1,024 latent vectors with all their digits need about 400 kB.
MAX_BODY = 2**20
#: The largest job as JSON; more points come as a file.
MAX_JOB = 8 * 2**20

#: Much of the body may stay unread, so the connection cannot be reused.
_CLOSE = {"Connection": "close"}
#: What is read of a body that is refused, in bytes, and for how long, in seconds.
_MOST_DISCARDED, _LINGER_SECONDS = 2**27, 10.0


class HeadIsGet:
    """Answers HEAD as GET; the HTTP server omits the body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", "head": True}  # for answers without an end
        await self._app(scope, receive, send)


class LimitBody:
    """Refuses bodies that are too large: by their Content-Length, or as soon as they exceed the limit.

    Args:
        app: the next application.
        max_upload: bytes of a file of examples.
    """

    def __init__(self, app: ASGIApp, max_upload: int) -> None:
        self._app = app
        self._max_upload = max_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        most = self._limit(scope["path"], headers)
        too_large = f"expected a body of at most {most:,} bytes"
        body = _Body(receive)
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > most:
            await problem(413, too_large, headers=_CLOSE)(scope, receive, body.before_the_end_of(send))
            return

        async def limited() -> Message:
            message = await body.receive()
            if body.received > most:
                raise HTTPException(413, too_large, headers=_CLOSE)
            return message

        async def send_after_it(message: Message) -> None:
            await (body.before_the_end_of(send) if body.received > most else send)(message)

        await self._app(scope, limited, send_after_it)

    def _limit(self, path: str, headers: dict[bytes, bytes]) -> int:
        if path not in ("/jobs", "/jobs/check", "/jobs/data"):
            return MAX_BODY
        uploads = headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")
        return self._max_upload + MAX_BODY if uploads else MAX_JOB


class _Body:
    """The body of a request, as far as it was received."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._is_over = False
        self.received = 0

    async def receive(self) -> Message:
        """Return the next message."""
        message = await self._receive()
        self.received += len(message.get("body", b""))
        self._is_over = not message.get("more_body", False)
        return message

    def before_the_end_of(self, send: Send) -> Send:
        """Return what sends an answer that refuses this body: the whole answer, then it reads on, then it ends.

        A connection that is closed while the client, or a proxy, still sends is reset, and the answer is lost.
        """

        async def lingering(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await send({**message, "more_body": True})
                await self._discard()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        return lingering

    async def _discard(self) -> None:
        end = self.received + _MOST_DISCARDED
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while not self._is_over and self.received < end:
                    await self.receive()


class OnlyProblems:
    """Gives the errors that Starlette answers by itself, such as that of a bad ``Range``, the shape of all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        error: Message | None = None
        text = b""

        async def send_problem(message: Message) -> None:
            nonlocal error, text
            if message["type"] == "http.response.start" and message["status"] >= 400:
                kind = dict(message["headers"]).get(b"content-type", b"")
                error = message if kind.startswith(b"text/plain") else None
            if error is None:
                await send(message)
                return
            text += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body"):
                await _as_problem(error, text.decode())(scope, receive, send)

        await self._app(scope, receive, send_problem)


def _as_problem(error: Message, text: str) -> Response:
    """Return the problem for an error that has only a text."""
    kept = {name.decode(): value.decode() for name, value in error["headers"] if not name.startswith(b"content-ty")}
    kept.pop("content-length", None)
    if error["status"] == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        text = f"expected a header Range within {kept.get('content-range', 'the file')}"
    return problem(error["status"], text, headers=kept)
