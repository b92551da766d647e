"""A stored specification carries a version."""

import sqlalchemy as sa

from app.jobs.record.migrations.repeatable import add_column

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the version; all specifications so far are of version 1."""
    add_column("jobs", sa.Column("specification_version", sa.Integer, nullable=False, server_default="1"))
