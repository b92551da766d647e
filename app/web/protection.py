"""Headers by which browsers protect our visitors, on every answer."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: The type that we say is the type that it is; addresses here, which may name a job, are not told to other sites; and
#: no page here has a use for what it would have to ask the visitor for.
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
#: Of answers that say nothing else: they are data, and nothing in them may run or be shown in a frame.
_DEFAULTS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}
#: Of answers about jobs that say nothing else: no cache keeps them, not even the browser's.
_PRIVATE = {"Cache-Control": "no-store"}

_RawHeaders = list[tuple[bytes, bytes]]


def _raw(headers: dict[str, str]) -> _RawHeaders:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


#: For answers that do not pass through :class:`SafeHeaders`.
ALL_SAFE_HEADERS = _ALWAYS | _DEFAULTS
RAW_SAFE_HEADERS = _raw(ALL_SAFE_HEADERS)
_RAW_ALWAYS, _RAW_DEFAULTS, _RAW_OF_JOBS = map(_raw, (_ALWAYS, _DEFAULTS, _DEFAULTS | _PRIVATE))


class SafeHeaders:
    """Adds the headers to the answers of an application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        defaults = _RAW_OF_JOBS if scope["path"].startswith("/jobs") else _RAW_DEFAULTS

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                others = [header for header in defaults if header[0] not in given]
                # A new message: some answers are remembered.
                message = {**message, "headers": [*message["headers"], *_RAW_ALWAYS, *others]}
            await send(message)

        await self._app(scope, receive, send_safely)
