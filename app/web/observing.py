"""Watching requests: each gets an id and is counted; those that fail or are slow get a line in the log."""

import logging
import re
import secrets
import time
from collections.abc import Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import logs
from app.web.errors import GONE, unexpected
from app.web.traffic import Traffic

log = logging.getLogger("nobody.requests")

#: An answer that takes longer is logged, in seconds.
_SLOW_SECONDS = 1.0
#: Ids of others that are taken over: those of proxies, UUIDs, trace ids. Anything else could fill or forge the log.
_SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:=+/-]{0,127}")
#: Characters of a path that are logged.
_MAX_PATH = 200


class Observed:
    """Wraps an application, and answers its faults.

    Args:
        app: the application.
        traffic: counts the answers.
    """

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(_request_id(scope["headers"]), send, self._traffic)
        logs.now_about(request_id=answer.request_id)  # a request has a task, and so a context, of its own
        began = time.perf_counter()
        fault = None
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            fault = error
            if answer.status:
                raise  # uvicorn logs it and cuts the connection: nothing else tells the client
            await unexpected(scope["path"])(scope, receive, answer.send)
        finally:
            if answer.status:
                self._note(scope, answer, time.perf_counter() - began, fault)

    def _note(self, scope: Scope, answer: "_Answer", seconds: float, fault: Exception | None) -> None:
        """Count an answer, and log it if it failed or was slow."""
        method = "HEAD" if scope.get("head") else scope["method"]
        answers = self._traffic.of(method, _route(scope), answer.status)
        answers.bytes += 0 if method == "HEAD" else answer.bytes
        if answer.is_stream:
            answers.streams += 1
            self._traffic.open_streams -= 1
        else:
            answers.seconds.add(seconds)
        failed = answer.status >= 500
        aborted = answer.status == GONE and method == "POST"  # an upload
        if failed or aborted or (seconds > _SLOW_SECONDS and not answer.is_stream):
            path = scope["path"][:_MAX_PATH]
            fields = {"method": method, "path": path, "status": answer.status, "seconds": round(seconds, 3)}
            level = (logging.ERROR if fault else logging.WARNING) if failed else logging.INFO
            words = (method, path, answer.status, seconds)
            log.log(level, "%s %s: %d after %.3f s", *words, extra={"fields": fields}, exc_info=fault)


class _Answer:
    """Sends the messages of an answer on, with the id of its request, and takes note of them."""

    __slots__ = ("_send", "_traffic", "bytes", "is_stream", "request_id", "status")

    def __init__(self, request_id: str, send: Send, traffic: Traffic) -> None:
        self._send = send
        self._traffic = traffic
        self.request_id = request_id
        self.status = 0  # not begun
        self.bytes = 0
        self.is_stream = False

    async def send(self, message: Message) -> None:
        """Send one message."""
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", []), (b"x-request-id", self.request_id.encode())]
            message = {**message, "headers": headers}
            self.status = message["status"]
            self.is_stream = any(_is_of_events(*header) for header in headers)
            self._traffic.open_streams += self.is_stream
        else:
            self.bytes += len(message.get("body", b""))
        await self._send(message)


def _route(scope: Scope) -> str:
    """Return the template of a path, of which there are few."""
    if "route" in scope:
        route: str = scope["route"].path_format
        return route
    if "app_root_path" in scope:  # of files, which are mounted
        return f"{scope['root_path'].removeprefix(scope['app_root_path'])}/{{path}}"
    return "unknown"


def _is_of_events(name: bytes, value: bytes) -> bool:
    return name == b"content-type" and value.startswith(b"text/event-stream")


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the id that a proxy or the client has given, if it is given once and sane, or else a new one."""
    given = [value for name, value in headers if name == b"x-request-id"]
    if len(given) == 1 and _SANE.fullmatch(given[0]):
        return given[0].decode()
    return secrets.token_hex(16)
