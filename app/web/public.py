"""What other people's pages may use: which paths are public, and the headers by which browsers let them (CORS).

This is the one place that says so. Everything else, jobs above all, is for the service's own pages.
"""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The first part of each public path, and the methods that it answers.
_PUBLIC = {
    "sample": "GET, HEAD, POST",
    "samples": "GET, HEAD",
    "interpolate": "GET, HEAD",
    "latent": "GET, HEAD",
    "avatar": "GET, HEAD",
    "info": "GET, HEAD",
}

#: Of every public answer, errors included, whoever asks: a cache may hand it on to another page than the first.
PUBLIC_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, X-Seed",
    "Cross-Origin-Resource-Policy": "cross-origin",  # pages under COEP may show it
}
RAW_PUBLIC_HEADERS = [(name.lower().encode(), value.encode()) for name, value in PUBLIC_HEADERS.items()]

#: Seconds for which a browser need not ask again; Chromium takes two hours at most.
_PREFLIGHT_SECONDS = 86_400


def _methods(path: str) -> str | None:
    return _PUBLIC.get(path[1:].partition("/")[0])


def is_public(path: str) -> bool:
    """Whether pages of any origin may use what is at this path of a URL."""
    return _methods(path) is not None


class PublicPictures:
    """Lets pages of all origins use the public paths, and answers the questions that browsers ask beforehand."""

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
    """Answer a CORS preflight, or a plain question for the methods."""
    wanted = dict(scope["headers"]).get(b"access-control-request-headers", b"Content-Type")
    headers = {
        "Allow": f"{methods}, OPTIONS",
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": wanted.decode("latin-1"),
        "Access-Control-Max-Age": str(_PREFLIGHT_SECONDS),
    }
    return Response(status_code=204, headers=headers)
