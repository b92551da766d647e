"""However many watch a job, the database is asked once; and nobody waits for anybody else."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from app.config import Settings
from app.jobs.callers import ANYBODY, Caller, fingerprint
from app.jobs.errors import JobsUnavailableError, QuotaError
from app.jobs.limits import specify
from app.jobs.quotas import Quota
from app.jobs.record.leases import LeaseStore
from app.jobs.record.publications import Lease, Publication
from app.jobs.record.reader import JobReader
from app.jobs.record.store import JobStore
from app.jobs.record.tables import events, jobs, tickets
from app.jobs.record.values import NewJob, new_id
from app.jobs.service import event_feeds
from app.jobs.service.database import JobDatabase
from app.jobs.service.event_data import JobEvent, with_data
from app.jobs.service.event_feeds import BATCH, EventFeeds
from app.jobs.service.events import EventLog
from app.jobs.specification import JobRequest
from app.jobs.states import State
from tests.conftest import PATIENCE


class Story:
    """A job of which the test is the worker."""

    def __init__(self, store: JobStore, leases: LeaseStore, caller: Caller = ANYBODY) -> None:
        self.id = new_id()
        new = NewJob(specify(JobRequest(model="simple_gan"), None, Settings()), None, {}, self.id)
        run = store.seen_by(caller).submit(self.id, new)["run"]
        lease = leases.acquire(self.id, run)
        assert lease is not None
        self.lease: Lease = lease
        self._leases = leases
        self.last = 2  # it was queued, and runs

    def goes_on(self, number: int) -> None:
        """Publish so many events."""
        news = [("progress", {"step": self.last + n}) for n in range(number)]
        self._leases.publish(self.lease, Publication(events=news))
        self.last += number

    def ends(self) -> None:
        """Succeed."""
        self._leases.publish(self.lease, Publication(), lambda _: (State.SUCCEEDED, None))
        self.last += 1


@pytest.fixture
def database(settings: Settings, store: JobStore) -> JobDatabase:
    database = JobDatabase(settings)
    database._record.store = store  # which the fixtures close
    return database


@pytest.fixture
def story(store: JobStore, leases: LeaseStore) -> Story:
    return Story(store, leases)


class Watcher:
    """Follows a job, and reads on only as far as it is allowed to."""

    def __init__(
        self, feeds: EventFeeds, database: JobDatabase, job_id: str, after: int, is_slow: bool = False
    ) -> None:
        self.seen: list[int] = []
        self.may_go_on = asyncio.Event()
        if not is_slow:
            self.may_go_on.set()
        self._news = asyncio.Condition()
        self.task = asyncio.create_task(self._follow(EventLog(database, job_id, after), feeds))

    async def _follow(self, log: EventLog, feeds: EventFeeds) -> None:
        async for event in log.follow(feeds, PATIENCE):
            assert isinstance(event, JobEvent), "nobody waits so long"
            async with self._news:
                self.seen.append(event.id)
                self._news.notify_all()
            await self.may_go_on.wait()

    async def reaches(self, number: int) -> None:
        """Wait until the event has come."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: number in self.seen)

    async def ends(self) -> None:
        """Wait for the end of the stream."""
        async with asyncio.timeout(PATIENCE):
            await self.task


def _run(test: Callable[[], Any]) -> None:
    """Run a test on a loop of its own, where nothing may go on after it."""

    async def alone() -> None:
        await test()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*left, return_exceptions=True)  # they are cancelled, and end

    asyncio.run(alone())


def test_a_key_with_quotas_watches_so_much_at_a_time(
    database: JobDatabase, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feeds, "MOST_WATCHERS", 2)
    ada, bob = (Caller(name, False, Quota(1, 1, 1)) for name in ("ada", "bob"))

    async def test() -> None:
        feeds = EventFeeds(database)
        with database.store() as store:
            job = store.get(story.id)
        feeds.check(ada)
        async with feeds.watch(job, ada), feeds.watch(job, ada):
            with pytest.raises(QuotaError, match=r"at most 2 open streams .* of one key"):
                feeds.check(ada)
            for other in (bob, ANYBODY, Caller("root", True, None)):
                feeds.check(other)
        feeds.check(ada)

    _run(test)


