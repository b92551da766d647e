"""Connections of the HTTP server: how much and how slowly a client may send, and how many there may be.

uvicorn sets no such limits, and its parser takes time that grows with the square of a header's length.
"""

import logging
import resource
from asyncio import AbstractEventLoop, BaseTransport, Protocol, TimerHandle, Transport
from dataclasses import dataclass
from typing import Any, cast

import httptools
from starlette.responses import Response
from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.web.errors import problem

log = logging.getLogger("nobody")

#: However many files may be open.
_MAX_CONNECTIONS = 4_096
#: Bytes of one client that are parsed in one turn of the event loop, in which hundreds of requests may begin.
_SLICE = 2**13
#: Seconds between two lines in the log that say that there are too many.
_QUIET_SECONDS = 60.0


@dataclass(frozen=True)
class Limits:
    """What one client may do, and how many there may be.

    Args:
        connections: that are open at a time; each one more gets a 503.
        head_bytes: of URL and header together; also of what frames a chunked body, between two parts of it.
        fields: of the header.
        head_seconds: from the first byte of a header to its last, and from a connection to its first byte.
        body_seconds: after which it is looked whether the body comes fast enough.
        body_rate: bytes a second that a body brings at least.
        linger_seconds: in which a client may go on sending what is no longer read, to come to its answer.
    """

    connections: int
    head_bytes: int = 2**16
    fields: int = 100
    head_seconds: float = 15.0
    body_seconds: float = 20.0
    body_rate: int = 2**10
    linger_seconds: float = 5.0


def possible_connections() -> int:
    """Let this process open as many files as it needs and may; return how many connections that leaves room for.

    Half of the files: answers, uploads and the database open others.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _MAX_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return _MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(_MAX_CONNECTIONS, soft // 2)


def limited() -> type[Protocol]:
    """Return what uvicorn takes as its setting ``http``, and calls as it would a class."""
    return cast(type[Protocol], Connections(Limits(possible_connections())))


class Connections:
    """Makes the protocol of each connection, and tells where there are too many."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.full = problem(
            503,
            f"all of the {limits.connections:,} connections are in use; try again in a moment",
            headers={"Retry-After": "5", "Connection": "close"},
        )
        self._quiet_until = 0.0

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None = None,
    ) -> "Connection":
        """Make the protocol of one connection."""
        return Connection(self, config, server_state, app_state, _loop)

    def note_full(self, now: float) -> None:
        """Say in the log that there are too many, now and then."""
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_SECONDS
            log.warning(
                "all %d connections are in use; others get a 503 (`ulimit -n` allows twice as many open files)",
                self.limits.connections,
            )


class _RefusedError(Exception):
    """A request that its header condemns: the status and what was expected."""


#: What the parser waits for: the end of a header, the end of a body, or the first byte of a further request.
_HEAD, _BODY, _NEXT = range(3)


