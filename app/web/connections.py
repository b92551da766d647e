"""The protocol of one connection: uvicorn's, with limits.

uvicorn sets no such limits, and its parser takes time that grows with the square of a header's length.
"""

from asyncio import AbstractEventLoop, BaseTransport, Protocol, TimerHandle
from contextvars import Context
from functools import partial
from typing import Any, cast

import httptools
from starlette.responses import Response
from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from app.web.connection_limits import Limits, Overload, possible_connections, refusals
from app.web.errors import problem
from app.web.paced_protocol import PacedProtocol
from app.web.protection import ALL_SAFE_HEADERS


def limited(limits: Limits | None = None) -> type[Protocol]:
    """Return the value for uvicorn's setting ``http``: it makes the protocol object of each connection."""
    limits = limits or Limits(possible_connections())
    return cast(type[Protocol], partial(Connection, limits, Overload(limits.connections)))


class _RefusedError(Exception):
    """A request that is refused for its header; the arguments are the status and what was expected."""


#: What the parser waits for: the end of a header, the end of a body, or the first byte of another request.
_HEAD, _BODY, _NEXT = range(3)


class Connection(PacedProtocol):
    """uvicorn's protocol, with limits on the size and the time of each part of a request."""

    def __init__(
        self,
        limits: Limits,
        overload: Overload,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._overload = overload
        self._timer: TimerHandle | None = None
        self._idle_timer: TimerHandle | None = None
        self._answers = self._answers_before = 0  # now, and at the last check whether the connection is idle
        self._refusal: tuple[int, str] | None = None
        self.url = b""
        self._expected = _HEAD
        self._incomplete = False  # a request has begun and not ended
        # The parser makes progress when a request begins, when its header ends, and with each part of its body.
        self._progress = False  # in the newest slice
        self._slice = 0  # bytes of the newest slice
        self._since_progress = 0  # bytes after the slice that last made progress
        self._body = 0  # bytes of a body since its rate was last checked

    # Overrides of uvicorn's protocol.

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection, or refuse it when there are too many."""
        super().connection_made(transport)
        most, seconds = self._limits.connections, self._limits.head_seconds
        if len(self.connections) > most:
            self._overload.report(self.loop.time())
            if len(self.connections) > most + most // 4:  # waiting for their requests would take too many files
                self._write(self._overload.answer)
                self.transport.close()
                return
            self.app, seconds = self._overload.answer, min(seconds, 1.0)
        self._start_timer(seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        super().connection_lost(exc)

    def parse(self, data: bytes) -> None:
        """Feed the parser, and refuse what exceeds a limit."""
        if self._expected == _NEXT:
            self._expected = _HEAD
        self._slice = len(data)
        self._progress = False
        while data:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:  # to a protocol that is not supported: more requests follow
                data = data[upgrade.args[0] :]
            except httptools.HttpParserError as error:
                self._refuse(*_reason(error))
                return
        if self._expected != _NEXT:
            self._expect_more()
        elif self._incomplete:
            self._incomplete = False
            self._stop_timer()

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._progress = True
        self._expected = _HEAD
        self._since_progress = 0
        if self._timer is not None:
            self._stop_timer()

    def on_headers_complete(self) -> None:
        """Check the header, and start or queue the request."""
        most = self._limits.fields
        if len(self.headers) > most:
            raise _RefusedError(431, f"expected a header of at most {most} fields, got {len(self.headers)}")
        may_be_long = self._incomplete or self._slice > self._limits.head_bytes
        if may_be_long and self._head_size() > self._limits.head_bytes:
            raise _RefusedError(*self._too_long())
        if not self.url.startswith(b"/"):
            self._use_host_of_target()
        super().on_headers_complete()
        self._progress = True
        self._expected = _BODY
        self._body = 0
        if self._timer is not None:
            self._stop_timer()
        self.headers = []  # trailers of a chunked body must not be appended to the checked header

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._progress = True
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._expected = _NEXT
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Start the next request, or wait for it."""
        self.server_state.total_requests += 1
        self._answers += 1
        if self.transport.is_closing():
            return
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._check_idle)
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._send_refusal(*self._refusal)
        elif self._expected == _BODY:
            self._stop_timer()
            self._timer = self.loop.call_later(self._limits.linger_seconds, self.transport.close)
        self.continue_reading()
        self.flow.resume_reading()

    def _should_upgrade(self) -> bool:
        return False

    def _use_host_of_target(self) -> None:
        """Read ``GET http://host/path`` as RFC 9112, 3.2.2 says: the target's host replaces that of the header."""
        target = httptools.parse_url(self.url)
        if target.host is None:
            return
        host = b"[%s]" % target.host if b":" in target.host else target.host
        if target.port:
            host += b":%d" % target.port
        others = [header for header in self.headers if header[0] != b"host"]
        if len(self.headers) - len(others) < 2:  # several hosts are refused later
            self.headers[:] = [*others, (b"host", host)]
        self.url = (target.path or b"/") + (b"?" + target.query if target.query else b"")

    # Limits.

    def _start_timer(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._check_speed)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expect_more(self) -> None:
        self._incomplete = True
        self._since_progress = 0 if self._progress else self._since_progress + self._slice
        if self._since_progress > self._limits.head_bytes:
            self._refuse(*self._too_long())
        elif self._timer is None:
            self._start_timer(self._limits.head_seconds if self._expected == _HEAD else self._limits.body_seconds)

    def _check_speed(self) -> None:
        """Refuse a client that is too slow, unless the server itself makes it wait."""
        self._timer = None
        if self._expected == _HEAD:
            if not self._incomplete:
                self.transport.close()  # nothing was received at all
            elif self.flow.read_paused:
                self._start_timer(self._limits.head_seconds)
            else:
                self._refuse(408, f"expected the whole header within {self._limits.head_seconds:g} seconds")
            return
        fast = self._body >= self._limits.body_rate * self._limits.body_seconds
        if fast or self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._body = 0
            self._start_timer(self._limits.body_seconds)
        else:
            self._refuse(408, f"expected a body to bring at least {self._limits.body_rate:,} bytes a second")

    def _check_idle(self) -> None:
        """Close the connection if it was idle since the last check; this is cheaper than a timer for each request."""
        idle = self._expected == _NEXT and self.cycle.response_complete and not self._unparsed
        if idle and self._answers == self._answers_before:
            self.transport.close()
            return
        self._answers_before = self._answers
        self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._check_idle)

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _too_long(self) -> tuple[int, str]:
        most = f"at most {self._limits.head_bytes:,} bytes"
        if self._expected == _BODY:
            return 431, f"expected {most} between two parts of a chunked body, and after it"
        if len(self.url) > self._limits.head_bytes // 2:
            return 414, f"expected {most} of URL and header together, and the URL alone took more than half of them"
        return 431, f"expected a header of {most}"

    def _refuse(self, status: int, detail: str) -> None:
        """Answer after the answers to earlier requests, and accept nothing more from this client."""
        self._stop_timer()
        self._refusal = status, detail
        self.discard_input()
        cycle = self.cycle
        answered = cycle is None or cycle.response_complete  # type: ignore[redundant-expr] # None at first
        if self._expected != _BODY:
            if answered:
                self._send_refusal(status, detail)
        elif answered or cycle.response_started or self.pipeline:
            self.transport.abort()
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._send_refusal(status, detail)

    def _send_refusal(self, status: int, detail: str) -> None:
        if self.transport.is_closing():
            return
        refusals[status] += 1
        # In a context of its own: this may be called while the request before it is answered, which has another id.
        self._write(Context().run(problem, status, detail, headers={"Connection": "close", **ALL_SAFE_HEADERS}))
        # The client may still be sending. Unread input would reset the connection before the answer arrives.
        self.transport.write_eof()
        self.flow.backlog = False
        self.flow.resume_reading()
        self._timer = self.loop.call_later(self._limits.linger_seconds, self.transport.abort)

    def _write(self, answer: Response) -> None:
        headers = [*self.server_state.default_headers, *answer.raw_headers]
        lines = b"".join(b"%s: %s\r\n" % header for header in headers)
        self.transport.write(b"%s%s\r\n%s" % (STATUS_LINE[answer.status_code], lines, answer.body))


def _reason(error: httptools.HttpParserError) -> tuple[int, str]:
    cause = error.__context__
    if isinstance(cause, _RefusedError):
        status, detail = cause.args
        return status, detail
    return 400, "expected a request of HTTP/1.1, and could not read this one as such"
