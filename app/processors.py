"""How many processors this process may use."""

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

#: Where Linux shows the groups of processes, and those of this process.
_GROUPS, _OURS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def processors() -> int:
    """Return how many processors this process may use: those of the machine, or its container's share, rounded up."""
    shares = (math.ceil(share) for share in _shares(_GROUPS, _OURS))
    return max(1, min((len(os.sched_getaffinity(0)), *shares)))


def _shares(groups: Path, ours: Path) -> Iterator[float]:
    """Yield the limits of the groups that this process is in, in processors; both versions of control groups."""
    try:
        lines = ours.read_text().splitlines()
    except OSError:
        return
    for _, controllers, group in (line.split(":", 2) for line in lines):
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = groups / "cpu" if controllers else groups
        # A group is limited by those above it, too. In a container, our own is the uppermost that we see.
        for folder in (root / group.lstrip("/"), *(root / group.lstrip("/")).parents):
            if folder.is_relative_to(root):
                yield from _share(folder)


def _share(folder: Path) -> Iterator[float]:
    with contextlib.suppress(OSError, ValueError):  # "max", or no such file
        quota, period = (folder / "cpu.max").read_text().split()
        yield int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError):
        quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        if int(quota) > 0:  # -1 is none
            yield int(quota) / int(period)
