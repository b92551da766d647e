"""Jobs are found by what they are called, get other names, and are deleted several at a time."""

import pytest
import sqlalchemy as sa

from app.config import Settings
from app.jobs.errors import UnknownJobError
from app.jobs.record.store import JobStore
from app.jobs.record.tables import jobs as table
from app.jobs.service import manage
from app.jobs.service.database import JobDatabase
from app.jobs.service.submit import submit
from app.jobs.specification import JobRequest
from app.jobs.states import Action


@pytest.fixture
def jobs(settings: Settings, store: JobStore) -> JobDatabase:
    jobs = JobDatabase(settings)
    jobs._record.store = store  # which the tests close
    return jobs


def _submit(jobs: JobDatabase, **body: object) -> str:
    return submit(jobs, JobRequest.model_validate({"model": "simple_gan"} | body)).id


def _found(jobs: JobDatabase, search: str, limit: int = 100, owner: str = "searched") -> list[str]:
    return [job.id for job in manage.page(jobs, [], limit, None, owner, search).jobs]


def test_jobs_are_found_by_their_words(jobs: JobDatabase, engine: sa.Engine) -> None:
    mine = {"owner": "searched"}
    points = {"name": "Äpfel & 100%_'s", "points": [[0.1, 0.2], [0.3, 0.4]]}
    own = _submit(jobs, **mine, data=points, batch_size=2)
    ring = _submit(jobs, **mine, model="wgan_gp", data={"name": "ring8"}, name="STRASSE \\ 7")
    plain = _submit(jobs, **mine, model="wgan_clip", data={"name": "moons"})
    other = _submit(jobs, model="wgan_gp", data={"name": "ring8"})
    wanted = {
        "": [plain, ring, own],
        "  ": [plain, ring, own],
        "WGAN": [plain, ring],
        "gp ring": [ring],
        "ring moons": [],
        "straße": [ring],
        "äPF": [own],
        "100%_'s": [own],
        "%": [own],
        "_clip": [plain],
        "\\": [ring],
        "tanh": [],
        "\0": [],
    }
    assert {search: _found(jobs, search) for search in wanted} == wanted

    first = manage.page(jobs, [], 1, None, "searched", "wgan")
    assert [job.id for job in first.jobs] == [plain]
    assert [job.id for job in manage.page(jobs, [], 1, first.next, "searched", "wgan").jobs] == [ring]

    # What is damaged is not found by it, and disturbs nothing.
    for value in ('{"model": "wgan', "[1]", '{"model": ["wgan"], "data": 3}', "5"):
        if engine.dialect.name != "sqlite" and value.startswith('{"model": "wgan'):
            continue  # PostgreSQL stores no such text
        with engine.begin() as connection:
            damage = sa.text("UPDATE jobs SET specification = :value WHERE id = :id")
            if engine.dialect.name != "sqlite":
                damage = sa.text("UPDATE jobs SET specification = CAST(:value AS JSON) WHERE id = :id")
            connection.execute(damage, {"value": value, "id": ring})
        assert _found(jobs, "wgan") == [plain]
        assert _found(jobs, "strasse") == [ring]
    manage.delete_each(jobs, [own, ring, plain, other])


def test_a_job_gets_another_name_whatever_it_does(jobs: JobDatabase, engine: sa.Engine) -> None:
    job = _submit(jobs, name="first")
    assert manage.rename(jobs, job, "second").name == "second"
    manage.steer(jobs, job, Action.CANCEL)
    assert manage.rename(jobs, job, "'; DROP TABLE jobs; --\n").name == "'; DROP TABLE jobs; --\n"
    with engine.begin() as connection:
        connection.execute(sa.update(table).where(table.c.id == job).values(steps=-5))
    assert manage.rename(jobs, job, "unreadable").name == "unreadable"
    assert manage.rename(jobs, job, None).name is None
    for unknown in ("0" * 16, "a\0b"):
        with pytest.raises(UnknownJobError):
            manage.rename(jobs, unknown, "x")


def test_several_jobs_are_deleted_as_far_as_they_have_ended(jobs: JobDatabase) -> None:
    ended, waiting, kept = (_submit(jobs) for _ in range(3))
    for job in (ended, kept):
        manage.steer(jobs, job, Action.CANCEL)
    assert manage.delete_each(jobs, [ended, waiting, "0" * 16, "a\0b", ended]) == [ended]
    assert manage.show(jobs, waiting).status == "queued"
    assert manage.show(jobs, kept).status == "cancelled"
