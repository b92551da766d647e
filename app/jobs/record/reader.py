"""Queries of the jobs, their events and their losses."""

import copy
import itertools
import time
from collections.abc import Collection, Iterable
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from app.jobs.callers import ANYBODY, Caller
from app.jobs.errors import IdempotencyError, NotThereError, UnknownJobError
from app.jobs.record import file_rows
from app.jobs.record.database import DatabaseFile
from app.jobs.record.rows import read_row
from app.jobs.record.tables import events, files, jobs, losses, tickets, workers
from app.jobs.record.values import Event, JobRow, digest, require_readable
from app.jobs.states import ENDED, HELD, Phase, State
from app.jobs.totals import Totals
from models.catalogue import LOSS_NAMES

#: More than a page, as some of the jobs that are found may be unreadable.
_MOST_FOUND = 1_000


class JobReader:
    """Read access to the jobs in the database: to all of them, or to those that a caller may see."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._file = DatabaseFile(engine)
        self._caller = ANYBODY
        #: Whether the files of the jobs are in the database.
        self.keeps_files = file_rows.keeps_files(engine)

    def seen_by(self, caller: Caller) -> Self:
        """Return the jobs as a caller sees them: those of others are not there."""
        seen = copy.copy(self)
        seen._caller = caller
        return seen

    @property
    def _visible(self) -> sa.ColumnElement[bool]:
        return sa.true() if self._caller.sees_all else jobs.c.key_name == self._caller.key_name

    @property
    def is_gone(self) -> bool:
        """Whether the file of the database was deleted or replaced, so that nobody else sees what we write."""
        return self._file.is_gone

    def get(self, job_id: str) -> JobRow:
        """Return a job.

        Raises:
            UnknownJobError: there is no such job.
        """
        row = None if "\0" in job_id else self._row(jobs.c.id == job_id)
        if row is None:
            raise UnknownJobError(job_id)
        return row

    def known(self, key: str | None, request_digest: str) -> JobRow | None:
        """Return the job that was submitted with an Idempotency-Key, or None.

        Raises:
            IdempotencyError: it was used for another request.
        """
        if key is None:
            return None
        row = self._row(jobs.c.idempotency_key == self._stored(key))
        if row is not None and row["request_digest"] != request_digest:
            raise IdempotencyError(
                f"the Idempotency-Key {key!r} was used for another request, job {row['id']}; "
                "take a new key for a new job"
            )
        return row

    def _stored(self, key: str | None) -> str | None:
        """Return what is stored of an Idempotency-Key: two callers may take the same one."""
        name = self._caller.key_name
        return key if key is None or name is None else digest(name.encode(), key.encode())

    def _row(self, condition: sa.ColumnElement[bool]) -> JobRow | None:
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(jobs).where(condition, self._visible)).mappings().one_or_none()
        return None if row is None else read_row(row)

    def page(
        self,
        states: Collection[State],
        limit: int,
        after: str | None = None,
        owner: str | None = None,
        search: str = "",
    ) -> list[JobRow]:
        """Return up to ``limit`` jobs, newest first.

        Args:
            states: only jobs in these, by default in all.
            limit: how many.
            after: only jobs older than this one.
            owner: only jobs of this owner.
            search: only jobs in whose name, model or name of the data all of these words occur.

        Raises:
            UnknownJobError: there is no job ``after``.
        """
        newest_first = sa.select(jobs).where(self._visible).order_by(jobs.c.number.desc())
        query = newest_first.execution_options(yield_per=min(limit, 100))
        if states:
            # An unreadable job counts as failed, whatever its column says.
            maybe_failed = jobs.c.state.not_in(ENDED) if State.FAILED in states else sa.false()
            query = query.where(jobs.c.state.in_(states) | maybe_failed)
        if owner is not None:
            query = query.where(jobs.c.owner == owner)
        if after is not None:
            query = query.where(jobs.c.number < self.get(after)["number"])
        if words := search.casefold().split():
            query = query.where(jobs.c.number.in_(self._numbers_with(words, query)))
        with self._engine.connect() as connection, connection.execute(query) as result:
            rows = (read_row(row) for row in result.mappings())
            return list(itertools.islice((row for row in rows if not states or row["state"] in states), limit))

    def _numbers_with(self, words: list[str], query: sa.Select[Any]) -> list[int]:
        """Return the numbers of the newest jobs of a query whose names have all these words."""
        # Not in SQL: there, a damaged specification fails the query, and SQLite knows the case of ASCII only.
        names = query.with_only_columns(jobs.c.number, jobs.c.name, jobs.c.specification)
        with self._engine.connect() as connection, connection.execute(names) as result:
            found = (number for number, name, specification in result if _has(words, name, specification))
            return list(itertools.islice(found, _MOST_FOUND))

    def ended(self) -> list[tuple[str, float, int]]:
        """Return id, time of the end and trained steps of the jobs that have ended, first the one that ended first."""
        when = sa.func.coalesce(jobs.c.ended, jobs.c.created)
        query = sa.select(jobs.c.id, when, jobs.c.step - jobs.c.first_step).where(jobs.c.state.in_(ENDED))
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query.where(self._visible).order_by(when, jobs.c.number))]

    def file_sizes(self) -> dict[str, int]:
        """Return the bytes of the files that the database has of each job, by its id; with SQLite they lie in a folder.

        The length of a part stands beside it: no file is read.
        """
        size = sa.func.sum(sa.func.octet_length(files.c.content))
        query = sa.select(jobs.c.id, size).join(files, files.c.job == jobs.c.number).group_by(jobs.c.id)
        if not self.keeps_files:
            return {}
        with self._engine.connect() as connection:
            return {job_id: int(total) for job_id, total in connection.execute(query.where(self._visible))}

    def files_on_disk(self) -> int:
        """Return the bytes that the files of all jobs take of PostgreSQL's disk."""
        with self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.pg_total_relation_size(files.name))).scalar_one())

    def unfinished(self) -> list[tuple[str, Any]]:
        """Return id and stored specification, which may be damaged, of the jobs that have not ended."""
        query = sa.select(jobs.c.id, jobs.c.specification).where(jobs.c.state.not_in(ENDED), self._visible)
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def waiting(self) -> list[JobRow]:
        """Return the jobs that wait, whosever, in the order in which the queue takes them."""
        place = (sa.func.coalesce(tickets.c.turn, 0), sa.func.coalesce(tickets.c.ticket, 0), jobs.c.number)
        query = sa.select(jobs).outerjoin(tickets, tickets.c.job == jobs.c.number).order_by(*place)
        with self._engine.connect() as connection:
            rows = connection.execute(query.where(jobs.c.state == State.QUEUED)).mappings().all()
        return [read_row(row) for row in rows]

    def workers(self) -> int:
        """Return how many workers share the database; with SQLite there is one."""
        with self._engine.connect() as connection:
            return max(1, connection.execute(sa.select(sa.func.count()).select_from(workers)).scalar_one())

    def totals(self) -> Totals:
        """Return the figures of all jobs together."""
        count, held = sa.func.count(), jobs.c.state.in_(HELD)
        by_state = sa.select(jobs.c.state, count, sa.func.sum(jobs.c.recoveries)).group_by(jobs.c.state)
        speed = sa.select(sa.func.sum(jobs.c.steps_per_second)).where(held, jobs.c.phase == Phase.TRAINING)
        # The last event of a job that waits tells that it was queued.
        queued = (events.c.job == jobs.c.number) & (events.c.seq == jobs.c.last_event)
        oldest = sa.select(sa.func.min(events.c.at)).join(jobs, queued).where(jobs.c.state == State.QUEUED)
        with self._engine.connect() as connection:
            counts = connection.execute(by_state).all()
            since = connection.execute(oldest).scalar()
            beats = {row.executor: row.beats for row in connection.execute(sa.select(workers))}
            return Totals(
                jobs=_by_state((state, number) for state, number, _ in counts),
                oldest_wait=0.0 if since is None else max(0.0, time.time() - since),
                steps_per_second=connection.execute(speed).scalar() or 0.0,
                recoveries=sum(recoveries for _, _, recoveries in counts),
                workers=len(beats),
                beats=beats,
            )

    def events_after(self, job: JobRow, seq: int, limit: int = 500) -> list[Event]:
        """Return up to ``limit`` events of a job after the event ``seq``, in order."""
        query = (
            sa.select(events.c.seq, events.c.kind, events.c.at, events.c.data)
            .where(events.c.job == job["number"], events.c.seq > seq)
            .order_by(events.c.seq)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return [Event(row.seq, str(row.kind), row.at, row.data if isinstance(row.data, dict) else {}) for row in rows]

    def file_names(self, job: JobRow) -> list[str]:
        """Return the names of all files of a job that the database has."""
        with self._engine.connect() as connection:
            return file_rows.names(connection, job["number"])

    def read_file(self, job: JobRow, name: str) -> bytes | None:
        """Return the content of a small file that the database has, or None if it has none of this name."""
        with self._engine.connect() as connection:
            return file_rows.read(connection, job["number"], name)

    def fetch_file(self, job: JobRow, name: str, target: BinaryIO) -> bool:
        """Write the content of a file of the database to another one; return whether there is one of this name."""
        with self._engine.connect() as connection:
            return file_rows.fetch(connection, job["number"], name, target)

    def losses_of(self, job: JobRow) -> npt.NDArray[np.float32]:
        """Return the losses of every step after ``first_step``, float32 ``(steps, names)``.

        Raises:
            NotThereError: they cannot be read.
        """
        require_readable(job)
        query = sa.select(losses.c.block).where(losses.c.job == job["number"]).order_by(losses.c.last_step)
        names = LOSS_NAMES[job["specification"]["model"]]
        try:
            with self._engine.connect() as connection:
                blocks = connection.execute(query).scalars().all()
            return np.frombuffer(b"".join(blocks), np.float32).reshape(-1, len(names))
        except (TypeError, ValueError):
            raise NotThereError("the stored losses of the job are damaged") from None


def _by_state(counts: Iterable[tuple[str, int]]) -> dict[State, int]:
    """Return the number of jobs in each state; a state that is damaged counts as failed, as elsewhere."""
    found = dict.fromkeys(State, 0)
    for state, number in counts:
        found[State(state) if state in set(State) else State.FAILED] += number
    return found


def _has(words: list[str], name: Any, specification: Any) -> bool:
    """Return whether all words occur in the names of a stored job, of its model and its data; it may be damaged."""
    settings = specification if isinstance(specification, dict) else {}
    data = settings.get("data")
    names = (name, settings.get("model"), data.get("name") if isinstance(data, dict) else None)
    text = "\n".join(name.casefold() for name in names if isinstance(name, str))
    return all(word in text for word in words)
