"""A database that somebody else has locked, or that has no room left."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.jobs.record import access
from app.jobs.record.database import is_storage_full
from app.jobs.service import database
from app.jobs.service.submit import submit
from app.jobs.specification import JobRequest
from app.main import create_app
from tests.conftest import PATIENCE
from tests.integration.jobs.harness import SHORT

#: More than there are threads for calls about jobs, and than any pool of threads that asyncio or Starlette makes.
MANY = 60


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    with closing(sqlite3.connect(data / "jobs.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def test_pages_do_not_wait_for_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_PATIENCE_SECONDS", PATIENCE)  # the calls wait until the lock is released
    monkeypatch.setattr(database, "_WAIT_SECONDS", PATIENCE)
    app = create_app(Settings(data=tmp_path))
    jobs = app.state.jobs
    job = submit(jobs, JobRequest.model_validate(SHORT))

    async def main() -> None:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            with _locked(jobs.settings.data):
                calls = [
                    asyncio.create_task(client.patch(f"/jobs/{job.id}", json={"name": str(number)}))
                    for number in range(MANY)
                ]
                for path in ("/lab", "/docs", "/static/css/base.css", "/presets", "/info"):
                    assert (path, (await client.get(path)).status_code) == (path, 200)
                assert not any(call.done() for call in calls)
            assert {(await call).status_code for call in calls} == {200}

    asyncio.run(main())


def test_calls_about_jobs_do_not_wait_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_PATIENCE_SECONDS", 0.05)
    app = create_app(Settings(data=tmp_path))
    job = submit(app.state.jobs, JobRequest.model_validate(SHORT))

    async def main() -> None:
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            with _locked(tmp_path):
                answers = [
                    await client.patch(f"/jobs/{job.id}", json={"name": "new"}),
                    await client.post("/jobs", json=SHORT),
                    await client.post(f"/jobs/{job.id}/cancel"),
                ]
        for answer in answers:
            assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
            assert "does not answer; try again" in answer.json()["detail"]

    asyncio.run(main())


def test_sqlite_without_room_is_known() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(sa.text("PRAGMA max_page_count = 2"))
        connection.execute(sa.text("CREATE TABLE numbers (text)"))
        with pytest.raises(OperationalError) as caught:
            connection.execute(sa.text("INSERT INTO numbers VALUES (zeroblob(100000))"))
        assert is_storage_full(caught.value)
        with pytest.raises(OperationalError) as caught:
            connection.execute(sa.text("SELECT nothing FROM nowhere"))
        assert not is_storage_full(caught.value)
