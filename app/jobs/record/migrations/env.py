"""Alembic runs this file to connect; the caller brings the connection and its transaction."""

from alembic import context

from app.jobs.record.migrations import VERSION_TABLE
from app.jobs.record.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
