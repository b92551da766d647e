"""Callers see and change the jobs of their own key only, whatever they call."""

import shutil
import tarfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from app.config import Settings
from app.jobs.files import JobFiles
from app.jobs.record import file_rows
from app.jobs.record.database import connect
from app.jobs.record.keys import KeyStore
from app.jobs.record.tables import events, jobs, keys, losses
from app.jobs.record.values import new_id
from app.jobs.states import State
from app.main import create_app

RELEASE = Path(__file__).resolve().parents[2] / "golden" / "release-0.1" / "data.tar.xz"
JOB = {"model": "simple_gan", "epochs": 2, "steps_per_epoch": 5}
FILE = {"data": ("points.csv", b"1,2\n3,4\n")}

Json = dict[str, Any]
Jobs = Callable[..., str]


class Key(NamedTuple):
    """A key of a test's own, as its jobs count."""

    name: str
    text: str


ADMIN = Key("admin", "nobody_" + 43 * "a")

#: Of each call: the state of the job that it is about, if not SUCCEEDED, and what is sent.
CALLS: dict[str, tuple[State | None, Json]] = {
    "POST /jobs": (None, {"json": JOB}),
    "POST /jobs/data": (None, {"files": FILE}),
    "POST /jobs/check": (None, {"json": JOB}),
    "GET /jobs": (None, {}),
    "DELETE /jobs": (None, {"params": {"id": "ID"}}),
    "GET /jobs/{job_id}": (None, {}),
    "PATCH /jobs/{job_id}": (None, {"json": {"name": "another"}}),
    "DELETE /jobs/{job_id}": (None, {}),
    "POST /jobs/{job_id}/cancel": (State.QUEUED, {}),
    "POST /jobs/{job_id}/pause": (State.QUEUED, {}),
    "POST /jobs/{job_id}/resume": (State.PAUSED, {}),
    "POST /jobs/{job_id}/step": (State.PAUSED, {"json": {}}),
    "POST /jobs/{job_id}/fork": (None, {"json": {"epochs": 2}}),
    "GET /jobs/{job_id}/events": (None, {}),
    "GET /jobs/{job_id}/history": (None, {}),
    "GET /jobs/{job_id}/picture.png": (None, {"params": {"size": 300}}),
    "GET /jobs/{job_id}/film": (None, {"params": {"size": 300}}),
    "GET /jobs/{job_id}/samples": (None, {"params": {"count": 3}}),
    "GET /jobs/{job_id}/points": (None, {}),
    "GET /jobs/{job_id}/script": (None, {}),
    "GET /jobs/{job_id}/weights": (None, {}),
}


@pytest.fixture(scope="module")
def app(settings: Settings) -> Iterator[FastAPI]:
    """Yield an application that strangers reach; its only key in the settings is the administrator's."""
    quota = {"key_jobs": 3, "key_steps": 100, "key_megabytes": 64}
    with _application(settings, host="0.0.0.0", api_keys=f"admin={ADMIN.text}", **quota) as app:
        yield app


@pytest.fixture
def ada(engine: sa.Engine) -> Key:
    with engine.begin() as connection:  # nothing of the tests before waits
        connection.execute(sa.update(jobs).values(state=State.CANCELLED))
    return _key(engine)


@pytest.fixture
def bob(engine: sa.Engine) -> Key:
    return _key(engine)


def _key(engine: sa.Engine) -> Key:
    name = new_id()
    return Key(name, KeyStore(engine).add(name, is_admin=False))