def test_everybody_gets_each_event_once_and_the_record_is_read_once(
    database: JobDatabase, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    events_after = JobReader.events_after

    def counted(*arguments: Any, **options: Any) -> Any:
        found = events_after(*arguments, **options)
        read.extend(event.seq for event in found)
        return found

    monkeypatch.setattr(JobReader, "events_after", counted)

    async def watch() -> None:
        feeds = EventFeeds(database)
        story.goes_on(3 * BATCH)
        starts = [story.last, story.last, story.last, 0, 1, story.last - BATCH, story.last - 1]
        late = sum(story.last - start for start in starts)
        watchers = [Watcher(feeds, database, story.id, start) for start in starts]
        slow = Watcher(feeds, database, story.id, story.last, is_slow=True)
        begin = story.last
        for watcher in watchers[3:]:
            await watcher.reaches(begin)
        for number in (1, 2, BATCH, 1, BATCH):
            await asyncio.to_thread(story.goes_on, number)
            for watcher in watchers:
                await watcher.reaches(story.last)
        await slow.reaches(begin + 1)
        assert slow.seen == [begin + 1], "the others did not wait for it"
        assert len(read) <= late + (story.last - begin), "read once for all, but for what was before"
        await asyncio.to_thread(story.ends)
        for watcher in watchers:
            await watcher.ends()
        slow.may_go_on.set()
        await slow.ends()
        for watcher, start in zip([*watchers, slow], [*starts, begin], strict=True):
            assert watcher.seen == list(range(start + 1, story.last + 1))
        last = Watcher(feeds, database, story.id, 0)
        await last.ends()
        assert last.seen == list(range(1, story.last + 1)), "also after the end"

    _run(watch)


def test_a_feed_ends_with_its_last_watcher(database: JobDatabase, story: Story) -> None:
    async def watch() -> None:
        feeds = EventFeeds(database)
        first, second = (Watcher(feeds, database, story.id, 0) for _ in range(2))
        for watcher in (first, second):
            await watcher.reaches(story.last)
        first.task.cancel()
        await asyncio.to_thread(story.goes_on, 1)
        await second.reaches(story.last)
        second.task.cancel()
        await asyncio.wait({first.task, second.task})
        third = Watcher(feeds, database, story.id, story.last)
        await asyncio.to_thread(story.goes_on, 1)
        await third.reaches(story.last)
        assert third.seen == [story.last]
        third.task.cancel()

    _run(watch)


def test_a_feed_is_not_over_before_its_last_events_are_there(
    database: JobDatabase, store: JobStore, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, read_on = threading.Event(), threading.Event()

    def slowly(event: Any, files: Any) -> JobEvent:
        reading.set()
        assert read_on.wait(PATIENCE)
        return with_data(event, files)

    monkeypatch.setattr(event_feeds, "with_data", slowly)

    async def watch() -> None:
        async with EventFeeds(database).watch(store.get(story.id), ANYBODY) as feed, asyncio.timeout(PATIENCE):
            await asyncio.to_thread(story.ends)
            await asyncio.to_thread(reading.wait, PATIENCE)
            assert (feed.after(0), feed.is_over) == ([], False)
            read_on.set()
            while not feed.is_over:
                await feed.wait(PATIENCE)
            assert [event.id for event in feed.after(feed.begins)][-1] == story.last

    _run(watch)


def test_the_stream_of_a_revoked_key_ends(
    database: JobDatabase, store: JobStore, leases: LeaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_feeds, "_KEYS_SECONDS", 0.0)
    name = new_id()
    whose = Caller(name, False, None, fingerprint(store.keys.add(name, is_admin=False)))
    story = Story(store, leases, whose)

    async def watch() -> None:
        feeds = EventFeeds(database)
        theirs = Watcher(feeds, database.seen_by(whose), story.id, 0)
        mine = Watcher(feeds, database, story.id, 0)
        for watcher in (theirs, mine):
            await watcher.reaches(story.last)
        store.keys.revoke(name)
        store.keys.add(name, is_admin=False)  # a successor, to whom the stream does not belong
        await theirs.ends()
        await asyncio.to_thread(story.goes_on, 1)
        await mine.reaches(story.last)
        assert story.last not in theirs.seen
        mine.task.cancel()

    _run(watch)


def _lose_the_database(database: JobDatabase, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object, **__: object) -> Any:
        raise JobsUnavailableError("the jobs' database does not answer")

    monkeypatch.setattr(database._record, "opened", unavailable)


def _delete(database: JobDatabase, story: Story, _: pytest.MonkeyPatch) -> None:
    with database.store() as store, store._engine.begin() as connection:
        for table in (events, tickets):
            connection.execute(sa.delete(table).where(table.c.job == story.lease.number))
        connection.execute(sa.delete(jobs).where(jobs.c.number == story.lease.number))


def _damage(database: JobDatabase, story: Story, _: pytest.MonkeyPatch) -> None:
    with database.store() as store, store._engine.begin() as connection:
        connection.execute(sa.delete(events).where(events.c.job == story.lease.number, events.c.seq > 1))
        connection.execute(sa.update(jobs).where(jobs.c.number == story.lease.number).values(state="nonsense"))


@pytest.mark.parametrize("fault", [_lose_the_database, _delete, _damage])
def test_a_stream_ends_when_there_is_nothing_to_follow(
    fault: Callable[..., None], database: JobDatabase, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def watch() -> None:
        feeds = EventFeeds(database)
        log = EventLog(database, story.id, 0)
        watcher = Watcher(feeds, database, story.id, 0)
        await watcher.reaches(story.last)
        fault(database, story, monkeypatch)
        await watcher.ends()
        late = [event.id async for event in log.follow(feeds, PATIENCE) if event is not None]
        assert late in ([], [1]), "who has asked before, and comes late"

    _run(watch)


def test_postgresql_tells_of_events(database: JobDatabase, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    if database.settings.database_url is None:
        pytest.skip("SQLite tells nobody")
    monkeypatch.setattr(event_feeds, "_LISTENING_SECONDS", 10 * PATIENCE)

    async def listens(feeds: EventFeeds) -> None:
        async with asyncio.timeout(PATIENCE):
            while feeds._listener is None or not feeds._listener.is_listening:
                await asyncio.sleep(0.02)

    def interrupt() -> int:
        pid: sa.ColumnClause[int] = sa.column("pid", sa.Integer)
        listening = sa.select(sa.func.pg_terminate_backend(pid)).select_from(sa.table("pg_stat_activity", pid))
        with database.store() as store, store._engine.begin() as connection:
            return len(connection.execute(listening.where(sa.column("query").like("LISTEN%"))).all())

    async def watch() -> None:
        feeds = EventFeeds(database)
        watcher = Watcher(feeds, database, story.id, 0)
        for _ in range(2):
            await listens(feeds)
            for _ in range(3):
                await asyncio.to_thread(story.goes_on, 1)
                await watcher.reaches(story.last)
            # A restart of the database, a firewall: what happens meanwhile is found all the same.
            assert await asyncio.to_thread(interrupt) == 1
            await asyncio.to_thread(story.goes_on, 1)
            await watcher.reaches(story.last)
        watcher.task.cancel()

    _run(watch)