class _Flow(FlowControl):
    """uvicorn's, but nothing more is read of a client of whom something waits that was read before."""

    waits = False

    def resume_reading(self) -> None:
        """Read on, if nothing waits."""
        if not self.waits:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, with limits."""

    flow: _Flow

    def __init__(
        self,
        connections: Connections,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: AbstractEventLoop | None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._shared = connections
        self._limits = connections.limits
        self._timer: TimerHandle | None = None
        self._idle_timer: TimerHandle | None = None
        self._answers = self._answers_then = 0  # when it was last looked whether the connection is idle
        self._refusal: tuple[int, str] | None = None  # nothing more is taken from this client
        self.url = b""
        self._running: RequestResponseCycle | None = None  # the one that is answered; uvicorn's is the last to come
        self._held = b""  # what is to be parsed in the next turns
        self._turn_comes = False
        self._expected = _HEAD
        self._unfinished = False  # after all that came until now
        # The parser gets on when a request begins, when its header ends, and with each part of its body.
        self._got_on = False  # with the newest piece
        self._piece = 0  # bytes of it
        self._since = 0  # bytes after the piece with which it last got on
        self._body = 0  # bytes of a body since the last look

    # transport

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection, or refuse it when there are too many."""
        super().connection_made(cast(Transport, transport))
        self.flow = _Flow(self.transport)
        most, seconds = self._limits.connections, self._limits.head_seconds
        if len(self.connections) > most:
            self._shared.note_full(self.loop.time())
            if len(self.connections) > most + most // 4:  # so many that waiting for their requests would cost files
                self._write(self._shared.full)
                self.transport.close()
                return
            self.app, seconds = self._shared.full, min(seconds, 1.0)
        self._wait(seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._held = b""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends next: a slice now, the rest in the next turns, after the others' slices.

        Requests that come before the answer to an earlier one wait, and what follows them is not even parsed.
        """
        if self._refusal is not None:
            return
        held, self._held = self._held, self._held + data
        if not held:
            self._take_slice()

    def _take_slice(self) -> None:
        slice_, self._held = self._held[:_SLICE], self._held[_SLICE:]
        self._parse(slice_)
        self._hold_or_read_on()

    def _take_held(self) -> None:
        self._turn_comes = False
        if self._held and not self.pipeline and not self.transport.is_closing():
            self._take_slice()

    def _hold_or_read_on(self) -> None:
        if self._held and not self.pipeline and not self._turn_comes:
            self._turn_comes = True
            self.loop.call_soon(self._take_held)
        if self._held or self.pipeline:
            self.flow.waits = True
            self.flow.pause_reading()
        elif self.flow.waits:
            self.flow.waits = False
            if not self._body_waits():
                self.flow.resume_reading()

    def _body_waits(self) -> bool:
        """Whether so much of a body is unread that its reader shall resume."""
        cycle = self.cycle
        return cycle is not None and len(cycle.body) > HIGH_WATER_LIMIT  # type: ignore[redundant-expr] # None at first

    def _parse(self, data: bytes) -> None:
        if self._expected == _NEXT:
            self._expected = _HEAD
        self._piece = len(data)
        self._got_on = False
        while data:
            try:
                self.parser.feed_data(data)
                break
            except httptools.HttpParserUpgrade as upgrade:  # to nothing that we speak: more requests follow
                data = data[upgrade.args[0] :]
            except httptools.HttpParserError as error:
                self._refuse(*_reason(error))
                return
        if self._expected != _NEXT:
            self._expect_more()
        elif self._unfinished:
            self._unfinished = False
            self._stop_waiting()

    def _expect_more(self) -> None:
        self._unfinished = True
        self._since = 0 if self._got_on else self._since + self._piece
        if self._since > self._limits.head_bytes:
            self._refuse(*self._too_long())
        elif self._timer is None:
            self._wait(self._limits.head_seconds if self._expected == _HEAD else self._limits.body_seconds)

    # parser

    def on_message_begin(self) -> None:
        """Begin with a request."""
        super().on_message_begin()
        self._got_on = True
        self._expected = _HEAD
        self._since = 0
        if self._timer is not None:
            self._stop_waiting()

    def on_headers_complete(self) -> None:
        """Check the header, and let its request be answered."""
        if len(self.headers) > self._limits.fields:
            most = self._limits.fields
            raise _RefusedError(431, f"expected a header of at most {most} fields, got {len(self.headers)}")
        may_be_long = self._unfinished or self._piece > self._limits.head_bytes
        if may_be_long and self._head_size() > self._limits.head_bytes:
            raise _RefusedError(*self._too_long())
        if not self.url.startswith(b"/"):
            self._use_host_of_target()
        super().on_headers_complete()
        self._got_on = True
        self._expected = _BODY
        self._body = 0
        if self._timer is not None:
            self._stop_waiting()
        self.headers = []  # what follows a chunked body must not get among those that were checked

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._got_on = True
        self._body += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Take the end of a request."""
        self._expected = _NEXT
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for it."""
        self.server_state.total_requests += 1
        self._answers += 1
        if self.transport.is_closing():
            return
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._refusal is not None:
            self._say_why(*self._refusal)
        elif self._expected == _BODY:
            self._stop_waiting()
            self._timer = self.loop.call_later(self._limits.linger_seconds, self.transport.close)
        self._hold_or_read_on()
        self.flow.resume_reading()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _should_upgrade(self) -> bool:
        return False

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _use_host_of_target(self) -> None:
        """Turn ``GET http://host/path`` into what it means (RFC 9112, 3.2.2): its host stands above the header's."""
        target = httptools.parse_url(self.url)
        if target.host is None:
            return
        host = b"[%s]" % target.host if b":" in target.host else target.host
        if target.port:
            host += b":%d" % target.port
        given = [value for name, value in self.headers if name == b"host"]
        if len(given) < 2:  # more are refused later
            self.headers[:] = [header for header in self.headers if header[0] != b"host"] + [(b"host", host)]
        self.url = (target.path or b"/") + (b"?" + target.query if target.query else b"")

    # limits

    def _wait(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._look)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """See whether the client is too slow, unless it is we who let it wait."""
        self._timer = None
        if self._expected == _HEAD:
            if not self._unfinished:
                self.transport.close()  # it has never said anything
            elif self.flow.read_paused:
                self._wait(self._limits.head_seconds)
            else:
                self._refuse(408, f"expected the whole header within {self._limits.head_seconds:g} seconds")
            return
        enough = self._body >= self._limits.body_rate * self._limits.body_seconds
        if enough or self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._body = 0
            self._wait(self._limits.body_seconds)
        else:
            self._refuse(408, f"expected a body to bring at least {self._limits.body_rate:,} bytes a second")

    def _look_whether_idle(self) -> None:
        """Close the connection if there was nothing to do since the last look: cheaper than a timer a request."""
        idle = self._expected == _NEXT and self.cycle.response_complete and not self._held
        if idle and self._answers == self._answers_then:
            self.transport.close()
            return
        self._answers_then = self._answers
        self._idle_timer = self.loop.call_later(self.timeout_keep_alive, self._look_whether_idle)

    def _too_long(self) -> tuple[int, str]:
        most = f"at most {self._limits.head_bytes:,} bytes"
        if self._expected == _BODY:
            return 431, f"expected {most} between two parts of a chunked body, and after it"
        if len(self.url) > self._limits.head_bytes // 2:
            return 414, f"expected {most} of URL and header together, and the URL alone took more than half of them"
        return 431, f"expected a header of {most}"

    def _refuse(self, status: int, detail: str) -> None:
        """Answer, once the answers to earlier requests are out, and take nothing more from this client."""
        self._stop_waiting()
        self._refusal = status, detail
        self._held = b""
        cycle = self.cycle
        answered = cycle is None or cycle.response_complete  # type: ignore[redundant-expr] # it begins as None
        if self._expected != _BODY:
            if answered:
                self._say_why(status, detail)
        elif answered or cycle.response_started or self.pipeline:
            self.transport.abort()
        else:
            cycle.disconnected = True
            cycle.message_event.set()
            self._say_why(status, detail)

    def _say_why(self, status: int, detail: str) -> None:
        if self.transport.is_closing():
            return
        self._write(problem(status, detail, headers={"Connection": "close"}))
        # It may be sending still. If nobody took that, the answer would not reach it.
        self.transport.write_eof()
        self.flow.waits = False
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
