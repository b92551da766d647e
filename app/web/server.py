"""``nobody serve``: the HTTP server, and with SQLite the worker that trains the jobs."""

import asyncio
import contextlib
import socket
from types import FrameType

import uvicorn

from app.config import Settings
from app.jobs.locks import service_lock
from app.jobs.worker.embedded import EmbeddedWorker
from app.shutdown import stopping
from app.web.connections import limited
from app.web.reloading import hold_hangups

#: A connection is closed after so many milliseconds in which the client acknowledges nothing that is sent to it.
_STALLED_MS = 60_000
#: Unfinished requests delay the end of the service for at most so many seconds.
_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, worker: EmbeddedWorker | None) -> None:
        super().__init__(config)
        self._worker = worker

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:  # accepted connections inherit the option
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
        if self._worker is not None and self.started:
            self._worker.start()  # after the server, which should not wait for it

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        stopping.set()
        if self._worker is not None:
            self._worker.ask_to_stop()  # saves its jobs while connections are closed
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._worker is not None:
            # Not later: uvicorn raises the signal again after this method, which ends the process.
            await asyncio.to_thread(self._worker.wait)


def serve(settings: Settings) -> None:
    """Serve until a signal arrives. With SQLite, train the jobs too.

    Raises:
        LockedError: another service uses the same data folder.
    """
    hold_hangups()  # until the application listens
    _lock = service_lock(settings)  # held to the end of the process; by it, `nobody reload` finds us
    worker = None if settings.database_url else EmbeddedWorker(settings)
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
        _Server(config, worker).run()
