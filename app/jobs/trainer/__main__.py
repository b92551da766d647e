"""``app.jobs.trainer FD``: a training process, which executes the commands that arrive over the connection FD.

It ends when the worker closes the connection. SIGTERM saves and stops the current command.
"""

import gc
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from types import FrameType
from typing import TYPE_CHECKING, Any

from app import logs
from app.jobs.trainer.messages import Failed, Interrupted, Message, WarmCommand

if TYPE_CHECKING:
    from app.jobs.trainer.session import Session

# Toy networks are too small for several threads; jobs that run at the same time would compete for the cores.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

log = logging.getLogger("nobody.jobs")

#: Lower priority than serving faces.
_NICENESS = 10


def main() -> None:
    """Train until the worker closes the connection."""
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    stop = threading.Event()
    busy = threading.Event()
    commands: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def on_terminate(_number: int, _frame: FrameType | None) -> None:
        if not busy.is_set():
            os._exit(0)
        stop.set()

    signal.signal(signal.SIGTERM, on_terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of the terminal; the worker decides
    os.nice(_NICENESS)
    threading.Thread(target=_receive, args=(connection, commands), daemon=True).start()
    send = partial(send_or_end, connection)
    logs.configure("json" if os.environ.get("NOBODY_LOG") == "json" else "text")

    import app.quiet_tensorflow  # noqa: F401 (first)
    from app.jobs.trainer.session import Session
    from app.jobs.trainer.warming import warm

    gc.freeze()  # what is loaded stays: the garbage collector need not scan it again

    while True:
        command = commands.get()
        if isinstance(command, WarmCommand):
            warm(command.architecture, send, lambda: not commands.empty())
            continue
        stop.clear()
        busy.set()
        with logs.about(job=command.folder.name, request_id=command.request_id):
            result = _result(partial(Session, command, send, stop.is_set), send)
        busy.clear()
        send(result)


def _result(session: "Callable[[], Session]", send: Callable[[Message], None]) -> Message:
    """Train a job; end this process where that is impossible now."""
    try:
        return session().run()
    except OSError as error:  # such as a full disk
        if isinstance(error, FileNotFoundError):  # expected after the job was deleted or taken over
            log.warning("a training process misses a file: %s", error)
        else:
            log.exception("a training process could not write or read a file")
        send(Interrupted(f"its files could not be written or read: {error.strerror}"))
        os._exit(1)
    except Exception as error:
        log.exception("a training process failed")
        return Failed(f"the training process failed unexpectedly ({type(error).__name__}); its log says why")


_sending = threading.Lock()


def send_or_end(connection: "Connection[Any, Any]", message: Message) -> None:
    """Send a message to the worker, or end this process if the worker is gone: nothing has gone wrong here."""
    try:
        with _sending:
            connection.send(message)
    except ConnectionError:
        os._exit(0)


def _receive(connection: "Connection[Any, Any]", commands: "queue.SimpleQueue[Any]") -> None:
    try:
        while True:
            commands.put(connection.recv())
    except (EOFError, OSError):
        os._exit(0)  # the worker is gone


if __name__ == "__main__":
    main()
