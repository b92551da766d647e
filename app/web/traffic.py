"""What the service has answered, for ``GET /metrics``: plain numbers, changed on the event loop only."""

from app.tallies import Histogram

#: Upper bounds of the durations of answers, in seconds.
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"})


class Answers:
    """The answers of one kind."""

    __slots__ = ("bytes", "seconds", "streams")

    def __init__(self) -> None:
        self.seconds = Histogram(_SECONDS)
        #: Of bodies, as they left the application.
        self.bytes = 0
        #: Event streams, which are not timed: they last as long as their job.
        self.streams = 0

    @property
    def count(self) -> int:
        """How many answers there were."""
        return self.seconds.count + self.streams


class Traffic:
    """All answers by method, route and status. Their number is bounded: unknown paths have one route, ``unknown``."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str, int], Answers] = {}
        self.open_streams = 0

    def of(self, method: str, route: str, status: int) -> Answers:
        """Return the answers of one kind, to be counted up."""
        key = (method if method in _METHODS else "other", route, status)
        answers = self.answers.get(key)
        if answers is None:
            answers = self.answers[key] = Answers()
        return answers
