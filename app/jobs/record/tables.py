"""The tables of the jobs. A change needs a migration, see :mod:`app.jobs.record.migrations`."""

import time

import sqlalchemy as sa

from app.jobs.states import State

metadata = sa.MetaData()

#: One row per job. ``attempt`` is the fencing token: each acquisition of the job increments it, and only the worker
#: that holds the current value may write about a running job.
jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("name", sa.Text),
    sa.Column("owner", sa.String(64), index=True),
    sa.Column("key_name", sa.String(64), index=True),  # of the key that made the job
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("specification", sa.JSON, nullable=False),
    sa.Column("specification_version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("parent", sa.String(32)),
    sa.Column("parent_step", sa.Integer),
    sa.Column("idempotency_key", sa.String(255), unique=True),
    sa.Column("request_id", sa.String(128)),  # of the request that submitted it, for the log
    sa.Column("request_digest", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True, default=State.QUEUED),
    sa.Column("phase", sa.String(16)),  # only while a worker holds the job
    sa.Column("run", sa.Integer, nullable=False, default=1),  # times the job was queued; part of the workflow's id
    sa.Column("attempt", sa.Integer, nullable=False, default=0),
    sa.Column("revision", sa.Integer, nullable=False, default=0),  # publications of all attempts
    sa.Column("executor", sa.String(255)),
    sa.Column("recoveries", sa.Integer, nullable=False, default=0),
    sa.Column("stalls", sa.Integer, nullable=False, default=0),  # acquisitions since the last checkpoint
    sa.Column("first_step", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),  # the last step with published losses
    sa.Column("steps", sa.Integer, nullable=False),
    sa.Column("pause_at", sa.Integer),  # the step at which the job pauses by itself
    sa.Column("half", sa.Boolean, nullable=False, server_default=sa.false()),  # it stops between the networks' updates
    sa.Column("snapshot", sa.Integer, nullable=False, default=-1),  # the last step with a published snapshot, or -1
    sa.Column("checkpoint", sa.Text),  # file name of the newest checkpoint
    sa.Column("checkpoint_step", sa.Integer),
    sa.Column("kept_checkpoints", sa.JSON, nullable=False, default={}),  # step → file name
    sa.Column("weights", sa.Text),  # folder of the networks, written at the last stop
    sa.Column("weights_step", sa.Integer),
    sa.Column("steps_per_second", sa.Float),
    sa.Column("seconds", sa.Float, nullable=False, default=0.0),  # of training
    sa.Column("losses", sa.JSON),
    sa.Column("figures", sa.JSON),
    sa.Column("warnings", sa.JSON),  # name → sentence, as of the last snapshot
    sa.Column("error", sa.Text),
    sa.Column("created", sa.Float, nullable=False, default=time.time),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
    sa.Column("last_event", sa.Integer, nullable=False, default=1),
    sqlite_autoincrement=True,  # never reuses the number of a deleted job
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

#: The losses of every step: float32 blocks of ``(steps, losses)``; each begins after the block before it.
losses = sa.Table(
    "job_losses",
    metadata,
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number"), primary_key=True),
    sa.Column("last_step", sa.Integer, primary_key=True),
    sa.Column("block", sa.LargeBinary, nullable=False),
)

#: The files of the jobs, in parts: only in PostgreSQL, see :mod:`app.jobs.record.file_rows`.
files = sa.Table(
    "job_files",
    metadata,
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)


@sa.event.listens_for(files, "after_create")
def _keep_uncompressed(_table: sa.Table, connection: sa.Connection, **_: object) -> None:
    """Spare PostgreSQL the attempt to compress trained numbers."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("ALTER TABLE job_files ALTER COLUMN content SET STORAGE EXTERNAL"))


#: Heartbeats of the workers that share a PostgreSQL database.
workers = sa.Table(
    "job_workers",
    metadata,
    sa.Column("executor", sa.String(255), primary_key=True),
    sa.Column("beats", sa.BigInteger, nullable=False),
)

#: The order of the queue: owners take turns, and within a turn the lowest ticket runs next. A job that is queued again
#: gets a new ticket.
tickets = sa.Table(
    "job_tickets",
    metadata,
    sa.Column("ticket", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number"), nullable=False, index=True),
    sa.Column("turn", sa.Integer, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

#: Jobs without a row in ``jobs`` that may have files or workflows: jobs being submitted (``submitted`` is the time),
#: and jobs being deleted (``submitted`` is null).
leftovers = sa.Table(
    "job_leftovers",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("submitted", sa.Float),
)

#: Keys for the calls about jobs, beside those of the settings.
keys = sa.Table(
    "job_keys",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
    sa.Column("is_admin", sa.Boolean, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
)

#: Training steps that a key has asked for on its last day, those of deleted jobs included.
usage = sa.Table(
    "job_usage",
    metadata,
    sa.Column("key_name", sa.String(64), primary_key=True),
    sa.Column("day", sa.String(10), nullable=False),  # in UTC
    sa.Column("steps", sa.BigInteger, nullable=False),
)
