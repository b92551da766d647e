"""What a client may do to the server: real sockets, and a clock that the tests put forward."""

import asyncio
import json
import logging
import re
import resource
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from app.web.connection_limits import Limits, possible_connections
from app.web.connections import Connection, limited

HOST = b"Host: 127.0.0.1\r\n"
GET = b"GET /a HTTP/1.1\r\n" + HOST + b"\r\n"
LAST = b"GET /last HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
UPLOAD = b"POST /up HTTP/1.1\r\n" + HOST
CHUNKED = UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


async def _rounds() -> None:
    """Let everything happen that is due."""
    for _ in range(20):
        await asyncio.sleep(0)


@dataclass
class Served:
    """A server, and what its application has seen."""

    port: int = 0
    seen: list[tuple[str, int]] = field(default_factory=list)
    headers: list[dict[bytes, bytes]] = field(default_factory=list)
    left: int = 0
    clients: list["Client"] = field(default_factory=list)
    accepted: list[Connection] = field(default_factory=list)
    received: dict[int, int] = field(default_factory=dict)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, and tell the path and the size; /wait and /unread take their time, or never read."""
        self.headers.append(dict(scope["headers"]))
        size, more = 0, scope["path"] != "/unread"
        if scope["path"] == "/wait":
            await self.go_on.wait()
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left += 1
                return
            size, more = size + len(message["body"]), message.get("more_body", False)
        self.seen.append((scope["path"], size))
        body = f"{scope['path']} {size};".encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def connect(self) -> "Client":
        """Open a connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append(Client(reader, writer, self))
        return self.clients[-1]

    def accept(self, connection: Connection) -> Connection:
        """Count the bytes that a connection receives."""
        receive = connection.data_received
        self.accepted.append(connection)

        def counted(data: bytes) -> None:
            port = connection.client[1] if connection.client else 0
            self.received[port] = self.received.get(port, 0) + len(data)
            receive(data)

        connection.data_received = counted  # type: ignore[method-assign]
        return connection


