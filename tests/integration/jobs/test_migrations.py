"""The tables of older releases are brought up to date, those of newer ones refused."""

import tarfile
import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.config import Settings
from app.jobs.errors import JobsUnavailableError
from app.jobs.limits import specify
from app.jobs.record.database import connect
from app.jobs.record.inspection import inspect
from app.jobs.record.keys import KeyStore
from app.jobs.record.migrations import HEAD, VERSION_TABLE, migrate
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore
from app.jobs.record.tables import jobs, metadata
from app.jobs.record.values import NewJob, new_id
from app.jobs.specification import JobRequest
from app.jobs.states import State

RELEASE = Path(__file__).resolve().parents[2] / "golden" / "release-0.1" / "data.tar.xz"


def _differences(connection: sa.Connection) -> list[object]:
    """Return what distinguishes our tables in the database from those of this release."""
    options = {"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def _revision(connection: sa.Connection) -> str:
    return str(connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one())


def _make_older(connection: sa.Connection) -> None:
    """Turn the tables into those of the first version."""
    for table in (VERSION_TABLE, "job_leftovers", "job_tickets", "job_keys", "job_usage", "job_files"):
        connection.execute(sa.text(f"DROP TABLE {table}"))
    for index in ("ix_jobs_owner", "ix_jobs_key_name"):
        connection.execute(sa.text(f"DROP INDEX {index}"))
    for column in ("specification_version", "phase", "warnings", "owner", "pause_at", "half", "key_name", "request_id"):
        connection.execute(sa.text(f"ALTER TABLE jobs DROP COLUMN {column}"))


def test_the_newest_revision_is_that_of_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", "app.jobs.record:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_new_database_has_the_tables_and_the_revision(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert _differences(connection) == []
        assert _revision(connection) == HEAD


def test_the_tables_of_the_first_version_are_brought_up_to_date(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        _make_older(connection)
        assert _differences(connection) != []
    for _ in range(2):  # the second time there is nothing to do
        with engine.begin() as connection:
            migrate(connection)
            assert _differences(connection) == []
            assert _revision(connection) == HEAD


def test_an_interrupted_migration_is_repeated(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        _make_older(connection)
        connection.execute(sa.text("ALTER TABLE jobs ADD COLUMN phase VARCHAR(16)"))
    with engine.begin() as connection:
        migrate(connection)
        assert _differences(connection) == []


def test_a_database_of_a_newer_release_is_refused(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
        with pytest.raises(JobsUnavailableError, match=f"its schema is 9999, and this release knows {HEAD}"):
            migrate(connection)
        connection.rollback()


def test_an_inspection_says_how_old_the_tables_are_and_changes_nothing(
    settings: Settings, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert inspect(Settings(data=tmp_path)) == ("missing", 0.0, 0)
    assert not list(tmp_path.iterdir())
    found = inspect(settings)
    assert (found.schema, found.keys) == ("current", 0)
    assert abs(found.clock) < 1.0  # PostgreSQL runs on this very machine
    name = KeyStore(engine).add("ada", is_admin=False) and "ada"
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    assert inspect(settings)[::2] == ("newer", 1)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    assert inspect(settings)[::2] == ("older", 1)
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{HEAD}'"))
    KeyStore(engine).revoke(name)
    with engine.begin() as connection:
        _make_older(connection)
    assert inspect(settings)[::2] == ("older", 0)
    with engine.begin() as connection:
        migrate(connection)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 3_600.0)
    assert round(inspect(settings).clock / 3_600) == (-1 if settings.database_url else 0)


def test_a_data_folder_of_release_0_1_is_opened_with_its_jobs(tmp_path: Path) -> None:
    with tarfile.open(RELEASE) as archive:
        archive.extractall(tmp_path, filter="data")
    engine = connect(Settings(data=tmp_path / "data"))
    queue = Queue(engine)
    try:
        with engine.connect() as connection:
            assert _differences(connection) == []
            assert set(connection.execute(sa.select(jobs.c.specification_version)).scalars()) == {1}
        rows = JobStore(engine, queue, 100).page([], 100, None)
        assert len(rows) == 11
        assert all(row["unreadable"] is None for row in rows)
    finally:
        queue.close()
        engine.dispose()


def test_a_specification_of_another_version_is_shown_as_unreadable(engine: sa.Engine, store: JobStore) -> None:
    job_id = new_id()
    store.submit(job_id, NewJob(specify(JobRequest(model="simple_gan"), None, Settings()), None, {}, "x"))
    with engine.begin() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(specification_version=2))
    job = store.get(job_id)
    assert job["state"] == State.FAILED
    assert "specification_version: found 2, expected 1" in job["error"]
    store.delete(job_id)
