"""Opens the database of the jobs: SQLite in the data folder, or PostgreSQL. DBOS keeps its own tables beside ours."""

import json
import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy import event
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,
)

from app.config import Settings
from app.jobs.files import identity
from app.jobs.locks import FileLock
from app.jobs.record.advisory_locks import AdvisoryLock
from app.jobs.record.migrations import migrate
from app.part import share

log = logging.getLogger("nobody.jobs")

_SCHEMA_LOCK_SECONDS = 60
#: A worker rather waits for an SQLite database than repeat its work.
_PATIENCE_SECONDS = 30.0
#: Pause before a database that does not answer is tried again, in seconds.
_RETRY_SECONDS = 0.5
#: Connections that all processes of a service keep open; half as many again where they are needed.
_CONNECTIONS = 20
#: Of PostgreSQL's client; they bound the wait on a connection that a restart or a firewall has cut.
CONNECT_ARGUMENTS: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "options": "-c statement_timeout=20000",
}

_SQLITE_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)

T = TypeVar("T")


class DatabaseFile:
    """The file of an SQLite database, which may be deleted or replaced while it is open."""

    def __init__(self, engine: sa.Engine) -> None:
        self._path = Path(engine.url.database or "") if engine.dialect.name == "sqlite" else None
        self._identity = self._path and identity(self._path)

    @property
    def is_gone(self) -> bool:
        """Whether nobody else sees what is written; always False for PostgreSQL."""
        return self._path is not None and identity(self._path) != self._identity


def connect(settings: Settings, patience: float = _PATIENCE_SECONDS) -> sa.Engine:
    """Open the database of the settings; create or update DBOS's tables and ours.

    Args:
        settings: which database.
        patience: how long one waits for the locks of others on an SQLite database, in seconds.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
        JobsUnavailableError: a newer release has written it.
        LockedError: another process has been opening it for too long.
    """
    if settings.database_url:
        return _connect_postgresql(settings.database_url)
    settings.data.mkdir(parents=True, exist_ok=True)
    # SQLite's busy timeout covers neither the switch to write-ahead logging nor DBOS's migrations.
    lock = FileLock(settings.data / "schema.lock", "a process that opens the database", wait=2 * patience)
    try:
        engine = _sqlite_engine(settings, patience)
        DBOS.migrate(engine.url.render_as_string())
        with engine.begin() as connection:
            migrate(connection)
    finally:
        lock.release()
    return engine


def engine_of(settings: Settings) -> sa.Engine:
    """Return the engine of the database that the settings name, without a look at its tables."""
    return _postgresql_engine(settings.database_url) if settings.database_url else _sqlite_engine(settings)


def _connect_postgresql(url: str) -> sa.Engine:
    engine = _postgresql_engine(url)
    # A session lock: DBOS creates indexes concurrently, and that waits for the end of every open transaction.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _lock_schema(connection)
        try:
            DBOS.migrate(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
            with engine.begin() as transaction:
                migrate(transaction)
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(AdvisoryLock.SCHEMA)))
    return engine


def _lock_schema(connection: sa.Connection) -> None:
    # Polls, because a statement that waits for the lock is an open transaction itself.
    deadline = time.monotonic() + _SCHEMA_LOCK_SECONDS
    while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(AdvisoryLock.SCHEMA))).scalar_one():
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process has been creating the tables for {_SCHEMA_LOCK_SECONDS} seconds")
        time.sleep(0.1)


def _postgresql_engine(url: str) -> sa.Engine:
    return sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=share(_CONNECTIONS),
        max_overflow=share(_CONNECTIONS // 2),
        pool_timeout=5,
        json_serializer=_to_json,
        json_deserializer=_from_json,
        connect_args=CONNECT_ARGUMENTS,
    )


def _sqlite_engine(settings: Settings, patience: float = _PATIENCE_SECONDS) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{settings.data.resolve() / 'jobs.sqlite'}",
        json_serializer=_to_json,
        json_deserializer=_from_json,
        pool_size=share(_CONNECTIONS),
        max_overflow=share(_CONNECTIONS // 2),
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"  # takes the write lock at the first write: no upgrade can fail later
        connection.text_factory = _to_text
        connection.execute(f"PRAGMA busy_timeout={patience * 1_000:.0f}")
        connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
        connection.execute("PRAGMA synchronous=FULL")  # committed means durable, also after a power cut
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


def _to_json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(",", ":"))  # PostgreSQL's JSON has no NaN


def _from_json(text: str | bytes) -> Any:
    """Parse stored JSON; None if it is damaged. :mod:`app.jobs.record.rows` decides what that means."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _to_text(raw: bytes) -> str:
    """Decode stored text; a damaged one must not fail the query for all other rows."""
    return raw.decode(errors="replace")


def is_unavailable(error: BaseException) -> bool:
    """Return whether an error means that the database does not answer, so that a later retry may succeed.

    Includes what a server refuses while it is a standby, restarts or has a full disk, and a damaged file (a plain
    ``DatabaseError``). Any other database error is a bug.
    """
    if isinstance(error, DBAPIError):
        temporary = isinstance(error, OperationalError | InterfaceError | InternalError) or type(error) is DatabaseError
        return error.connection_invalidated or temporary
    return isinstance(error, TimeoutError)


def is_storage_full(error: BaseException) -> bool:
    """Return whether a database has no room left: on its disk, or in what it may use of it."""
    if not isinstance(error, DBAPIError):
        return False
    code = getattr(error.orig, "sqlite_errorcode", None)  # SQLite gives a quota as an error of writing
    return code in _SQLITE_FULL or getattr(error.orig, "sqlstate", None) == "53100"


def retry_until_available(action: Callable[[], T]) -> T:
    """Return what ``action`` returns; repeat it while the database does not answer or cannot be written."""
    logged = False
    while True:
        try:
            return action()
        except SQLAlchemyError as error:
            if not is_unavailable(error):
                raise
            if not logged:
                log.warning("the database does not answer; trying again until it does")
                logged = True
            time.sleep(_RETRY_SECONDS)
