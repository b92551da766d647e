"""``nobody serve``: the HTTP server, and with SQLite the worker that trains the jobs."""

import asyncio
import contextlib
import logging
import os
import socket

import uvicorn

from app import part
from app.config import Settings
from app.jobs.locks import service_lock
from app.jobs.worker.embedded import EmbeddedWorker, embedded_worker
from app.shutdown import draining, stopping
from app.web.connections import limited
from app.web.memory import give_back_large_pieces
from app.web.reloading import hold_hangups

log = logging.getLogger("nobody")

#: A connection is closed after so many milliseconds in which the client acknowledges nothing that is sent to it.
_STALLED_MS = 60_000
#: Unfinished requests delay the end of the service for at most so many seconds.
_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, worker: EmbeddedWorker | None, drain_seconds: float = 0) -> None:
        super().__init__(config)
        self._worker = worker
        self._drain_seconds = drain_seconds

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:  # accepted connections inherit the option
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
        if self._worker is not None and self.started:
            self._worker.start()  # after the server, which should not wait for it

    async def on_tick(self, counter: int) -> bool:
        _beat(part.BEAT)
        return await super().on_tick(counter)

    async def main_loop(self) -> None:
        await super().main_loop()  # until a signal arrives
        draining.set()
        if self._drain_seconds and not self.force_exit:
            log.info("ending in %g seconds; another signal ends the wait", self._drain_seconds)
            self.should_exit = False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._drain_seconds):
                    await super().main_loop()  # until another signal arrives

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        stopping.set()
        _beat(part.LAST_BEAT)
        if self._worker is not None:
            self._worker.ask_to_stop()  # saves its jobs while connections are closed
        await super().shutdown(sockets)
        if self._worker is not None:
            # Not later: uvicorn raises the signal again after this method, which ends the process.
            await asyncio.to_thread(self._worker.wait)


def _beat(beat: bytes) -> None:
    """Tell the parent, if there is one, that this process lives."""
    if part.mine is not None:
        with contextlib.suppress(BlockingIOError):  # our parent is frozen
            os.write(part.mine.heartbeat, beat)


def serve(settings: Settings) -> None:
    """Serve until a signal arrives. With SQLite, train the jobs too.

    Raises:
        LockedError: another service uses the same data folder.
    """
    give_back_large_pieces()
    hold_hangups()  # until the application listens
    worker, sockets = None, None
    if part.mine is not None:  # our parent has the lock and the worker
        os.set_blocking(part.mine.heartbeat, False)
        sockets = [socket.socket(fileno=descriptor) for descriptor in part.mine.listeners]
    else:
        _lock = service_lock(settings)  # held to the end of the process; by it, `nobody reload` finds us
        worker = embedded_worker(settings)
    config = uvicorn.Config(
        "app.main:app",
        host=settings.host,
        port=settings.port,
        http=limited(),
        ws="none",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        server_header=False,
        forwarded_allow_ips=settings.believed_proxies,
        log_config=None,  # app.logs has configured it
        access_log=False,  # a log line takes longer than a face
    )
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn has shut down and raises the signal again
        _Server(config, worker, settings.drain_seconds).run(sockets)
