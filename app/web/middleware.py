"""Middleware for HEAD requests, for the size of bodies, and for errors that others answer."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.errors import problem

#: The largest body of most calls: 1,024 latent vectors with all their digits need about 400 kB.
MAX_BODY = 2**20
#: The largest job as JSON; more points come as a file.
MAX_JOB = 8 * 2**20

#: The rest of the body stays unread, so the connection cannot be reused.
_CLOSE = {"Connection": "close"}


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
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > most:
            await problem(413, too_large, headers=_CLOSE)(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise HTTPException(413, too_large, headers=_CLOSE)
            return message

        await self._app(scope, limited, send)

    def _limit(self, path: str, headers: dict[bytes, bytes]) -> int:
        if path not in ("/jobs", "/jobs/check", "/jobs/data"):
            return MAX_BODY
        uploads = headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")
        return self._max_upload + MAX_BODY if uploads else MAX_JOB


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
