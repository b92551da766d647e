"""The news of the jobs that somebody watches: read once by each process, however many watch.

A watcher takes the events from its job's feed at its own pace. One that is slower than the feed's memory reads the
database itself (see :mod:`app.jobs.service.events`), so nobody waits for anybody else.
"""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.jobs.callers import Caller
from app.jobs.errors import JobError, QuotaError
from app.jobs.record.values import JobRow
from app.jobs.service.database import JobDatabase
from app.jobs.service.event_data import JobEvent, with_data
from app.jobs.states import ENDED
from app.shutdown import stopping

if TYPE_CHECKING:
    from app.jobs.record.notifications import Listener

log = logging.getLogger("nobody.jobs")

#: Events that are read at once, and that a feed keeps for its watchers.
BATCH = 32
#: Streams that a key may have open in one process, and after how many seconds one more may be tried.
MOST_WATCHERS, _RETRY_SECONDS = 100, 10
#: A feed looks for news at this interval; where the database tells of them, at the longer one. In seconds.
_POLL_SECONDS, _LISTENING_SECONDS = 0.1, 1.0
#: Intervals at which it looks whether the job still goes on, and whether the keys of its watchers still exist.
_STATE_SECONDS, _KEYS_SECONDS = 1.0, 5.0


class EventFeed:
    """The newest events of a job, from the coming of its first watcher to the going of its last.

    Args:
        database: with all jobs.
        job: the job, as its first watcher has read it.
        listener: what tells of news, if anything does.
    """

    def __init__(self, database: JobDatabase, job: JobRow, listener: "Listener | None") -> None:
        self._database = database
        self._files = database.files(job)
        self._job = job
        self._listener = listener
        #: The feed has the events after this one; older ones are in the database.
        self.begins: int = job["last_event"]
        self._last = self.begins
        self._recent: deque[JobEvent] = deque()
        #: No further events will come.
        self.is_over = False
        #: Watchers by the fingerprint of their key.
        self.watchers: Counter[str | None] = Counter()
        self._revoked: set[str | None] = set()
        self._news = asyncio.Event()
        self._asked = asyncio.Event()
        self._looked = self._state_checked = self._keys_checked = -float("inf")
        self._task = asyncio.create_task(self._run())

    def after(self, position: int) -> list[JobEvent]:
        """Return the events after a position, which must not lie before ``begins``."""
        return [event for event in self._recent if event.id > position]

    async def wait(self, seconds: float) -> bool:
        """Wait for news, or for the end of the feed; return False if there is neither after so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return False
        return True

    def admits(self, caller: Caller) -> bool:
        """Return whether a caller may still watch: not if their key was revoked."""
        return caller.fingerprint not in self._revoked

    def look(self, number: int | None) -> None:
        """Look for news now, if the number is that of this job; None is that of all."""
        if number in (None, self._job["number"]):
            self._asked.set()

    def stop(self) -> None:
        """End the feed: nobody watches."""
        self._task.cancel()

    async def _run(self) -> None:
        try:
            while not self.is_over and not stopping.is_set():
                if self._is_due():
                    await self._look()
                await self._pause()
        except JobError:
            pass  # it is deleted, or the database is unavailable: clients reconnect, and are told
        except Exception:
            log.exception("job %s: its events cannot be read", self._job["id"])
        finally:
            self.is_over = True
            self._tell()

    def _is_due(self) -> bool:
        listens = self._listener is not None and self._listener.is_listening
        interval = _LISTENING_SECONDS if listens else _POLL_SECONDS
        return self._asked.is_set() or time.monotonic() - self._looked >= interval

    async def _pause(self) -> None:
        """Wait until there may be news; no longer than a moment, so that the end of the service is noticed."""
        try:
            async with asyncio.timeout(_POLL_SECONDS):
                await self._asked.wait()
        except TimeoutError:
            pass

    async def _look(self) -> None:
        self._asked.clear()
        self._looked = time.monotonic()
        # Threads of asyncio's own: requests that wait for the database may hold all those of FastAPI.
        events, over = await asyncio.to_thread(self._read)
        if len(events) == BATCH:
            self._asked.set()  # there may be more
        for event in events:
            if len(self._recent) == BATCH:
                self.begins = self._recent.popleft().id
            self._recent.append(event)
            self._last = event.id
        self.is_over |= over  # not before: a watcher that finds nothing more then leaves
        if events:
            self._tell()
        if self._looked - self._keys_checked >= _KEYS_SECONDS:
            self._keys_checked = self._looked
            await self._check_keys()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _read(self) -> tuple[list[JobEvent], bool]:
        """Return the next events, and whether they are the last ones.

        Raises:
            JobError: the job is deleted, or the database is unavailable.
        """
        over = False
        with self._database.store() as store:
            events = store.events_after(self._job, self._last, BATCH)
            if not events and self._looked - self._state_checked >= _STATE_SECONDS:
                self._state_checked = self._looked
                # A damaged job ends without an event; and a sound one may have ended since its events were read.
                if store.get(self._job["id"])["state"] in ENDED:
                    events = store.events_after(self._job, self._last, BATCH)
                    over = not events
        over |= any(event.kind == "state" and event.data.get("status") in ENDED for event in events)
        return [with_data(event, self._files) for event in events], over

    async def _check_keys(self) -> None:
        fingerprints = {fingerprint for fingerprint in self.watchers if fingerprint is not None}
        if fingerprints:
            revoked = fingerprints - await asyncio.to_thread(self._existing, fingerprints)
            if revoked - self._revoked:
                self._revoked |= revoked
                self._tell()

    def _existing(self, fingerprints: set[str]) -> set[str]:
        with self._database.store() as store:
            return store.keys.existing(fingerprints)


class EventFeeds:
    """The feeds of one process; to be used by one event loop.

    Args:
        database: with all jobs.
    """

    def __init__(self, database: JobDatabase) -> None:
        self._database = database
        self._feeds: dict[str, EventFeed] = {}
        self._watchers: Counter[str | None] = Counter()  # by the name of their key
        self._listener: Listener | None = None
        self._listening: asyncio.Task[None] | None = None

    def check(self, caller: Caller) -> None:
        """Refuse one more watcher of a key that has quotas.

        Raises:
            QuotaError: as many as it may have watch.
        """
        if caller.quota is not None and self._watchers[caller.key_name] >= MOST_WATCHERS:
            raise QuotaError(
                f"expected at most {MOST_WATCHERS} open streams of events of one key, and this one has so many; close "
                "one, or ask for the events so far, with Accept: application/json",
                _RETRY_SECONDS,
            )

    @asynccontextmanager
    async def watch(self, job: JobRow, caller: Caller) -> AsyncIterator[EventFeed]:
        """Yield the feed of a job, which the caller may see; begin it with the first watcher, end it with the last."""
        feed = self._feeds.get(job["id"])
        if feed is None or feed.is_over:
            self._listen()
            feed = self._feeds[job["id"]] = EventFeed(self._database, job, self._listener)
        feed.watchers[caller.fingerprint] += 1
        self._watchers[caller.key_name] += 1
        try:
            yield feed
        finally:
            self._watchers[caller.key_name] -= 1
            self._watchers += Counter()
            feed.watchers[caller.fingerprint] -= 1
            feed.watchers += Counter()  # keeps those above zero
            if not feed.watchers:
                self._end(feed, job["id"])

    def _end(self, feed: EventFeed, job_id: str) -> None:
        feed.stop()
        if self._feeds.get(job_id) is feed:
            del self._feeds[job_id]
        if not self._feeds and self._listening is not None:
            self._listening.cancel()
            self._listening = self._listener = None

    def _listen(self) -> None:
        url = self._database.settings.database_url
        if url is None or self._listening is not None:
            return
        from app.jobs.record.notifications import Listener  # with SQLAlchemy, as in JobDatabase.store

        self._listener = Listener(url, self._on_news)
        self._listening = asyncio.create_task(self._listener.run())

    def _on_news(self, number: int | None) -> None:
        for feed in self._feeds.values():
            feed.look(number)
