"""A paused job can be trained by single steps, and by halves of them."""

import sqlalchemy as sa

from app.jobs.record.migrations.repeatable import add_column

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add where a job pauses by itself; none of those so far does."""
    add_column("jobs", sa.Column("pause_at", sa.Integer))
    add_column("jobs", sa.Column("half", sa.Boolean, nullable=False, server_default=sa.false()))
