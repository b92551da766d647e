"""A look at the database of the jobs that changes nothing in it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.jobs.errors import JobsUnavailableError
from app.jobs.record.database import engine_of
from app.jobs.record.migrations import HEAD, revision_of
from app.jobs.record.tables import jobs, keys

Schema = Literal["missing", "older", "current", "newer"]


class Inspection(NamedTuple):
    """What a database is like.

    Args:
        schema: of our tables, compared with this release.
        clock: seconds by which its clock is ahead of ours; 0 for a file, which has none.
        keys: that are kept in it.
    """

    schema: Schema
    clock: float
    keys: int


def inspect(settings: Settings) -> Inspection:
    """Look at the database that the settings name; a file that is not there yet is not made.

    Raises:
        JobsUnavailableError: it does not answer, or is no database; the message says why.
    """
    if not settings.database_url and not (settings.data / "jobs.sqlite").exists():
        return Inspection("missing", 0.0, 0)
    with _connection(settings) as connection:
        has_keys = sa.inspect(connection).has_table(keys.name)  # older releases had none
        count = connection.execute(sa.select(sa.func.count()).select_from(keys)).scalar_one() if has_keys else 0
        return Inspection(_schema(connection), _clock(connection), count)


@contextmanager
def _connection(settings: Settings) -> Iterator[sa.Connection]:
    engine = engine_of(settings)
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise JobsUnavailableError(str(error).partition("\n")[0]) from None
    finally:
        engine.dispose()


def _schema(connection: sa.Connection) -> Schema:
    revision = revision_of(connection)
    if revision is None:
        return "older" if sa.inspect(connection).has_table(jobs.name) else "missing"
    return "current" if revision == HEAD else "newer" if revision > HEAD else "older"


def _clock(connection: sa.Connection) -> float:
    if connection.dialect.name == "sqlite":
        return 0.0
    before = time.time()
    its = float(connection.execute(sa.text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return its - (before + time.time()) / 2
