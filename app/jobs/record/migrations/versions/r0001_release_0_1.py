"""The tables of release 0.1, from those of any version before it."""

import sqlalchemy as sa

from app.jobs.record.migrations.repeatable import add_column, create_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables and columns that came after the first version."""
    create_table(
        "job_tickets",
        sa.Column("ticket", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number"), nullable=False, index=True),
        sqlite_autoincrement=True,
    )
    create_table(
        "job_leftovers",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("submitted", sa.Float),
    )
    add_column("jobs", sa.Column("phase", sa.String(16)))
    add_column("jobs", sa.Column("warnings", sa.JSON))
