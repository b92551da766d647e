"""Pictures of a job, drawn by a process of their own.

Matplotlib holds Python's lock while it draws: in a thread of the web process, it would delay faces.
"""

import json
import subprocess
from typing import Any

import numpy as np
import numpy.typing as npt

from app.jobs.child import command
from app.jobs.errors import JobsUnavailableError

#: A picture takes less than a second on an idle machine.
_SECONDS = 60


def picture(losses: npt.NDArray[np.float32], **arguments: Any) -> bytes:
    """Return a picture of a job as PNG; the arguments are those of :func:`app.jobs.service.plots.draw`.

    Raises:
        JobsUnavailableError: the machine is too busy, or has too little memory.
    """
    given = json.dumps(arguments).encode() + b"\n" + losses.astype(np.float32, copy=False).tobytes()
    try:
        run = subprocess.run(
            command("app.jobs.service.plots"), input=given, capture_output=True, timeout=_SECONDS, check=False
        )
    except (subprocess.TimeoutExpired, OSError):
        raise JobsUnavailableError("the picture could not be drawn: the service is too busy; try again later") from None
    if run.returncode < 0:  # killed, most likely for want of memory
        raise JobsUnavailableError("the picture could not be drawn: its process was killed; try again later")
    if run.returncode:
        raise RuntimeError(f"drawing a picture failed: {run.stderr.decode(errors='replace')}")
    return run.stdout
