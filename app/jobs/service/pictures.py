"""Pictures and films of a job, drawn by a process of their own.

Matplotlib holds Python's lock while it draws: in a thread of the web process, it would delay faces.
"""

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from app.jobs.child import command
from app.jobs.errors import DiskFullError, JobsUnavailableError, is_disk_full

FilmFormat = Literal["gif", "webp", "apng"]

#: On an idle machine, a picture takes less than a second, and a film of 100 frames about ten at most.
_SECONDS = 120
#: Between two looks whether somebody still waits for the film.
_LOOK_SECONDS = 0.2


def picture(snapshot: dict[str, Any], losses: npt.NDArray[np.float32], **arguments: Any) -> bytes:
    """Return a picture of a job as PNG; the arguments are those of :class:`app.jobs.service.plots.figure.JobFigure`.

    Raises:
        JobsUnavailableError: the machine is too busy, or has too little memory.
    """
    return _drawn("png", 0, [snapshot], losses, arguments, threading.Event())


def film(
    snapshots: Sequence[dict[str, Any]],
    losses: npt.NDArray[np.float32],
    form: FilmFormat,
    fps: int,
    gone: threading.Event,
    **arguments: Any,
) -> bytes:
    """Return a film of a job; the arguments are those of :class:`app.jobs.service.plots.figure.JobFigure`.

    Args:
        snapshots: the frames.
        losses: until the last of them.
        form: of the file.
        fps: frames per second.
        gone: once it is set, nobody wants the film any more, and it is given up.
        arguments: the others of the figure.

    Raises:
        JobsUnavailableError: the machine is too busy, or has too little memory; or the film was given up.
    """
    return _drawn(form, fps, snapshots, losses, arguments, gone)


def _drawn(
    form: str,
    fps: int,
    snapshots: Sequence[dict[str, Any]],
    losses: npt.NDArray[np.float32],
    arguments: dict[str, Any],
    gone: threading.Event,
) -> bytes:
    until = time.monotonic() + _SECONDS
    try:
        with tempfile.TemporaryFile() as given:
            # Line by line: JSON of a whole film at once would hold Python's lock for long.
            given.writelines(json.dumps(part).encode() + b"\n" for part in ([form, fps, arguments], *snapshots))
            given.write(losses.astype(np.float32, copy=False).tobytes())
            given.seek(0)
            process = subprocess.Popen(
                command("app.jobs.service.plots"), stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        with process:
            output, errors = _end_of(process, until, gone)
    except (subprocess.TimeoutExpired, OSError) as error:
        if is_disk_full(error):
            raise DiskFullError from None
        raise JobsUnavailableError("the picture could not be drawn: the service is too busy; try again later") from None
    if process.returncode < 0:  # killed, most likely for want of memory
        raise JobsUnavailableError("the picture could not be drawn: its process was killed; try again later")
    if process.returncode:
        raise RuntimeError(f"drawing a picture failed: {errors.decode(errors='replace')}")
    return output


def _end_of(process: subprocess.Popen[bytes], until: float, gone: threading.Event) -> tuple[bytes, bytes]:
    """Return what a process writes until it ends; kill it when the time is over or nobody waits any more."""
    while True:
        try:
            return process.communicate(timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if gone.is_set() or time.monotonic() > until:
                process.kill()
                raise
