"""What happens to a request before any route sees it."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import problem

#: The largest body that a call takes: 1,024 latent vectors with all their digits need about 400 kB.
MAX_BODY = 2**20

_TOO_LARGE = f"expected a body of at most {MAX_BODY:,} bytes"
#: What is left of the body stays unread, so the connection cannot be used again.
_CLOSE = {"Connection": "close"}


class HeadIsGet:
    """Answers HEAD as GET; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


class LimitBody:
    """Refuses bodies beyond ``MAX_BODY`` bytes, by their announced length or as soon as they pass it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > MAX_BODY:
            await problem(413, _TOO_LARGE, headers=_CLOSE)(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise HTTPException(413, _TOO_LARGE, headers=_CLOSE)
            return message

        await self._app(scope, limited, send)
