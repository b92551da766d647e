"""``app.jobs.trainer FD``: a training process, which executes the commands that arrive over the connection FD.

It ends when the worker closes the connection. SIGTERM saves and stops the current command.
"""

import gc
import os
import queue
import signal
import sys
import threading
import traceback
from functools import partial
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

from app.jobs.trainer.messages import Failed, Interrupted, Message, WarmCommand

# Toy networks are too small for several threads; jobs that run at the same time would compete for the cores.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

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
        try:
            result = Session(command, send, stop.is_set).run()
        except OSError as error:  # such as a full disk
            if isinstance(error, FileNotFoundError):  # expected after the job was deleted or taken over
                print(f"training process: {error}", file=sys.stderr, flush=True)
            else:
                traceback.print_exc()
            send(Interrupted(f"its files could not be written or read: {error.strerror}"))
            os._exit(1)
        except Exception as error:
            traceback.print_exc()
            result = Failed(f"the training process failed unexpectedly ({type(error).__name__}); its log says why")
        busy.clear()
        send(result)


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
