"""The record of the jobs in both kinds of database."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.config import Settings
from app.jobs.record.database import connect
from app.jobs.record.leases import LeaseStore
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore
from tests.integration.jobs.postgresql import PostgreSQL


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    data = tmp_path_factory.mktemp(request.param) / "data"
    if request.param == "SQLite":
        yield Settings(data=data)
        return
    # Not below pytest's folder: another pytest that starts would shut the server out of it.
    with tempfile.TemporaryDirectory(prefix="nobody-") as folder:
        server = PostgreSQL(Path(folder) / "postgresql")
        yield Settings(data=data, database_url=server.url)
        server.stop()


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[sa.Engine]:
    engine = connect(settings)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def queue(engine: sa.Engine) -> Iterator[Queue]:
    queue = Queue(engine)
    yield queue
    queue.close()


@pytest.fixture
def store(engine: sa.Engine, queue: Queue) -> JobStore:
    return JobStore(engine, queue, max_queued=100)


@pytest.fixture
def leases(engine: sa.Engine, queue: Queue) -> LeaseStore:
    return LeaseStore(engine, queue, "me")
