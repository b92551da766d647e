"""The end of the service, for whoever must not outlast it: answers that would stream for ever, other processes."""

import os
import sys
import threading

#: Set as soon as the service is told to end: it still answers, but is not ready for more.
draining = threading.Event()
#: Set when it ends, before its connections are waited for.
stopping = threading.Event()


def end_with_parent() -> None:
    """End this process at once when its parent ends, which closes our standard input."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()
