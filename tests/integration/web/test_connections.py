"""Clients that would take the whole service for themselves, against the real one."""

import asyncio
import http.client
import json
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn import Config

from app.shutdown import stopping
from app.web.server import _Server
from tests.integration.cli import test_start
from tests.integration.conftest import write_weights

#: Files that the service may have open, as after `ulimit -n 256`.
FILES = 256


class Running:
    """The service, and its log."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self._log = log

    def connect(self) -> socket.socket:
        """Open a connection that says nothing."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def client(self) -> http.client.HTTPConnection:
        """Make a client that has not connected yet."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def told(self) -> list[str]:
        """Return what the log says besides uvicorn's own lines."""
        return [line for line in self._log.read_text().splitlines() if " INFO uvicorn" not in line]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    command = tmp_path / "nobody"
    command.write_text(f'#!/bin/sh\nulimit -n {FILES}\nexec {test_start.NOBODY} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setattr(test_start, "NOBODY", command)
    log = tmp_path / "log"
    with test_start.running(log, weights=write_weights(tmp_path)) as (_, address):
        yield Running(urlsplit(address).port or 0, log)


def _ask(client: http.client.HTTPConnection) -> int:
    client.request("GET", "/healthz")
    answer = client.getresponse()
    if answer.status != 200:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert json.loads(answer.read())["status"] == answer.status
    answer.read()
    return answer.status


def test_idle_connections_keep_nobody_from_talking(service: Running) -> None:
    with ExitStack() as stack:
        talking = stack.enter_context(closing(service.client()))
        assert _ask(talking) == 200
        same = talking.sock
        idle = []
        for _ in range(300):
            idle.append(stack.enter_context(service.connect()))
            if len(idle) % 20 == 0:
                assert _ask(talking) == 200
        visitors: Counter[int] = Counter()
        for _ in range(20):
            with closing(service.client()) as visitor:
                visitors[_ask(visitor)] += 1
        assert set(visitors) <= {200, 503}
        assert visitors[503]
        assert _ask(talking) == 200
        assert talking.sock is same, "the connection that was there first was broken"
    for _ in range(600):  # until the service has seen that they are gone
        with closing(service.client()) as visitor:
            if _ask(visitor) == 200:
                break
    else:
        pytest.fail("no visitor is served again")
    [line] = service.told()
    assert f" WARNING nobody: all {FILES // 2} connections are in use; others get a 503" in line


def test_an_endless_header_holds_up_nobody(service: Running) -> None:
    with closing(service.client()) as visitor, service.connect() as endless:
        endless.sendall(b"GET /sample HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
        for _ in range(8):
            endless.sendall(b"a" * 2**20)
            assert _ask(visitor) == 200
        answer = http.client.HTTPResponse(endless)
        answer.begin()
        assert (answer.status, answer.getheader("Connection")) == (431, "close")
        assert "at most 65,536 bytes" in json.loads(answer.read())["detail"]
    assert service.told() == []


def test_a_whole_url_reaches_only_hosts_that_are_ours(service: Running) -> None:
    for host, status in (("evil.test", 421), ("localhost", 200), ("[::1]:80", 200)):
        for header in ("evil.test", "127.0.0.1"):
            with service.connect() as connection:
                connection.sendall(f"GET http://{host}/healthz HTTP/1.1\r\nHost: {header}\r\n\r\n".encode())
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                assert answer.status == status


def test_a_client_that_takes_nothing_of_its_answer_is_let_go() -> None:
    """By the kernel: every connection inherits the time limit of the socket that listens."""

    async def look() -> int:
        config = Config(_nothing, port=0, lifespan="off", log_config=None)
        config.load()
        server = _Server(config, None)
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        try:
            _, writer = await asyncio.open_connection(*server.servers[0].sockets[0].getsockname())
            while not server.server_state.connections:
                await asyncio.sleep(0)
            [connection] = server.server_state.connections
            accepted = connection.transport.get_extra_info("socket")
            milliseconds: int = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            writer.close()
            return milliseconds
        finally:
            await server.shutdown()
            stopping.clear()  # of this process, whose next tests do not end

    assert asyncio.run(look()) == 60_000


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    pass
