"""A job knows the id of the request that submitted it."""

import sqlalchemy as sa

from app.jobs.record.migrations.repeatable import add_column

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the id; the jobs so far have none."""
    add_column("jobs", sa.Column("request_id", sa.String(128)))
