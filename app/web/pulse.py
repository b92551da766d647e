"""Whether a process still lives: by the beats that it sends, and by what the system says of it.

A process that is frozen and one that an overloaded machine leaves no time are silent alike. Only the first one is to be
replaced: another one would have no more time.
"""

import contextlib
from pathlib import Path
from time import monotonic

import psutil

#: A process beats several times a second; after so many seconds of silence, the system is asked about it.
_QUIET_SECONDS = 1.0
#: One that does nothing is frozen after so many seconds of silence, and one that works after so many.
_FROZEN_SECONDS, _STUCK_SECONDS = 2.0, 20.0
#: The first beat may take so many seconds.
_START_SECONDS = 60.0
#: States of a thread that waits for a processor or for a disk, and of one that was stopped by a signal.
_WORKING, _STOPPED = {"R", "D"}, "T"


class Pulse:
    """The pulse of one process.

    Args:
        pid: the process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        now = monotonic()
        self._looked = now
        self._expected = now + _START_SECONDS  # the silence counts from then on
        self._worked = now
        self._seconds = 0.0  # of processor time, when we last looked
        #: Whether there was a beat.
        self.has_beaten = False

    def beat(self, grace: float = 0) -> None:
        """Take note of a beat; the next one may come ``grace`` seconds later than usual."""
        self._expected = monotonic() + grace
        self.has_beaten = True

    def fault(self) -> str | None:
        """Return why the process counts as frozen, or None. To be called several times a second."""
        now = monotonic()
        if now - self._looked > _QUIET_SECONDS:  # it was we who were frozen
            self._expected = max(self._expected, now)
        self._looked = now
        silence = now - self._expected
        if silence < _QUIET_SECONDS:
            self._worked = now
            return None
        seconds, states = _processor_seconds(self._pid), _states(self._pid)
        if states == {_STOPPED}:
            return "is stopped"
        if seconds > self._seconds or states & _WORKING:
            self._worked = now
        self._seconds = seconds
        if silence > _STUCK_SECONDS:
            return f"has been silent for {silence:.1f} seconds"
        if silence > _FROZEN_SECONDS and now - self._worked > _FROZEN_SECONDS - _QUIET_SECONDS:
            return f"has been silent for {silence:.1f} seconds, in which it did nothing"
        return None


def _processor_seconds(pid: int) -> float:
    with contextlib.suppress(psutil.Error):
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)
    return 0.0


def _states(pid: int) -> set[str]:
    """Return the states of the threads of a process, by Linux's letters."""
    states = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(OSError):  # a thread that has ended
            states.add(stat.read_text().rpartition(")")[2].split()[0])
    return states