@dataclass
class Client:
    """One connection to it."""

    reader: StreamReader
    writer: StreamWriter
    served: Served
    sent: int = 0

    def send(self, data: bytes) -> None:
        """Send without waiting."""
        self.writer.write(data)
        self.sent += len(data)

    async def arrived(self) -> None:
        """Wait until the server has what was sent, or takes no more."""
        port = self.writer.get_extra_info("sockname")[1]
        while not self._taken(port):
            await asyncio.sleep(0)
        await _rounds()

    def _taken(self, port: int) -> bool:
        for connection in self.served.accepted:
            if connection.client == ("127.0.0.1", port):
                no_more = connection.flow.read_paused or connection.transport.is_closing()
                return no_more or self.served.received.get(port, 0) == self.sent
        return False

    async def answer(self) -> tuple[int, bytes]:
        """Read one answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        assert length is not None
        return int(head.split()[1]), await self.reader.readexactly(int(length[1]))

    async def problem(self) -> dict[str, Any]:
        """Read an answer that refuses, and see that it is the last."""
        status, body = await self.answer()
        problem = json.loads(body)
        assert problem["status"] == status
        assert await self.reader.read() == b""
        return cast(dict[str, Any], problem)

    async def rest(self) -> bytes:
        """Read to the end."""
        return await self.reader.read()


@asynccontextmanager
async def _serving(limits: Limits) -> AsyncIterator[Served]:
    served = Served()
    connect = cast(Callable[..., Connection], limited(limits))
    config = Config(served.app, interface="asgi3", lifespan="off", ws="none", timeout_keep_alive=5, log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: served.accept(connect(config, state, {}, loop)), "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for client in served.clients:
            client.writer.transport.abort()
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await _rounds()


def run(test: Callable[[Served], Awaitable[None]], **limits: Any) -> None:
    """Run a test beside a server."""

    async def beside() -> None:
        async with _serving(Limits(**{"connections": 100} | limits)) as served:
            await asyncio.wait_for(test(served), 10_000)  # of the clock that is put forward

    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(beside())


async def later(seconds: float) -> None:
    """Put the clock forward, and let what is due happen."""
    cast(Loop, asyncio.get_running_loop()).ahead += seconds
    await _rounds()


def _head(*fields: bytes, url: bytes = b"/a") -> bytes:
    return b"GET " + url + b" HTTP/1.1\r\n" + HOST + b"".join(field + b"\r\n" for field in fields) + b"\r\n"


HEADS = {
    "an ordinary header": (_head(b"Accept: */*"), 200),
    "a long field": (_head(b"X: " + b"a" * 60_000), 200),
    "a long URL": (_head(url=b"/" + b"a" * 60_000), 200),
    "many fields": (_head(*[b"X: a"] * 99), 200),
    "a field that is too long": (_head(b"X: " + b"a" * 66_000), 431),
    "a name that is too long": (_head(b"X" * 66_000 + b": a"), 431),
    "fields that are too long together": (_head(*[b"X: " + b"a" * 700] * 99), 431),
    "a URL that is too long": (_head(url=b"/" + b"a" * 66_000), 414),
    "a query that is too long": (_head(url=b"/?" + b"a" * 66_000), 414),
    "too many fields": (_head(*[b"X: a"] * 100), 431),
    "far too many fields": (_head(*[b"X:"] * 20_000), 431),
    "a header that never ends": (b"GET /a HTTP/1.1\r\nX: " + b"a" * 2**22, 431),
    "fields that never end": (b"GET /a HTTP/1.1\r\n" + b"X: a\r\n" * 2**19, 431),
    "a URL that never ends": (b"GET /" + b"a" * 2**22, 414),
    "no HTTP": (b"hello\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100, 400),
    "a host to connect to": (b"CONNECT evil.test:443 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a length that is no number": (UPLOAD + b"Content-Length: many\r\n\r\n", 400),
    "two lengths": (UPLOAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a chunk without a length": (CHUNKED + b"zz\r\n", 400),
    "a trailer that is too long": (CHUNKED + b"1\r\na\r\n0\r\nX: " + b"a" * 2**20, 431),
    "trailers that never end": (CHUNKED + b"1\r\na\r\n0\r\n" + b"X: a\r\n" * 2**18, 431),
    "an extension of a chunk that is too long": (CHUNKED + b"1;x=" + b"a" * 2**20, 431),
}


@pytest.mark.parametrize(("sent", "status"), HEADS.values(), ids=list(HEADS))
@pytest.mark.parametrize("cut", [2**30, 2**16, 1_000])
def test_a_header_has_limits(sent: bytes, status: int, cut: int) -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        for start in range(0, len(sent), cut):
            client.send(sent[start : start + cut])
            await client.arrived()
        if status == 200:
            assert (await client.answer())[0] == 200
        else:
            assert (await client.problem())["status"] == status
            assert served.seen == []

    run(test)


def test_who_sends_on_comes_to_the_answer() -> None:
    """Closed at once, the connection would be reset, and the answer lost."""

    async def test(served: Served) -> None:
        client = await served.connect()
        client.send(b"GET /a HTTP/1.1\r\nX: ")
        for _ in range(64):
            client.send(b"a" * 2**20)
            await client.writer.drain()
        assert (await client.problem())["status"] == 431

    run(test)


def test_the_limits_are_those_of_one_request() -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        long = _head(b"X: " + b"a" * 40_000)
        client.send(long * 10 + UPLOAD + b"Content-Length: 1000000\r\n\r\n" + b"a" * 1_000_000 + long)
        client.send(CHUNKED + b"f4240;x=y\r\n" + b"a" * 1_000_000 + b"\r\n0\r\nX: a\r\n\r\n" + LAST)
        await client.rest()
        expected = [("/a", 0)] * 10 + [("/up", 1_000_000), ("/a", 0), ("/up", 1_000_000), ("/last", 0)]
        assert served.seen == expected

    run(test)


@given(st.lists(st.integers(0, 600), max_size=12))
def test_a_request_may_come_in_any_pieces(cuts: list[int]) -> None:
    sent = (
        GET
        + UPLOAD
        + b"Content-Length: 5\r\n\r\nabcde"
        + b"\r\n"
        + CHUNKED
        + b"3\r\nabc\r\n0\r\nX: a\r\n\r\n"
        + GET
        + LAST
    )

    async def test(served: Served) -> None:
        client = await served.connect()
        borders = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
        for start, end in pairwise(borders):
            client.send(sent[start:end])
            await client.arrived()
        await client.rest()
        assert served.seen == [("/a", 0), ("/up", 5), ("/up", 3), ("/a", 0), ("/last", 0)]

    run(test)


def test_answers_on_their_way_come_before_a_refusal() -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        client.send(GET.replace(b"/a", b"/wait") + GET + _head(*[b"X: a"] * 200))
        await client.arrived()
        served.go_on.set()
        assert await client.answer() == (200, b"/wait 0;")
        assert await client.answer() == (200, b"/a 0;")
        assert (await client.problem())["status"] == 431

    run(test)


def test_requests_that_nobody_waited_for_are_not_all_taken_at_once() -> None:
    async def scenario(served: Served) -> None:
        client = await served.connect()
        client.send(GET.replace(b"/a", b"/wait"))
        await client.arrived()
        client.send(GET * 20_000)
        await client.arrived()
        connection = served.accepted[0]
        connection.flow.resume_reading()  # as whoever waits for the end of the connection does
        await _rounds()
        assert connection.flow.read_paused
        assert 0 < len(connection.pipeline) < 1_000
        served.go_on.set()
        client.send(LAST)
        assert (await client.rest()).count(b"/a 0;") == 20_000

    run(scenario)


def test_who_leaves_is_missed_by_the_first_of_several_requests() -> None:
    """An answer to nobody is an error in the log."""

    async def scenario(served: Served) -> None:
        client = await served.connect()
        client.send(GET.replace(b"/a", b"/wait") + GET * 3)
        await client.arrived()
        served.accepted[0].transport.abort()
        await _rounds()
        served.go_on.set()
        await _rounds()
        assert (served.left, served.seen) == (1, [])

    run(scenario)


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c", b"something"])
def test_who_asks_for_another_protocol_is_answered_in_this_one(upgrade: bytes) -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        client.send(_head(b"Connection: Upgrade", b"Upgrade: " + upgrade) * 3 + LAST)
        assert (await client.rest()).count(b"HTTP/1.1 200 OK") == 4

    run(test)


@pytest.mark.parametrize(
    ("target", "host", "path"),
    [
        (b"http://evil.test/a", b"evil.test", "/a"),
        (b"http://evil.test:8000/a?b=c", b"evil.test:8000", "/a"),
        (b"HTTP://Evil.test", b"Evil.test", "/"),
        (b"http://[::1]:80/a", b"[::1]:80", "/a"),
    ],
)
def test_the_host_of_a_whole_url_stands_above_that_of_the_header(target: bytes, host: bytes, path: str) -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        client.send(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        await client.rest()
        assert served.headers[0][b"host"] == host
        assert served.seen == [(path, 0)]

    run(test)


def test_trailers_are_not_taken_for_headers() -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        client.send(CHUNKED.replace(b"/up", b"/wait") + b"1\r\na\r\n0\r\nHost: evil.test\r\nX: a\r\n\r\n" + LAST)
        await client.arrived()
        served.go_on.set()
        await client.rest()
        assert served.headers[0] == {b"host": b"127.0.0.1", b"transfer-encoding": b"chunked"}

    run(test)


def test_a_header_that_comes_byte_by_byte_is_not_waited_for() -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        for byte in GET[:14]:
            client.send(bytes([byte]))
            await client.arrived()
            await later(1)
        await later(1)
        problem = await client.problem()
        assert (problem["status"], problem["detail"]) == (408, "expected the whole header within 15 seconds")

    run(test)


def test_a_further_request_has_its_own_time() -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        for _ in range(10):
            client.send(GET[:10])
            await client.arrived()
            await later(14)
            client.send(GET[10:])
            assert (await client.answer())[0] == 200
            await later(4)  # less than an idle connection may last
        client.send(GET + GET[:10])
        assert (await client.answer())[0] == 200
        await later(15)
        assert (await client.problem())["status"] == 408

    run(test)


@pytest.mark.parametrize("before", [b"", GET, CHUNKED + b"0\r\n\r\n"])
@pytest.mark.parametrize("said", [b"", b"\r\n", b"\r\n\r\n\r\n"])
def test_a_connection_that_says_nothing_is_closed(before: bytes, said: bytes) -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        if before:
            client.send(before)
            assert (await client.answer())[0] == 200
        if said:
            client.send(said)
            await client.arrived()
        for _ in range(3):
            await later(5)
        assert await client.rest() == b"" or said

    run(test)


def test_a_body_may_take_as_long_as_it_needs_at_a_fair_rate() -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        client.send(UPLOAD + b"Content-Length: 4096000\r\n\r\n")
        await client.arrived()
        for _ in range(200):
            client.send(b"a" * 20_480)
            await client.arrived()
            await later(20)
        assert await client.answer() == (200, b"/up 4096000;")

    run(test)


@pytest.mark.parametrize("start", [UPLOAD + b"Content-Length: 1000000\r\n\r\n", CHUNKED])
def test_a_body_that_comes_byte_by_byte_is_not_waited_for(start: bytes) -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        client.send(start)
        await client.arrived()
        for _ in range(20):
            client.send(b"a" if start != CHUNKED else b"1\r\na\r\n")
            await client.arrived()
            await later(1)
        problem = await client.problem()
        assert problem["status"] == 408
        assert problem["detail"] == "expected a body to bring at least 1,024 bytes a second"
        assert (served.left, served.seen) == (1, [])

    run(test)


def test_the_time_that_we_need_is_not_the_client_s() -> None:
    async def test(served: Served) -> None:
        client = await served.connect()
        wait = UPLOAD.replace(b"/up", b"/wait")
        client.send(wait + b"Content-Length: 1\r\n\r\na")
        large = await served.connect()  # so much that we read no more of it before the application does
        large.send(wait + b"Content-Length: 1000000\r\n\r\n" + b"a" * 1_000_000)
        asking = await served.connect()
        asking.send(wait + b"Content-Length: 1\r\nExpect: 100-continue\r\n\r\n")
        for one in (client, large, asking):
            await one.arrived()
        for _ in range(100):
            await later(20)
        served.go_on.set()
        assert await client.answer() == (200, b"/wait 1;")
        assert await large.answer() == (200, b"/wait 1000000;")
        assert await asking.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        asking.send(b"a")
        assert await asking.answer() == (200, b"/wait 1;")

    run(test)


def test_a_body_that_nobody_reads_may_come_to_its_end_but_not_go_on() -> None:
    async def test(served: Served) -> None:
        start = UPLOAD.replace(b"/up", b"/unread") + b"Content-Length: 200000\r\n\r\n"
        client = await served.connect()
        client.send(start)
        assert await client.answer() == (200, b"/unread 0;")
        client.send(b"a" * 200_000 + GET)
        assert await client.answer() == (200, b"/a 0;")  # the connection is still good
        client.send(start + b"a" * 200_000)
        assert (await client.answer())[0] == 200
        await client.arrived()
        await later(5)
        await later(5)
        assert await client.rest() == b""  # and ends like any other that is idle
        endless = await served.connect()
        endless.send(start)
        assert (await endless.answer())[0] == 200
        for _ in range(6):
            endless.send(b"a" * 100)
            await endless.arrived()
            await later(1)
        assert await endless.rest() == b""

    run(test)


def test_one_connection_too_many_is_told_so_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def test(served: Served) -> None:
        caplog.set_level(logging.WARNING, "nobody")
        clients = [await served.connect() for _ in range(8)]
        clients[0].send(GET)
        assert (await clients[0].answer())[0] == 200
        for _ in range(3):
            client = await served.connect()
            client.send(GET)
            status, body = await client.answer()
            assert status == 503
            assert json.loads(body)["detail"] == "all of the 8 connections are in use; try again in a moment"
            assert await client.rest() == b""
        for client in clients:
            client.send(LAST)
            assert (await client.answer())[0] == 200
        await clients[0].arrived()
        client = await served.connect()
        client.send(GET)
        assert (await client.answer())[0] == 200
        assert [record.message for record in caplog.records] == [
            "all 8 connections are in use; others get a 503 (`ulimit -n` allows twice as many open files)"
        ]

    run(test, connections=8)


def test_many_connections_too_many_do_not_even_wait(caplog: pytest.LogCaptureFixture) -> None:
    async def test(served: Served) -> None:
        clients = [await served.connect() for _ in range(30)]
        await clients[-1].arrived()
        for client in clients[10:]:
            assert (await client.problem())["status"] == 503
        await later(1)
        for client in clients[8:10]:
            assert await client.rest() == b""  # they never said what they wanted
        clients[0].send(GET)
        assert (await clients[0].answer())[0] == 200
        assert len(caplog.records) == 1
        await later(60)
        again = [await served.connect() for _ in range(9)]
        await again[-1].arrived()
        assert len(caplog.records) == 2

    run(test, connections=8)


@pytest.mark.parametrize(
    ("soft", "hard", "raised", "connections"),
    [
        (256, 256, 256, 128),
        (1_024, 4_096, 4_096, 2_048),
        (1_024, 2**20, 8_192, 4_096),
        (1_024, resource.RLIM_INFINITY, 8_192, 4_096),
        (2**20, 2**20, 2**20, 4_096),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY, 4_096),
    ],
)
def test_connections_take_half_of_the_files_that_may_be_open(
    soft: int, hard: int, raised: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: limits.append(given))
    assert possible_connections() == connections
    assert limits[-1] == (raised, hard)
