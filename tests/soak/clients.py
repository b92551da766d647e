"""Clients in crowds: ``wrk``, event streams, slow ones, and those that ask for faces with seeds."""

import asyncio
import hashlib
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit


class Answers(NamedTuple):
    """What ``wrk`` saw: requests a second, waiting times in milliseconds, and failures."""

    rate: float
    median: float
    p99: float
    failures: int

    def __str__(self) -> str:
        waits = f"median {self.median:.1f} ms, 99th percentile {self.p99:.1f} ms"
        return f"{self.rate:,.0f} faces/s, {waits}, {self.failures} failures"


_REPORT = """
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %f, "median": %f, "p99": %f, "failures": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def crowd(address: str, folder: Path, connections: int, seconds: int) -> Answers:
    """Ask for new faces on many connections at once."""
    script = folder / "report.lua"
    script.write_text(_REPORT)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script, f"{address}/sample"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout.splitlines()[-1])
    return Answers(seen["requests"] / seen["seconds"], seen["median"], seen["p99"], seen["failures"])


class Sockets(threading.Thread):
    """Many clients on a thread of their own, until the end of a block."""

    def __init__(self, address: str, count: int) -> None:
        super().__init__(daemon=True)
        self.count = count
        parts = urlsplit(address)
        self.host, self.port = str(parts.hostname), int(parts.port or 0)
        self.received = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()

    async def client(self, number: int) -> None:
        """Be one client."""
        raise NotImplementedError

    def run(self) -> None:
        """Be all clients."""
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._all())

    async def _all(self) -> None:
        self._tasks = [asyncio.ensure_future(self.client(number)) for number in range(self.count)]
        self._ready.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def __enter__(self) -> "Sockets":
        self.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        for task in self._tasks:
            self._loop.call_soon_threadsafe(task.cancel)
        self.join()


class Streams(Sockets):
    """Clients that follow a job."""

    def __init__(self, address: str, count: int, job: str) -> None:
        super().__init__(address, count)
        self._request = f"GET /jobs/{job}/events HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n\r\n".encode()

    async def client(self, number: int) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(self._request)
        while line := await reader.readline():
            self.received += line.startswith(b"id:")


class SlowClients(Sockets):
    """Clients that send a byte of a header each second, and begin again when they are refused."""

    async def client(self, number: int) -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(self.host, self.port)
                for byte in b"GET /sample HTTP/1.1\r\nHost: somewhere-that-takes-a-long-time-to-spell":
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(1)
                writer.close()


async def hashes(address: str, first: int, last: int, connections: int) -> bytes:
    """Return eight bytes of the hash of each face, by seed."""
    parts = urlsplit(address)
    found = bytearray(8 * (last - first))
    seeds: Iterator[int] = iter(range(first, last))

    async def fetch() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for seed in seeds:
            writer.write(b"GET /sample?seed=%d HTTP/1.1\r\nHost: %b\r\n\r\n" % (seed, parts.netloc.encode()))
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"seed {seed}: {head[:100]!r}")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            face = await reader.readexactly(length)
            found[8 * (seed - first) : 8 * (seed - first + 1)] = hashlib.blake2b(face, digest_size=8).digest()
        writer.close()

    await asyncio.gather(*(fetch() for _ in range(connections)))
    return bytes(found)
