"""``app.jobs.trainer FD``: trains what it is told over the connection FD, one order after the other.

It never outlives its worker: the connection's end is watched from the first moment. SIGTERM means: save and stop.
"""

import contextlib
import os
import queue
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from types import FrameType
from typing import Any

# Toy networks are too small to share out among threads; two jobs on two cores would only get into each other's way.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

#: Below the serving of faces.
_NICENESS = 10


def main() -> None:
    """Train until the worker lets go of the connection."""
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    stop = threading.Event()
    busy = threading.Event()
    orders: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def on_terminate(_number: int, _frame: FrameType | None) -> None:
        if not busy.is_set():
            os._exit(0)
        stop.set()

    signal.signal(signal.SIGTERM, on_terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the worker decides
    os.nice(_NICENESS)
    threading.Thread(target=_receive, args=(connection, orders), daemon=True).start()

    import app.quiet_tensorflow  # noqa: F401 (first)
    from app.jobs.trainer.messages import Failed, Interrupted
    from app.jobs.trainer.session import Session

    while True:
        order = orders.get()
        stop.clear()
        busy.set()
        try:
            result = Session(order, connection.send, stop.is_set).run()
        except OSError as error:
            # A full disk, say: not the job's fault. The worker tries again, from the last checkpoint.
            traceback.print_exc()
            with contextlib.suppress(OSError):
                connection.send(Interrupted(f"its files could not be written or read: {error.strerror}"))
            os._exit(1)
        except Exception as error:
            traceback.print_exc()
            result = Failed(f"the training process failed unexpectedly ({type(error).__name__}); its log says why")
        busy.clear()
        connection.send(result)


def _receive(connection: "Connection[Any, Any]", orders: "queue.SimpleQueue[Any]") -> None:
    try:
        while True:
            orders.put(connection.recv())
    except (EOFError, OSError):
        os._exit(0)  # nobody is left to train for


if __name__ == "__main__":
    main()
