"""Which part of the service this process is: one of several on the same port, or all of it."""

from typing import NamedTuple

#: What a process writes into its pipe while it serves, and when it begins to end.
BEAT, LAST_BEAT = b".", b"e"


class Part(NamedTuple):
    """One of several processes that serve together.

    Args:
        number: from 0.
        processes: how many there are.
        heartbeat: the descriptor of a pipe into which this process shows that it is alive.
        listeners: the descriptors of the sockets on which it listens.
    """

    number: int
    processes: int
    heartbeat: int
    listeners: list[int]

    def __str__(self) -> str:
        return ",".join(map(str, (*self[:3], *self.listeners)))

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Return what ``str`` was made of."""
        number, processes, heartbeat, *listeners = map(int, text.split(","))
        return cls(number, processes, heartbeat, listeners)


#: What this process is, if it is not the whole service.
mine: Part | None = None


def share(whole: int) -> int:
    """Return how much of something that all processes have together is for this one; at least 1."""
    return max(1, whole // mine.processes) if mine is not None else whole
