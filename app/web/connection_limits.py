"""How many connections there may be, and what one client may do."""

import logging
import resource
from collections import Counter
from dataclasses import dataclass

from app.web.errors import problem
from app.web.protection import ALL_SAFE_HEADERS

log = logging.getLogger("nobody")

#: Connections at a time, however many files may be open.
_MAX_CONNECTIONS = 4_096
#: The log reports an overload at most once in this time, in seconds.
_LOG_SECONDS = 60.0


#: How many requests were refused for breaking a limit of their connection, by status.
refusals: Counter[int] = Counter()


@dataclass(frozen=True)
class Limits:
    """Limits of the server and of one client.

    Args:
        connections: at a time; further ones get a 503.
        head_bytes: of URL and header together, and of the framing of a chunked body between two parts of its data.
        fields: of a header.
        head_seconds: from the first byte of a header to its last, and from the connection to its first byte.
        body_seconds: interval at which the rate of a body is checked.
        body_rate: bytes per second that a body must bring.
        linger_seconds: time in which input is read and dropped, so that a client that still sends gets its answer.
    """

    connections: int
    head_bytes: int = 2**16
    fields: int = 100
    head_seconds: float = 15.0
    body_seconds: float = 20.0
    body_rate: int = 2**10
    linger_seconds: float = 5.0


def possible_connections() -> int:
    """Raise this process's limit of open files as far as needed; return how many connections it allows.

    Half of the files: answers, uploads and the database open others.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _MAX_CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return _MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(_MAX_CONNECTIONS, soft // 2)


class Overload:
    """The answer to connections beyond the limit, and the log of them."""

    def __init__(self, connections: int) -> None:
        self._connections = connections
        self._quiet_until = 0.0
        self.answer = problem(
            503,
            f"all of the {connections:,} connections are in use; try again in a moment",
            headers={"Retry-After": "5", "Connection": "close", **ALL_SAFE_HEADERS},
        )

    def report(self, now: float) -> None:
        """Count a refused connection, and log the overload, unless it was logged a moment ago."""
        refusals[self.answer.status_code] += 1
        if now >= self._quiet_until:
            self._quiet_until = now + _LOG_SECONDS
            log.warning(
                "all %d connections are in use; others get a 503 (`ulimit -n` allows twice as many open files)",
                self._connections,
            )