@pytest.fixture(scope="module")
def stored(settings: Settings, engine: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Jobs:
    """Return what stores a copy of a real job that succeeded, with all its files and one more."""
    folder = tmp_path_factory.mktemp("release")
    with tarfile.open(RELEASE) as archive:
        archive.extractall(folder, filter="data")
    old = connect(Settings(data=folder / "data"))
    with closing(old.raw_connection()), old.connect() as connection:
        job = dict(connection.execute(sa.select(jobs).where(jobs.c.name == "own")).mappings().one())
        number, old_id = job.pop("number"), job["id"]
        below = {
            table: [dict(row) for row in connection.execute(sa.select(table).where(table.c.job == number)).mappings()]
            for table in (events, losses)
        }
    old.dispose()
    files = JobFiles(folder / "data", old_id)

    def store(key_name: str | None, state: State | None = None, large: int = 0) -> str:
        job_id = new_id()
        row = job | {"id": job_id, "key_name": key_name, "state": state or State.SUCCEEDED, "idempotency_key": None}
        with engine.begin() as connection:
            new = connection.execute(sa.insert(jobs).values(row).returning(jobs.c.number)).scalar_one()
            for table, rows in below.items():
                connection.execute(sa.insert(table), [row | {"job": new} for row in rows])
            with open(files.path("large"), "wb") as file:
                file.truncate(large)
            if file_rows.keeps_files(engine):
                for name in files.names():
                    file_rows.write_file(connection, new, name, files.path(name))
            else:
                shutil.copytree(files.folder, settings.data / "jobs" / job_id)
        return job_id

    return store


@contextmanager
def _application(settings: Settings, **changes: Any) -> Iterator[FastAPI]:
    app = create_app(settings.model_copy(update=changes))
    try:
        yield app
    finally:
        with app.state.jobs.store() as store:
            store.close()


def _client(app: FastAPI, key: Key | None = None, **options: Any) -> TestClient:
    headers = {} if key is None else {"Authorization": f"Bearer {key.text}"}
    options = {"client": ("127.0.0.1", 50_000)} | options
    return TestClient(app, headers=headers, raise_server_exceptions=False, **options)


def _call(client: TestClient, call: str, job_id: str) -> Any:
    method, path = call.split()
    options = {**CALLS[call][1]}
    if options.get("params", {}).get("id"):
        options["params"] = {"id": job_id}
    return client.request(method, path.replace("{job_id}", job_id), **options)


def _row(engine: sa.Engine, job_id: str) -> Json | None:
    with engine.connect() as connection:
        row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
    return None if row is None else dict(row)


def test_every_call_about_jobs_is_among_those_that_are_tried(app: FastAPI) -> None:
    routers = [getattr(route, "original_router", None) for route in app.routes]
    routes = [route for router in [app, *filter(None, routers)] for route in router.routes]
    about_jobs = [route for route in routes if isinstance(route, APIRoute) and route.path.startswith("/jobs")]
    assert {f"{method} {route.path_format}" for route in about_jobs for method in route.methods or ()} == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
def test_a_call_sees_the_jobs_of_its_key(
    call: str, app: FastAPI, engine: sa.Engine, stored: Jobs, ada: Key, bob: Key
) -> None:
    job_id = stored(ada.name, CALLS[call][0])
    before = _row(engine, job_id)
    for key, error in ((None, ""), *((Key("", text), ', error="invalid_token"') for text in (ada.text[:-1], "x"))):
        answer = _call(_client(app, key), call, job_id)
        assert answer.status_code == 401, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == f'Bearer realm="nobody"{error}'
        assert "nobody keys add NAME" in answer.json()["detail"]

    answer, unknown = (_call(_client(app, bob), call, one) for one in (job_id, "0" * 16))
    assert answer.status_code == unknown.status_code
    if "{job_id}" in call:
        assert answer.status_code == 404
        assert answer.json()["detail"] == unknown.json()["detail"].replace("0" * 16, job_id)
        assert answer.json().keys() == unknown.json().keys()
    else:
        assert job_id not in answer.text
    assert _row(engine, job_id) == before

    assert _call(_client(app, ada), call, job_id).is_success
    again = stored(ada.name, CALLS[call][0])
    assert _call(_client(app, ADMIN), call, again).is_success


def test_lists_and_deletions_leave_out_what_others_have(app: FastAPI, stored: Jobs, ada: Key, bob: Key) -> None:
    theirs, mine, nobodys = stored(ada.name), stored(bob.name), stored(None)
    listed = _client(app, bob).get("/jobs", params={"limit": 100}).json()["jobs"]
    assert [job["id"] for job in listed] == [mine]
    assert _client(app, bob).get("/jobs", params={"after": theirs}).status_code == 404
    deleted = _client(app, bob).delete("/jobs", params={"id": [theirs, mine, nobodys]})
    assert deleted.json() == {"deleted": [mine]}
    assert _client(app, ADMIN).delete("/jobs", params={"id": [theirs, nobodys]}).json() == {
        "deleted": [theirs, nobodys]
    }


def test_the_data_of_others_cannot_be_learnt(app: FastAPI, stored: Jobs, ada: Key, bob: Key) -> None:
    theirs = stored(ada.name)
    body = JOB | {"data": {"job": theirs}, "batch_size": 5}
    for path in ("/jobs", "/jobs/check"):
        refused = _client(app, bob).post(path, json=body)
        assert (refused.status_code, "there is no job" in refused.json()["detail"]) == (422, True)
    assert _client(app, ada).post("/jobs", json=body).status_code == 202


def test_the_same_idempotency_key_of_two_callers_is_two(app: FastAPI, ada: Key, bob: Key) -> None:
    headers = {"Idempotency-Key": "monday"}
    mine, again, theirs = (_client(app, key).post("/jobs", json=JOB, headers=headers) for key in (ada, ada, bob))
    assert mine.json()["id"] == again.json()["id"] != theirs.json()["id"]
    other = _client(app, bob).post("/jobs", json=JOB | {"seed": 1}, headers=headers)
    assert (other.status_code, mine.json()["id"] in other.text) == (422, False)


def test_the_same_owner_under_two_keys_has_two_turns(app: FastAPI, stored: Jobs, ada: Key, bob: Key) -> None:
    stored(ada.name)
    job = JOB | {"owner": "table 3"}
    first, second = (_client(app, ada).post("/jobs", json=job).json()["id"] for _ in range(2))
    theirs = _client(app, bob).post("/jobs", json=job).json()
    assert theirs["queue_position"] == 1, "of all jobs, those of others too"
    assert theirs["estimated_start"] is not None, "by the speed of the jobs of others"
    assert [_client(app, ada).get(f"/jobs/{one}").json()["queue_position"] for one in (first, second)] == [0, 2]


def test_a_revoked_key_opens_nothing_and_its_successor_has_the_jobs(app: FastAPI, engine: sa.Engine, ada: Key) -> None:
    job_id = _client(app, ada).post("/jobs", json=JOB).json()["id"]
    KeyStore(engine).revoke(ada.name)
    assert _client(app, ada).get(f"/jobs/{job_id}").status_code == 401
    successor = Key(ada.name, KeyStore(engine).add(ada.name, is_admin=False))
    assert _client(app, ada).get(f"/jobs/{job_id}").status_code == 401
    assert _client(app, successor).get(f"/jobs/{job_id}").status_code == 200


def test_no_key_is_stored(engine: sa.Engine, ada: Key) -> None:
    with engine.connect() as connection:
        row = connection.execute(sa.select(keys).where(keys.c.name == ada.name)).mappings().one()
    assert ada.text.removeprefix("nobody_") not in str(dict(row))


def test_unfinished_jobs_have_a_quota(app: FastAPI, ada: Key, bob: Key) -> None:
    headers = {"Idempotency-Key": "the last one"}
    made = [_client(app, ada).post("/jobs", json=JOB, headers=headers if n == 2 else {}) for n in range(3)]
    assert [answer.status_code for answer in made] == [202] * 3
    refused = _client(app, ada).post("/jobs", json=JOB)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    assert "at most 3 unfinished jobs of one key, and this one has 3" in refused.json()["detail"]
    repeated = _client(app, ada).post("/jobs", json=JOB, headers=headers)
    assert repeated.json()["id"] == made[2].json()["id"], "a repetition asks for nothing new"
    paused = made[0].json()["id"]
    assert _client(app, ada).post(f"/jobs/{paused}/pause").status_code == 202
    assert _client(app, ada).post("/jobs", json=JOB).status_code == 429, "a paused job may be resumed at any time"
    assert _client(app, bob).post("/jobs", json=JOB).status_code == 202
    _client(app, ada).post(f"/jobs/{paused}/cancel")
    assert _client(app, ada).post("/jobs", json=JOB).status_code == 202


def test_the_steps_of_a_day_have_a_quota(app: FastAPI, stored: Jobs, ada: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    noon = time.time() // 86_400 * 86_400 + 43_200
    monkeypatch.setattr("app.jobs.record.keys.time.time", lambda: noon)
    large = _client(app, ada).post("/jobs", json=JOB | {"steps_per_epoch": 51})
    assert (large.status_code, "at most 100 steps, those of one key in a day" in large.text) == (422, True)
    client = _client(app, ada)
    for _ in range(9):
        job_id = client.post("/jobs", json=JOB).json()["id"]
        client.post(f"/jobs/{job_id}/cancel")
        assert client.delete(f"/jobs/{job_id}").status_code == 204, "which gives no steps back"
    parent = stored(ada.name)  # which has trained 5 steps
    fork = client.post(f"/jobs/{parent}/fork", json={"epochs": 2})
    assert fork.status_code == 202, "of 10 steps, of which 5 are new"
    refused = client.post("/jobs", json=JOB)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "43200")
    assert "95 were asked for since 00:00 UTC, 5 are left, and this job has 10" in refused.json()["detail"]
    assert client.post("/jobs", json=JOB | {"epochs": 1}).status_code == 202
    monkeypatch.setattr("app.jobs.record.keys.time.time", lambda: noon + 43_200)
    client.post(f"/jobs/{fork.json()['id']}/cancel")
    assert client.post("/jobs", json=JOB).status_code == 202, "another day"


def test_files_have_a_quota(app: FastAPI, stored: Jobs, ada: Key, bob: Key) -> None:
    job_id = stored(ada.name, large=64 * 2**20)
    refused = _client(app, ada).post("/jobs", json=JOB)
    assert (refused.status_code, "retry-after" in refused.headers) == (429, False)
    detail = refused.json()["detail"]
    assert "expected at most 64 MiB of one key: its jobs that have ended keep 64.1, the others may write 0.0" in detail
    assert _client(app, bob).post("/jobs", json=JOB).status_code == 202
    _client(app, ada).delete(f"/jobs/{job_id}")
    assert _client(app, ada).post("/jobs", json=JOB).status_code == 202


def test_who_asks_many_times_at_once_gets_no_more(app: FastAPI, ada: Key) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _client(app, ada).post("/jobs", json=JOB).status_code, range(8)))
    assert sorted(answers) == [202] * 3 + [429] * 5


