"""Alembic migrations of the jobs' tables; both the service and the workers run them when they open the database.

To change a table: edit :mod:`app.jobs.record.tables`, add a file to ``versions`` and raise :data:`HEAD`. A new database
is created from the tables and only marked as being at :data:`HEAD`. A migration must be repeatable: SQLite commits
every statement that alters a table, so a crash may leave one half done.
"""

import sqlalchemy as sa

from app.jobs.errors import JobsUnavailableError
from app.jobs.record.tables import jobs, metadata

#: The newest revision.
HEAD = "0007"
VERSION_TABLE = "job_schema"


def migrate(connection: sa.Connection) -> None:
    """Create our tables, or bring those of an older release up to date.

    Raises:
        JobsUnavailableError: the database was written by a newer release.
    """
    revision = revision_of(connection)
    if revision == HEAD:
        return
    if revision is not None and revision > HEAD:
        raise JobsUnavailableError(
            f"the database of the jobs is of a newer release of nobody: its schema is {revision}, and this release "
            f"knows {HEAD} and older"
        )
    # Imported here, because it takes longer than opening the database.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "app.jobs.record:migrations")
    config.attributes["connection"] = connection
    if sa.inspect(connection).has_table(jobs.name):
        command.upgrade(config, HEAD)
    else:
        metadata.create_all(connection)
        command.stamp(config, HEAD)


def revision_of(connection: sa.Connection) -> str | None:
    """Return the revision of our tables; None if there are none, or older ones than revisions are."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    query = sa.select(sa.column("version_num", sa.String)).select_from(sa.table(VERSION_TABLE))
    return connection.execute(query).scalar_one_or_none()
