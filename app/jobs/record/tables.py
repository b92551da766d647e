"""The database of the jobs: SQLite in the data folder, or PostgreSQL. DBOS keeps its own tables beside ours."""

import json
import time
from typing import Any

import sqlalchemy as sa
from dbos import DBOS
from sqlalchemy import event
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError, TimeoutError

from app.config import Settings
from app.jobs.locks import FileLock

metadata = sa.MetaData()

#: One row a job. ``attempt`` is the fencing token: whoever took the job last holds its number, and only with that
#: number may anything be written about a job that runs.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("name", sa.Text),
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("specification", sa.JSON, nullable=False),
    sa.Column("parent", sa.String(32)),
    sa.Column("parent_step", sa.Integer),
    sa.Column("idempotency_key", sa.String(255), unique=True),
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("phase", sa.String(16)),  # what it is at, while a worker has it
    sa.Column("run", sa.Integer, nullable=False),  # how often it was queued: part of the workflow's id
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),  # publications of the attempts, all together
    sa.Column("executor", sa.String(255)),
    sa.Column("recoveries", sa.Integer, nullable=False),
    sa.Column("stalls", sa.Integer, nullable=False),  # times it was taken up since the last checkpoint
    sa.Column("first_step", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),  # the last step whose losses are published
    sa.Column("steps", sa.Integer, nullable=False),
    sa.Column("snapshot", sa.Integer, nullable=False),  # the last step whose snapshot is published, or -1
    sa.Column("checkpoint", sa.Text),  # file of the newest checkpoint
    sa.Column("checkpoint_step", sa.Integer),
    sa.Column("kept_checkpoints", sa.JSON, nullable=False),  # step → file
    sa.Column("weights", sa.Text),  # folder of the networks, as of the last stop
    sa.Column("weights_step", sa.Integer),
    sa.Column("steps_per_second", sa.Float),
    sa.Column("seconds", sa.Float, nullable=False),  # of training
    sa.Column("losses", sa.JSON),
    sa.Column("figures", sa.JSON),
    sa.Column("warnings", sa.JSON),  # name → sentence, as of the last snapshot
    sa.Column("error", sa.Text),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
    sa.Column("last_event", sa.Integer, nullable=False),
    sqlite_autoincrement=True,  # numbers of deleted jobs do not come back
)

events = sa.Table(
    "job_events",
    metadata,
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
)

#: The losses of every step: blocks of float32, ``(steps, losses)``, that begin after the block before.
losses = sa.Table(
    "job_losses",
    metadata,
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number"), primary_key=True),
    sa.Column("last_step", sa.Integer, primary_key=True),
    sa.Column("block", sa.LargeBinary, nullable=False),
)

#: Who is alive: each worker counts up its beats.
workers = sa.Table(
    "job_workers",
    metadata,
    sa.Column("executor", sa.String(255), primary_key=True),
    sa.Column("beats", sa.BigInteger, nullable=False),
)

#: Who waits in which order: the lowest ticket is the next. A job that is queued again draws a new one.
tickets = sa.Table(
    "job_tickets",
    metadata,
    sa.Column("ticket", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number"), nullable=False, index=True),
    sqlite_autoincrement=True,
)

#: Jobs without a row in the record that may have files, and a place in the queue: those that are being submitted,
#: since when, and those that are being deleted (null).
leftovers = sa.Table(
    "job_leftovers",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("submitted", sa.Float),
)

#: Any number that nothing else in the database locks with: only one process at a time makes the tables.
_SCHEMA_LOCK = 7_160_160_160


def connect(settings: Settings) -> sa.Engine:
    """Open the database that the settings name and make what is missing in it, DBOS's tables and ours.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached.
    """
    if not settings.database_url:
        settings.data.mkdir(parents=True, exist_ok=True)
        # One at a time: SQLite's busy timeout covers neither the change to write-ahead logging nor what DBOS does.
        lock = FileLock(settings.data / "schema.lock", "a process that opens the database", wait=60)
        try:
            engine = _sqlite(settings)
            DBOS.migrate(engine.url.render_as_string())
            with engine.begin() as connection:
                _make_tables(connection)
        finally:
            lock.release()
        return engine
    engine = _postgresql(settings.database_url)
    # A lock of the session, not of a transaction: DBOS makes indexes concurrently, which waits for transactions.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _lock_schema(connection)
        try:
            DBOS.migrate(engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
            _make_tables(connection)
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_SCHEMA_LOCK)))
    return engine


def _lock_schema(connection: sa.Connection) -> None:
    # Asked again and again: a statement that waits is a transaction, for which the indexes of the other one would wait.
    deadline = time.monotonic() + 60
    while not connection.execute(sa.select(sa.func.pg_try_advisory_lock(_SCHEMA_LOCK))).scalar_one():
        if time.monotonic() > deadline:
            raise TimeoutError("another process has been making the tables for 60 seconds")
        time.sleep(0.1)


def _make_tables(connection: sa.Connection) -> None:
    """Make the tables that are missing, and the columns that those of an older version lack; such may be null."""
    metadata.create_all(connection)
    known = {column["name"] for column in sa.inspect(connection).get_columns(jobs.name)}
    for column in jobs.columns:
        if column.name not in known:
            kind = column.type.compile(connection.dialect)
            connection.execute(sa.text(f"ALTER TABLE {jobs.name} ADD COLUMN {column.name} {kind}"))


def _postgresql(url: str) -> sa.Engine:
    # Neither end may wait for ever on a connection that a restart or a firewall has cut.
    return sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=20,
        pool_timeout=5,
        json_serializer=_json,
        json_deserializer=_parsed,
        connect_args={
            "connect_timeout": 5,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "options": "-c statement_timeout=20000",
        },
    )


def _sqlite(settings: Settings) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{settings.data.resolve() / 'jobs.sqlite'}",
        json_serializer=_json,
        json_deserializer=_parsed,
        pool_size=20,
    )

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        # A transaction takes the write lock at its first write and never has to give up half-way.
        connection.isolation_level = "IMMEDIATE"
        connection.text_factory = _text  # a damaged text must not hide all the rows that it is read with
        connection.execute("PRAGMA busy_timeout=30000")
        connection.execute("PRAGMA journal_mode=WAL")  # readers do not wait for the writer
        connection.execute("PRAGMA synchronous=FULL")  # a power cut takes nothing back that was said
        connection.execute("PRAGMA foreign_keys=ON")

    return engine


def _json(value: Any) -> str:
    # PostgreSQL's JSON has no NaN either; whatever is stored must be readable everywhere.
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _parsed(text: str | bytes) -> Any:
    """Read stored JSON; damaged one is null, for who reads the rows to judge."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def is_away(error: BaseException) -> bool:
    """Say whether a database does not answer, or not as it should, so that the same may be asked again later.

    What the server refuses while it changes over (a standby, a restart, a full disk) is of the kind too, and a damaged
    file, which is ``DatabaseError`` itself. Whatever else it refuses is a mistake of ours.
    """
    if isinstance(error, DBAPIError):
        passing = isinstance(error, OperationalError | InterfaceError | InternalError) or type(error) is DatabaseError
        return error.connection_invalidated or passing
    return isinstance(error, TimeoutError)
