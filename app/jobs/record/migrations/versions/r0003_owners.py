"""Jobs have owners, who take turns."""

import sqlalchemy as sa
from alembic import op

from app.jobs.record.migrations.repeatable import add_column, create_index

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the owner and the turn; jobs that wait keep their order, before all later ones."""
    add_column("jobs", sa.Column("owner", sa.String(64)))
    create_index("ix_jobs_owner", "jobs", ["owner"])
    add_column("job_tickets", sa.Column("turn", sa.Integer, nullable=False, server_default="0"))
    op.execute("UPDATE job_tickets SET turn = ticket WHERE turn = 0")  # the priority that DBOS has of them
