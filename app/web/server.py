"""``nobody serve``: the HTTP server, and beside it the worker that trains the jobs."""

import asyncio
import contextlib
import socket
from types import FrameType

import uvicorn

from app.config import Settings
from app.jobs.locks import FileLock
from app.jobs.worker.embedded import EmbeddedWorker
from app.shutdown import stopping
from app.web.connections import limited

#: Milliseconds in which a client must take something of what is sent to it.
_STALLED_MS = 60_000
#: A client that never finishes its request cannot hold up the end for longer than this, in seconds.
_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, worker: EmbeddedWorker | None) -> None:
        super().__init__(config)
        self._worker = worker

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for listener in server.sockets:  # its connections inherit this
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)
        if self._worker is not None and self.started:
            self._worker.start()  # only now: the first face comes before the first job

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        stopping.set()
        if self._worker is not None:
            self._worker.ask_to_stop()  # it saves its jobs while connections end
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        if self._worker is not None:
            # Here, for afterwards uvicorn repeats the signal, which ends this process.
            await asyncio.to_thread(self._worker.wait)


def serve(settings: Settings) -> None:
    """Serve until told to end. Without a database to share, train the jobs too.

    Raises:
        LockedError: another service stands on the same data folder.
    """
    worker = None
    if not settings.database_url:
        _lock = FileLock(settings.data / "serve.lock", "nobody serve")  # held to the end of the process
        worker = EmbeddedWorker(settings)
    config = uvicorn.Config(
        "app.main:app",
        host=settings.host,
        port=settings.port,
        http=limited(),
        ws="none",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        access_log=False,  # a line for each face would take longer than the face
    )
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn has ended in good order and repeats the signal
        _Server(config, worker).run()
