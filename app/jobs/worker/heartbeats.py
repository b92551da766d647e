"""Who is alive: every worker counts up its beats, and takes up the jobs of those that have fallen silent."""

import logging
import threading
import time
from collections.abc import Callable, Collection

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.jobs.record.tables import workers

log = logging.getLogger("nobody.jobs")

#: Seconds between two beats, and of silence after which a worker counts as gone.
BEAT_SECONDS = 2.0
SILENCE_SECONDS = 15.0
#: Beats from one look for what was left half-done to the next.
_BEATS_TO_MEND = 15


class Silences:
    """Finds out who has fallen silent, by nobody's clock but ours.

    A look that comes late says more about us than about the others (we were frozen, or the database was away, for
    them as for us): everybody's silence then counts from anew.
    """

    def __init__(self) -> None:
        self._last_look = -float("inf")
        self._heard: dict[str, tuple[int | None, float]] = {}

    def look(self, beats: dict[str, int | None], now: float) -> list[str]:
        """Return who has been silent for too long.

        Args:
            beats: of every worker, and None for one that holds jobs and never said a word.
            now: of a monotonic clock, in seconds.
        """
        if now - self._last_look > 2 * BEAT_SECONDS:
            self._heard.clear()
        self._last_look = now
        self._heard = {
            name: self._heard[name] if name in self._heard and self._heard[name][0] == count else (count, now)
            for name, count in beats.items()
        }
        return [name for name, (_, since) in self._heard.items() if now - since > SILENCE_SECONDS]

    def forget(self) -> None:
        """Count everybody's silence from anew."""
        self._heard.clear()


class Presence(threading.Thread):
    """Beats for this worker and watches the others.

    Args:
        engine: the database.
        executor: this worker's name.
        holders: asks the queue who holds jobs.
        recover: gives the jobs of silent workers back to the queue.
        mend: takes up what was left half-done.
    """

    def __init__(
        self,
        engine: sa.Engine,
        executor: str,
        holders: Callable[[], Collection[str]],
        recover: Callable[[list[str]], None],
        mend: Callable[[], None],
    ) -> None:
        super().__init__(name="presence", daemon=True)
        self._engine = engine
        self._executor = executor
        self._holders = holders
        self._recover = recover
        self._mend = mend
        self._stop_wanted = threading.Event()
        self._silences = Silences()

    def run(self) -> None:
        """Beat and watch until told to stop."""
        beats = 0
        while not self._stop_wanted.wait(BEAT_SECONDS):
            beats += 1
            try:
                self.beat()
                self._watch()
                if beats % _BEATS_TO_MEND == 0:
                    self._mend()
            except DBAPIError:
                self._silences.forget()
            except Exception:
                # Without this thread, the others would take a living worker for dead.
                log.exception("looking after the other workers failed; trying again")
                self._silences.forget()

    def stop(self) -> None:
        """Neither beat nor watch any more. Our last beat speaks for us for a while."""
        self._stop_wanted.set()
        self.join()

    def leave(self) -> None:
        """Leave the list of workers: we hold no job any more."""
        try:
            self._forget([self._executor])
        except DBAPIError:
            log.warning("the database does not answer; the others will notice that this worker is gone")

    def beat(self) -> None:
        """Show that this worker lives."""
        mine = workers.c.executor == self._executor
        with self._engine.begin() as connection:
            counted = connection.execute(sa.update(workers).where(mine).values(beats=workers.c.beats + 1))
            if not counted.rowcount:
                connection.execute(sa.insert(workers).values(executor=self._executor, beats=1))

    def _watch(self) -> None:
        with self._engine.connect() as connection:
            beats: dict[str, int | None] = dict.fromkeys(self._holders())
            beats |= {row.executor: row.beats for row in connection.execute(sa.select(workers))}
        beats.pop(self._executor, None)
        silent = self._silences.look(beats, time.monotonic())
        if silent:
            log.warning("taking up the jobs of %s, silent for %g seconds", ", ".join(silent), SILENCE_SECONDS)
            self._recover(silent)
            self._forget(silent)

    def _forget(self, names: list[str]) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.delete(workers).where(workers.c.executor.in_(names)))
