"""How often a checkpoint for recovery is written: so that writing takes a small part of the time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Part of the time that writing may take.
_SHARE = 0.05


def pause_after(cost: float, shortest: float) -> float:
    """Return the seconds to wait after a checkpoint whose writing took ``cost`` seconds, at least ``shortest``."""
    return max(shortest, cost * (1 - _SHARE) / _SHARE)


class CheckpointPace:
    """Says when the next checkpoint is due.

    Args:
        shortest: pause between two of them, in seconds.
        clock: tells the time.
    """

    def __init__(self, shortest: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._shortest = self._pause = shortest
        self._clock = clock
        self._written = clock()

    def is_due(self) -> bool:
        """Return whether the pause since the last one is over."""
        return self._clock() - self._written >= self._pause

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Measure what the writing costs that is done in this block."""
        began = self._clock()
        yield
        self._written = self._clock()
        self._pause = pause_after(self._written - began, self._shortest)
