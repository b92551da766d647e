"""Read a line of JSON, the arguments of :func:`draw`, then the losses' bytes; write a PNG."""

import gc
import json
import os
import sys

import numpy as np


def main() -> None:
    """Draw one picture, from standard input to standard output."""
    os.nice(10)  # faces are served first
    gc.disable()  # this process ends after one picture; to look for garbage takes a fifth of its time
    from app.jobs.service.plots.figure import as_png, draw

    arguments = json.loads(sys.stdin.buffer.readline())
    losses = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(-1, len(arguments["names"]))
    sys.stdout.buffer.write(as_png(draw(losses=losses, **arguments)))


if __name__ == "__main__":
    main()
