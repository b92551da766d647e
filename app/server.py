"""``nobody serve``: the HTTP server, and beside it the worker that trains the jobs."""

from types import FrameType

import uvicorn

from app.config import Settings
from app.jobs.embedded import EmbeddedWorker
from app.jobs.locks import FileLock
from app.shutdown import stopping

#: A client that never finishes its request cannot hold up the end for longer than this, in seconds.
_GRACE_SECONDS = 5


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, worker: EmbeddedWorker | None) -> None:
        super().__init__(config)
        self._worker = worker

    async def startup(self, *args: object, **kwargs: object) -> None:
        await super().startup(*args, **kwargs)  # type: ignore[arg-type]
        if self._worker is not None and self.started:
            self._worker.start()  # only now: the first face comes before the first job

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        stopping.set()
        super().handle_exit(sig, frame)


def serve(settings: Settings) -> None:
    """Serve until told to end. Without a database to share, train the jobs too.

    Raises:
        LockedError: another service stands on the same data folder.
    """
    worker = None
    if not settings.database_url:
        lock = FileLock(settings.data / "serve.lock", f"nobody serve, port {settings.port}")
        worker = EmbeddedWorker(settings)
    config = uvicorn.Config(
        "app.main:app", host=settings.host, port=settings.port, timeout_graceful_shutdown=_GRACE_SECONDS
    )
    try:
        _Server(config, worker).run()
    except KeyboardInterrupt:
        pass  # uvicorn has ended in good order and repeats the signal
    finally:
        if worker is not None:
            worker.stop()
            lock.release()
