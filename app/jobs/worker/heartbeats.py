"""Heartbeats of the workers that share a PostgreSQL database: a worker that falls silent loses its jobs to the others.

An SQLite database has one worker, which recovers the jobs of its predecessors.
"""

import logging
import time

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from app.jobs.record.queue import Queue
from app.jobs.record.tables import workers

log = logging.getLogger("nobody.jobs")

#: Seconds between two beats, and of silence after which a worker counts as dead.
BEAT_SECONDS = 2.0
SILENCE_SECONDS = 15.0


class SilenceDetector:
    """Finds workers that have stopped beating, by the local monotonic clock only.

    After a gap between two calls (this process was frozen, or the database was down) all silences count from zero.
    """

    def __init__(self) -> None:
        self._last_call = -float("inf")
        self._seen: dict[str, tuple[int | None, float]] = {}  # beats, and since when they are unchanged

    def silent(self, beats: dict[str, int | None], now: float) -> list[str]:
        """Return the workers that have been silent for too long.

        Args:
            beats: of every worker; None for a worker that holds jobs and has never beaten.
            now: monotonic time, in seconds.
        """
        if now - self._last_call > 2 * BEAT_SECONDS:
            self.reset()
        self._last_call = now
        seen = {name: self._seen.get(name, (count, now)) for name, count in beats.items()}
        self._seen = {name: last if last[0] == beats[name] else (beats[name], now) for name, last in seen.items()}
        return [name for name, (_, since) in self._seen.items() if now - since > SILENCE_SECONDS]

    def reset(self) -> None:
        """Count all silences from zero."""
        self._seen.clear()


class Heartbeats:
    """Beats for this worker and recovers the jobs of workers that stopped beating.

    Args:
        engine: the PostgreSQL database.
        queue: of the jobs.
        executor: this worker's name.
    """

    def __init__(self, engine: sa.Engine, queue: Queue, executor: str) -> None:
        self._engine = engine
        self._queue = queue
        self._executor = executor
        self._detector = SilenceDetector()

    def tick(self) -> None:
        """Beat, and recover the jobs of silent workers. To be called every ``BEAT_SECONDS``."""
        try:
            self.beat()
            self._recover_silent()
        except Exception:
            self._detector.reset()  # the others could not beat either
            raise

    def beat(self) -> None:
        """Show that this worker is alive."""
        mine = workers.c.executor == self._executor
        with self._engine.begin() as connection:
            counted = connection.execute(sa.update(workers).where(mine).values(beats=workers.c.beats + 1))
            if not counted.rowcount:
                connection.execute(sa.insert(workers).values(executor=self._executor, beats=1))

    def _recover_silent(self) -> None:
        beats: dict[str, int | None] = dict.fromkeys(self._queue.executors())
        with self._engine.connect() as connection:
            beats |= {row.executor: row.beats for row in connection.execute(sa.select(workers))}
        beats.pop(self._executor, None)
        silent = self._detector.silent(beats, time.monotonic())
        if silent:
            log.warning("taking up the jobs of %s, silent for %g seconds", ", ".join(silent), SILENCE_SECONDS)
            self._queue.recover(silent)
            self._remove(silent)

    def leave(self) -> None:
        """Remove this worker, which holds no job any more."""
        try:
            self._remove([self._executor])
        except DBAPIError:
            log.warning("the database does not answer; the other workers will notice that this one is gone")

    def _remove(self, names: list[str]) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.delete(workers).where(workers.c.executor.in_(names)))
