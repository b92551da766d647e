"""Cross-origin resource sharing (CORS): the public paths, which pages of other origins may use, and their headers.

All other paths, jobs above all, are for the service's own pages.
"""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: First segment of each public path, and its methods.
_PUBLIC = {
    "sample": "GET, HEAD, POST",
    "samples": "GET, HEAD",
    "interpolate": "GET, HEAD",
    "latent": "GET, HEAD",
    "avatar": "GET, HEAD",
    "info": "GET, HEAD",
}

#: Headers of every public answer, errors included. They do not depend on the Origin: caches share answers.
PUBLIC_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, X-Seed",
    "Cross-Origin-Resource-Policy": "cross-origin",  # for pages with a Cross-Origin-Embedder-Policy
}
RAW_PUBLIC_HEADERS = [(name.lower().encode(), value.encode()) for name, value in PUBLIC_HEADERS.items()]

#: Lifetime of a preflight answer, in seconds; Chromium caps it at two hours.
_PREFLIGHT_SECONDS = 86_400


def _methods(path: str) -> str | None:
    return _PUBLIC.get(path[1:].partition("/")[0])


def is_public(path: str) -> bool:
    """Return whether pages of any origin may use this path."""
    return _methods(path) is not None


class PublicPictures:
    """Adds the CORS headers to answers of public paths, and answers preflight requests."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        methods = _methods(scope["path"]) if scope["type"] == "http" else None
        if methods is None:
            await self._app(scope, receive, send)
            return

        async def send_public(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *RAW_PUBLIC_HEADERS]
            await send(message)

        app = _options(scope, methods) if scope["method"] == "OPTIONS" else self._app
        await app(scope, receive, send_public)


def _options(scope: Scope, methods: str) -> Response:
    """Answer a CORS preflight, or a plain OPTIONS request."""
    wanted = dict(scope["headers"]).get(b"access-control-request-headers", b"Content-Type")
    headers = {
        "Allow": f"{methods}, OPTIONS",
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": wanted.decode("latin-1"),
        "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
    }
    return Response(status_code=204, headers=headers)
