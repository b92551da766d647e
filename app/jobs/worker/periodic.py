"""Actions that a worker repeats in the background."""

import logging
import threading
from collections.abc import Callable

from app.jobs.record.database import is_unavailable

log = logging.getLogger("nobody.jobs")


class Periodic(threading.Thread):
    """Repeats an action until :meth:`stop`, whatever it raises.

    Args:
        name: of the action, for the log.
        seconds: pause before each call.
        action: what to do.
    """

    def __init__(self, name: str, seconds: float, action: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._seconds = seconds
        self._action = action
        self._stopping = threading.Event()

    def run(self) -> None:
        """Repeat the action."""
        while not self._stopping.wait(self._seconds):
            try:
                self._action()
            except Exception as error:
                if not is_unavailable(error):  # an outage is logged where jobs wait for its end
                    log.exception("%s failed; trying again in %g seconds", self.name, self._seconds)

    def stop(self) -> None:
        """Stop and wait for a call in progress."""
        self._stopping.set()
        self.join()
