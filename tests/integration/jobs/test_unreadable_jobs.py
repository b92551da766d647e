"""A job whose stored row cannot be read disturbs nobody, says what is wrong with it, and can be deleted."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.jobs.record.leases import LeaseStore
from app.jobs.record.queue import Queue
from app.jobs.worker.processes import WarmProcesses
from app.jobs.worker.supervisor import JobSupervisor
from app.main import create_app
from tests.integration.jobs.harness import LONG, SHORT, Json, service

#: The one that is damaged, and another one beside it.
BAD, GOOD = "job", "good"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def client(data: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data=data)), client=("127.0.0.1", 50_000)) as client:
        yield client


@pytest.fixture(scope="module")
def settings(data: Path) -> Settings:
    return Settings(data=data)  # SQLite: PostgreSQL stores no broken JSON, and no text for a number


@pytest.fixture
def jobs(client: TestClient) -> Iterator[dict[str, str]]:
    """Yield the ids of two jobs that wait, and leave none."""
    bodies = {name: {"model": "wgan_gp", "name": name} for name in (BAD, GOOD)}
    yield {name: client.post("/jobs", json=body).json()["id"] for name, body in bodies.items()}
    for job in client.get("/jobs").json()["jobs"]:
        client.post(f"/jobs/{job['id']}/cancel")
        assert client.delete(f"/jobs/{job['id']}").status_code == 204
    assert client.get("/jobs").json()["jobs"] == []


def _write(data: Path, job: str, **values: object) -> None:
    """Change a stored row behind the service's back."""
    with closing(sqlite3.connect(data / "jobs.sqlite", timeout=30)) as database, database:
        database.execute("PRAGMA ignore_check_constraints=ON")
        for name, value in values.items():
            database.execute(f"UPDATE jobs SET {name} = ? WHERE id = ?", (value, job))


def _specification(**changes: object) -> str:
    """Return a specification with changes; one that is `...` is left out."""
    whole = {
        "epochs": 16,
        "steps_per_epoch": 100,
        "batch_size": 200,
        "disc_iter": 2,
        "learning_rate": 0.005,
        "lambda_gp": 10.0,
        "clip": 1.0,
        "model": "wgan_gp",
        "data": {"name": "four_clouds", "size": 1000, "noise": None},
        "gen_shape": [2, 10, 10, 5],
        "latent_type": "normal",
        "seed": 0,
    } | changes
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


DAMAGE: dict[str, dict[str, object]] = {
    "an unknown setting": {"specification": _specification(normalise=True)},
    "an unknown setting of the data": {"specification": _specification(data={"name": "circle", "shape": 3})},
    "a setting out of range": {"specification": _specification(learning_rate=7)},
    "a negative setting": {"specification": _specification(epochs=-1)},
    "no model": {"specification": _specification(model=...)},
    "an unknown model": {"specification": _specification(model="vae")},
    "no data": {"specification": _specification(data=...)},
    "unknown data": {"specification": _specification(data={"name": "square"})},
    "data that are none": {"specification": _specification(data=3)},
    "no widths": {"specification": _specification(gen_shape=...)},
    "widths that are none": {"specification": _specification(gen_shape="2,10,10,5")},
    "an unknown latent type": {"specification": _specification(latent_type="cauchy")},
    "a setting of another type": {"specification": _specification(epochs="many")},
    "a setting that is null": {"specification": _specification(seed=None)},
    "broken JSON": {"specification": '{"model": "wgan_gp", '},
    "no JSON": {"specification": "wgan_gp"},
    "JSON that is no object": {"specification": "[1, 2]"},
    "JSON null": {"specification": "null"},
    "JSON of a number": {"specification": "5"},
    "an empty text": {"specification": ""},
    "bytes for JSON": {"specification": b"\xff\xfe\x00"},
    "endlessly nested JSON": {"specification": "[" * 100_000},
    "a number beyond all measure": {"specification": '{"epochs": ' + "9" * 5_000 + "}"},
    "an unknown status": {"state": "evaluating"},
    "an empty status": {"state": ""},
    "a status of bytes": {"state": b"\xff"},
    "a step that is a text": {"step": "ninety"},
    "a negative number of steps": {"steps": -5},
    "a run that is a text": {"run": "one"},
    "a time that is a text": {"created": "yesterday"},
    "a time that never comes": {"created": 1e300},
    "kept checkpoints that are broken JSON": {"kept_checkpoints": "{"},
    "kept checkpoints that are a list": {"kept_checkpoints": "[1]"},
    "kept checkpoints of no step": {"kept_checkpoints": '{"last": "x.npz"}'},
    "an event that is a text": {"last_event": "third"},
}

