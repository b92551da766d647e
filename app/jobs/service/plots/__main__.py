"""Read what :mod:`app.jobs.service.pictures` sends; write a picture or a film."""

import gc
import json
import os
import sys

import numpy as np


def main() -> None:
    """Draw once, from standard input to standard output."""
    os.nice(10)  # faces are served first
    gc.disable()  # this process ends soon; to look for garbage takes a fifth of its time
    from app.jobs.service.plots.figure import JobFigure, as_png
    from app.jobs.service.plots.film import film

    given = sys.stdin.buffer
    form, fps, arguments = json.loads(given.readline())
    snapshots = [json.loads(given.readline()) for _ in arguments["titles"]]
    losses = np.frombuffer(given.read(), np.float32).reshape(-1, len(arguments["names"]))
    job = JobFigure(snapshots=snapshots, losses=losses, **arguments)
    sys.stdout.buffer.write(as_png(job) if form == "png" else film(job, form, fps))


if __name__ == "__main__":
    main()
