"""Jobs belong to keys, which have quotas."""

import sqlalchemy as sa

from app.jobs.record.migrations.repeatable import add_column, create_index, create_table

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add keys, what they use, and whose a job is: the jobs so far belong to no key."""
    add_column("jobs", sa.Column("key_name", sa.String(64)))
    create_index("ix_jobs_key_name", "jobs", ["key_name"])
    create_table(
        "job_keys",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False, unique=True),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
    )
    create_table(
        "job_usage",
        sa.Column("key_name", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("steps", sa.BigInteger, nullable=False),
    )