#: Damage to what a job can do without.
SCRATCHES: dict[str, dict[str, object]] = {
    "metadata that are broken JSON": {"metadata": "{"},
    "metadata that are a list": {"metadata": "[]"},
    "losses that are broken JSON": {"losses": "{"},
    "losses that are texts": {"losses": '{"gp": "high"}'},
    "figures that are a list": {"figures": "[]"},
    "a name of bytes": {"name": b"\xff"},
    "a name of damaged text": {"name": "x"},
    "a speed that is a text": {"steps_per_second": "fast"},
    "a start in the year 10,000": {"started": 1e12},
    "a parent without a step": {"parent": "0123456789abcdef"},
    "a checkpoint without a step": {"checkpoint": "000000100-1.npz"},
}

STATES = ("queued", "running", "pausing", "paused", "cancelling")


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_an_unreadable_job_is_listed_as_failed_and_refuses_all_but_its_deletion(
    damage: dict[str, object], client: TestClient, data: Path, jobs: dict[str, str]
) -> None:
    bad = jobs[BAD]
    _write(data, bad, **{"state": "running"} | damage)

    listed = {job["id"]: job for job in client.get("/jobs").json()["jobs"]}
    assert listed[jobs[GOOD]]["status"] == "queued", "the others are as they were"
    assert (listed[bad]["status"], listed[bad]["queue_position"]) == ("failed", None)
    assert "cannot be read" in listed[bad]["error"]
    assert next(iter(damage)).replace("state", "state") in listed[bad]["error"]
    assert client.get(f"/jobs/{bad}").json() == listed[bad]
    assert [job["id"] for job in client.get("/jobs?status=failed").json()["jobs"]] == [bad]
    assert client.get("/jobs?status=running").json()["jobs"] == []
    first = client.get("/jobs?limit=1").json()
    assert [job["id"] for job in client.get(f"/jobs?after={first['next']}").json()["jobs"]] == [bad]

    for wish in ("cancel", "pause", "resume"):
        answer = client.post(f"/jobs/{bad}/{wish}")
        assert (answer.status_code, answer.json()["detail"][:17]) == (409, "the job is failed")
    refused = {
        "fork": client.post(f"/jobs/{bad}/fork", json={}),
        "picture": client.get(f"/jobs/{bad}/picture.png"),
        "film": client.get(f"/jobs/{bad}/film"),
        "samples": client.get(f"/jobs/{bad}/samples"),
        "history": client.get(f"/jobs/{bad}/history"),
    }
    for what, answer in refused.items():
        assert (what, answer.status_code) == (what, 409)
        assert "cannot be read" in answer.json()["detail"]
    assert client.get(f"/jobs/{bad}/weights").status_code == 409
    seen = client.get(f"/jobs/{bad}/events", headers={"Accept": "application/json"}).json()
    assert [event["event"] for event in seen["events"]] == ["state"]
    client.get(f"/jobs/{bad}/events")  # the stream comes to an end

    assert client.delete(f"/jobs/{bad}").status_code == 204
    assert client.get(f"/jobs/{bad}").status_code == 404
    assert client.get(f"/jobs/{jobs[GOOD]}").json() == listed[jobs[GOOD]]


@pytest.mark.parametrize("scratch", SCRATCHES.values(), ids=SCRATCHES)
def test_a_job_is_not_lost_for_what_it_can_do_without(
    scratch: dict[str, object], client: TestClient, data: Path, jobs: dict[str, str]
) -> None:
    bad = jobs[BAD]
    before = client.get(f"/jobs/{bad}").json()
    _write(data, bad, **scratch)
    after = client.get(f"/jobs/{bad}").json()
    assert (after["status"], after["error"], after["model"]) == ("queued", None, "wgan_gp")
    changed = {name for name in before if after[name] != before[name]}
    assert changed <= {next(iter(scratch)), "checkpoints"}
    assert len(client.get("/jobs").json()["jobs"]) == 2


@pytest.mark.parametrize("state", ["succeeded", "cancelled"])
@pytest.mark.parametrize("change", [{"normalise": True}, {"learning_rate": 7}, {"clip": ...}, {"data": {"name": "x"}}])
def test_a_job_that_has_ended_is_read_whatever_a_new_one_may_be(
    state: str, change: dict[str, Any], client: TestClient, data: Path, jobs: dict[str, str]
) -> None:
    bad = jobs[BAD]
    _write(data, bad, state=state, specification=_specification(**change))
    seen = client.get(f"/jobs/{bad}").json()
    assert (seen["status"], seen["error"], seen["model"]) == (state, None, "wgan_gp")
    known = {name: 1.0 if value is ... else value for name, value in change.items() if name != "normalise"}
    assert all(seen[name] == value for name, value in known.items()), (
        "what an older release did not store is the default"
    )
    assert client.get(f"/jobs/{bad}/history").status_code == 200
    fork = client.post(f"/jobs/{bad}/fork", json={})
    assert fork.status_code == 409


