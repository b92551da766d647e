"""Reading a connection at a pace, so that no client takes the event loop for itself."""

from asyncio import AbstractEventLoop, BaseTransport, Transport
from typing import Any, cast

from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

#: Bytes of one client that are parsed in one turn of the event loop; hundreds of requests may begin in them.
_SLICE = 2**13


class _Flow(FlowControl):
    """uvicorn's flow control, which in addition stays paused while received bytes or requests wait."""

    backlog = False

    def resume_reading(self) -> None:
        """Read on, unless there is a backlog."""
        if not self.backlog:
            super().resume_reading()


class PacedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which parses a slice of the received bytes in each turn of the event loop.

    Pipelined requests wait for the answer to the earlier ones; what follows them is neither parsed nor read.
    """

    flow: _Flow

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], loop: AbstractEventLoop | None
    ) -> None:
        super().__init__(config, server_state, app_state, loop)
        self._unparsed = b""
        self._turn_scheduled = False
        self._discarding = False
        self._answering: RequestResponseCycle | None = None  # uvicorn's ``cycle`` is the last one that was received

    def parse(self, data: bytes) -> None:
        """Feed the parser."""
        raise NotImplementedError

    def discard_input(self) -> None:
        """Ignore everything that was not parsed yet, and everything that comes later."""
        self._unparsed = b""
        self._discarding = True

    def connection_made(self, transport: BaseTransport) -> None:
        """Take the connection."""
        super().connection_made(cast(Transport, transport))
        self.flow = _Flow(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered that its client has left."""
        self._unparsed = b""
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse a slice now, and the rest in later turns, alternating with other connections."""
        if self._discarding:
            return
        waiting, self._unparsed = self._unparsed, self._unparsed + data
        if not waiting:
            self._parse_slice()

    def _parse_slice(self) -> None:
        data, self._unparsed = self._unparsed[:_SLICE], self._unparsed[_SLICE:]
        self.parse(data)
        self.continue_reading()

    def _take_turn(self) -> None:
        self._turn_scheduled = False
        if self._unparsed and not self.pipeline and not self.transport.is_closing():
            self._parse_slice()

    def continue_reading(self) -> None:
        """Schedule the next slice, and read from the socket only while there is no backlog."""
        if self._unparsed and not self.pipeline and not self._turn_scheduled:
            self._turn_scheduled = True
            self.loop.call_soon(self._take_turn)
        if self._unparsed or self.pipeline:
            self.flow.backlog = True
            self.flow.pause_reading()
        elif self.flow.backlog:
            self.flow.backlog = False
            if not self._body_is_full():
                self.flow.resume_reading()

    def _body_is_full(self) -> bool:
        """Return whether so much of a body waits for the application that the application shall resume reading."""
        cycle = self.cycle
        return cycle is not None and len(cycle.body) > HIGH_WATER_LIMIT  # type: ignore[redundant-expr] # None at first

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)
