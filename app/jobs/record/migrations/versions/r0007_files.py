"""PostgreSQL has the files of the jobs."""

import sqlalchemy as sa
from alembic import op

from app.jobs.record.migrations.repeatable import create_table

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the files; a worker brings those of the data folder here, see :mod:`app.jobs.record.adoption`."""
    create_table(
        "job_files",
        sa.Column("job", sa.Integer, sa.ForeignKey("jobs.number"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE job_files ALTER COLUMN content SET STORAGE EXTERNAL")