def test_a_key_has_a_rate_of_calls(settings: Settings, ada: Key, bob: Key) -> None:
    with _application(settings, api_keys=f"admin={ADMIN.text}", job_calls_per_minute=4) as app:
        clients = [_client(app, ada, client=(address, 5)) for address in ("127.0.0.1", "192.0.2.1", "192.0.2.2")]
        assert [client.get("/jobs").status_code for client in [*clients, *clients]] == [200] * 4 + [429] * 2
        refused = clients[0].post("/jobs", json=JOB)
        assert (refused.status_code, "4 job-calls a minute of one client" in refused.json()["detail"]) == (429, True)
        assert 1 <= int(refused.headers["retry-after"]) <= 15
        assert refused.headers["ratelimit-policy"] == '"job-calls";q=4;w=60'
        assert _client(app, bob).get("/jobs").status_code == 200, "another key"
        assert {_client(app, ADMIN).get("/jobs").status_code for _ in range(9)} == {200}


def test_wrong_keys_have_a_rate_by_their_address(settings: Settings, ada: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def find(_: KeyStore, key: str) -> None:
        asked.append(key)

    monkeypatch.setattr(KeyStore, "find", find)
    with _application(settings, host="0.0.0.0", job_calls_per_minute=4) as app:
        attacker = ("2001:db8::1", 5)
        for number, status in enumerate([401] * 4 + [429] * 4):
            wrong = f"wrong {number}"
            if number % 2:
                answer = _client(app, client=attacker).post("/session", json={"key": "wrong"})
            else:
                answer = _client(app, Key("", wrong), client=attacker).get("/jobs")
            assert answer.status_code == status
        assert len(asked) == 4, "the database is not asked for more"
        neighbour = _client(app, client=("2001:db8::2", 5))
        assert neighbour.get("/jobs").status_code == 429, "of the same network, so the same client"
        monkeypatch.undo()
        assert _client(app, ada, client=("2001:db8:0:1::1", 5)).get("/jobs").status_code == 200


def test_a_browser_keeps_the_key_in_a_cookie(app: FastAPI, stored: Jobs, ada: Key) -> None:
    job_id = stored(ada.name)
    client = _client(app, base_url="https://testserver")
    wrong = client.post("/session", json={"key": ada.text[:-1]})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    begun = client.post("/session", json={"key": ada.text})
    assert (begun.status_code, begun.content) == (204, b"")
    name, *attributes = begun.headers["set-cookie"].lower().split("; ")
    assert name == f"nobody_key={ada.text}".lower()
    assert {one.lower() for one in attributes} == {
        "httponly",
        "secure",
        "samesite=strict",
        "path=/jobs",
        "max-age=2592000",
    }
    assert client.get(f"/jobs/{job_id}/picture.png?size=300").status_code == 200
    assert client.get("/jobs", headers={"Authorization": "Bearer x"}).status_code == 401, "the header counts"
    theft = client.post("/jobs", json=JOB, headers={"Origin": "https://example.org"})
    assert theft.status_code == 403
    assert "nobody_key" not in client.get("/info").request.headers.get("cookie", ""), "only calls about jobs need it"
    assert client.delete("/session").status_code == 204
    assert client.get("/jobs").status_code == 401
    assert "Secure" not in _client(app).post("/session", json={"key": ada.text}).headers["set-cookie"]


def test_who_may_call_without_a_key(settings: Settings, stored: Jobs, ada: Key) -> None:
    job_id = stored(ada.name)
    with _application(settings) as local:
        assert _client(local).get(f"/jobs/{job_id}").status_code == 200, "on the loopback nobody needs one"
        assert _client(local, Key("", "wrong")).get(f"/jobs/{job_id}").status_code == 200
        for address, status in (
            *(("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 401), ("2001:db8::7", 401)),
            ("unknown", 401),  # as proxies say that do not want to tell
        ):
            client = _client(local, client=(address, 50_000))
            assert client.get("/jobs").status_code == status, "of a stranger that a proxy names, or who reaches uvicorn"
            assert _client(local, ada, client=(address, 50_000)).get("/jobs").status_code == 200


def test_what_is_about_no_job_needs_no_key(app: FastAPI) -> None:
    with _client(app) as client:
        for path in ("/", "/lab", "/docs", "/openapi.json", "/presets", "/info", "/healthz", "/sample", "/avatar/ada"):
            assert client.get(path).status_code == 200, path
    schemes = client.get("/openapi.json").json()["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