@pytest.mark.parametrize("state", ["succeeded", "paused"])
@pytest.mark.parametrize("name", ["batch_size", "disc_iter", "epochs", "model", "gen_shape", "learning_rate"])
@pytest.mark.parametrize("value", ["x", None, -1, 0, 10**400, [1], {}], ids=lambda value: str(value)[:9])
def test_settings_of_another_job_do_not_disturb_the_estimate_of_one_that_waits(
    name: str, value: object, state: str, client: TestClient, data: Path, jobs: dict[str, str]
) -> None:
    damaged = _specification(**{name: value})
    _write(data, jobs[BAD], state=state, specification=damaged, step=100, seconds=10.0, started=1.0)
    listed = client.get("/jobs")
    assert listed.status_code == 200
    assert {job["status"] for job in listed.json()["jobs"]} >= {"queued"}
    assert client.get(f"/jobs/{jobs[GOOD]}").json()["queue_position"] == 0


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_worker_ends_an_unreadable_job_with_a_reason(
    damage: dict[str, object],
    state: str,
    data: Path,
    client: TestClient,
    queue: Queue,
    leases: LeaseStore,
    jobs: dict[str, str],
) -> None:
    _write(data, jobs[BAD], **{"state": state} | damage)
    supervisor = JobSupervisor(leases, WarmProcesses(1), Settings(data=data), threading.Event())
    supervisor.run(jobs[BAD], 1)  # as the queue would have it done
    queue.delete_runs(jobs[BAD])
    leases.repair()  # what comes of those that run() is not called for
    with closing(sqlite3.connect(data / "jobs.sqlite")) as database:
        stored = database.execute("SELECT state, error FROM jobs WHERE id = ?", (jobs[BAD],)).fetchone()
    if state == "paused" and "state" not in damage:
        assert stored == ("paused", None), "nobody works on it"
    else:
        assert stored[0] == "failed"
        assert "cannot be read" in stored[1]
    seen = client.get(f"/jobs/{jobs[BAD]}").json()
    assert seen["status"] == "failed"
    assert client.get(f"/jobs/{jobs[GOOD]}").json()["status"] == "queued"


def test_a_damaged_event_and_damaged_losses(client: TestClient, data: Path, jobs: dict[str, str]) -> None:
    bad = jobs[BAD]
    with closing(sqlite3.connect(data / "jobs.sqlite", timeout=30)) as database, database:
        (number,) = database.execute("SELECT number FROM jobs WHERE id = ?", (bad,)).fetchone()
        database.execute("UPDATE job_events SET data = '{' WHERE job = ?", (number,))
        database.execute("INSERT INTO job_losses VALUES (?, 5, ?)", (number, b"12345"))
    answer = client.get(f"/jobs/{bad}/events", headers={"Accept": "application/json"})
    assert answer.json()["events"][0]["data"] == {}
    history = client.get(f"/jobs/{bad}/history")
    assert (history.status_code, history.json()["detail"]) == (409, "the stored losses of the job are damaged")


@pytest.mark.parametrize(("column", "value"), [("at", "x"), ("at", 1e300), ("kind", b"\xff"), ("kind", 'a"b')])
def test_an_event_with_a_damaged_time_or_kind(
    column: str, value: object, client: TestClient, data: Path, jobs: dict[str, str]
) -> None:
    bad = jobs[BAD]
    with closing(sqlite3.connect(data / "jobs.sqlite", timeout=30)) as database, database:
        (number,) = database.execute("SELECT number FROM jobs WHERE id = ?", (bad,)).fetchone()
        database.execute(f"UPDATE job_events SET {column} = ? WHERE job = ?", (value, number))
    answer = client.get(f"/jobs/{bad}/events", headers={"Accept": "application/json"})
    assert [event["id"] for event in answer.json()["events"]] == [1]


def test_the_events_of_an_ended_job_end_although_some_are_lost(
    client: TestClient, data: Path, jobs: dict[str, str]
) -> None:
    bad = jobs[BAD]
    _write(data, bad, state="succeeded", last_event=7)
    seen = client.get(f"/jobs/{bad}/events", headers={"Accept": "application/json"}).json()
    assert (seen["last"], seen["ended"]) == (1, True)
    assert client.get(f"/jobs/{bad}/events?after=1").text == ""


def test_unreadable_jobs_of_a_running_service(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        paused: list[Json] = []
        for name in ("an unknown setting", "no model", "broken JSON"):
            job = running.submit(**LONG, name=name)
            running.ask(job, "pause")
            running.wait(job, "paused")
            _write(tmp_path / "data", job["id"], **DAMAGE[name])
            paused.append(job)
        fine = running.submit(**SHORT)
        running.wait(fine, "succeeded")
        assert [job["status"] for job in running.client.get("/jobs").json()["jobs"]] == ["succeeded"] + 3 * ["failed"]

        # As a crash would leave them.
        running.stop()
        for job in paused:
            _write(tmp_path / "data", job["id"], state="running")
        running.restart()
        for job in paused:
            assert "cannot be read" in running.wait(job, "failed")["error"]
            assert running.client.delete(f"/jobs/{job['id']}").status_code == 204
        assert running.look(fine)["status"] == "succeeded"
        running.stop()
