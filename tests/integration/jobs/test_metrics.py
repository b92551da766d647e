"""What an operator sees of the real service: its metrics, its log, and the ids that connect them."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from app.config import Settings
from app.jobs.limits import specify
from app.jobs.record.leases import LeaseStore
from app.jobs.record.publications import Publication
from app.jobs.record.queue import Queue
from app.jobs.record.store import JobStore
from app.jobs.record.tables import events, jobs
from app.jobs.record.values import NewJob, new_id
from app.jobs.specification import JobRequest
from app.jobs.states import Phase, State
from app.jobs.worker.heartbeats import Heartbeats
from tests.conftest import PATIENCE
from tests.integration.jobs.harness import LONG, SHORT, Service, service, until


def _metrics(client: httpx.Client, name: str, **labels: str) -> float | None:
    """Return the value of a metric, or None if there is none with these labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200, answer.text
    samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
    found = [sample.value for sample in samples if sample.name == name and sample.labels == labels]
    return found[0] if found else None


def _lines(running: Service) -> list[dict[str, Any]]:
    """Return the log, every line of which must be an object with a time."""
    lines = [json.loads(line) for line in running.log.read_text().splitlines()]
    assert all(line["time"] and line["message"] for line in lines)
    return lines


def test_the_totals_of_all_jobs(store: JobStore, leases: LeaseStore, queue: Queue, engine: sa.Engine) -> None:
    assert set(store.totals().jobs.values()) == {0}
    assert store.totals()[1:] == (0.0, 0.0, 0, 0, {})
    specification = specify(JobRequest(model="simple_gan"), None, Settings())
    trained, waits, broken = (store.submit(new_id(), NewJob(specification, None, {}, "x")) for _ in range(3))
    lease = leases.acquire(trained["id"], 1)
    assert lease is not None
    again = leases.acquire(trained["id"], 1)  # as after the death of the first worker
    assert again is not None
    leases.publish(again, Publication(values={"phase": Phase.TRAINING, "steps_per_second": 50.0}))
    with engine.begin() as connection:
        connection.execute(sa.update(jobs).where(jobs.c.id == broken["id"]).values(state="odd"))
        long_ago = time.time() - 1_000
        connection.execute(sa.update(events).where(events.c.job == waits["number"]).values(at=long_ago))
    Heartbeats(engine, queue, "me").beat()

    totals = store.totals()
    told = {state: count for state, count in totals.jobs.items() if count}
    assert told == {State.RUNNING: 1, State.QUEUED: 1, State.FAILED: 1}
    assert 1_000 <= totals.oldest_wait < 1_000 + PATIENCE
    assert totals[2:] == (50.0, 1, 1, {"me": 1})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("service"), log="json") as running:
        yield running


def test_metrics_tell_what_was_asked_drawn_and_trained(running: Service) -> None:
    client = running.client
    until(lambda: client.get("/readyz").status_code == 200, "the first face")
    running.wait(running.submit(**SHORT), "succeeded")
    for path in ("/sample", "/sample?random=1", "/sample?seed=1", "/sample?seed=1", "/sample?size=32"):
        assert client.get(path).status_code == 200
    for path in ("/nothing", "/nothing/else", "/jobs/none/of/this"):
        assert client.get(path).status_code == 404
    until(lambda: _metrics(client, "nobody_jobs", state="succeeded") == 1, "the job in the metrics")

    kind = {"method": "GET", "route": "/sample", "status": "200"}
    assert _metrics(client, "nobody_http_requests_total", **kind) == 5
    assert _metrics(client, "nobody_http_request_duration_seconds_count", **kind) == 5
    assert _metrics(client, "nobody_http_request_duration_seconds_bucket", **kind, le="+Inf") == 5
    assert (_metrics(client, "nobody_http_response_bytes_total", **kind) or 0) > 5 * 100
    unknown = {"method": "GET", "route": "unknown", "status": "404"}
    assert _metrics(client, "nobody_http_requests_total", **unknown) == 3
    assert _metrics(client, "nobody_http_requests_total", method="POST", route="/jobs", status="202") == 1
    sha256 = client.get("/info").json()["weights"]["sha256"]
    assert _metrics(client, "nobody_weights_info", sha256=sha256) == 1
    assert (_metrics(client, "nobody_faces_drawn_total") or 0) > (_metrics(client, "nobody_portrait_stock") or 0) > 0
    assert _metrics(client, "nobody_database_up") == _metrics(client, "nobody_workers") == 1
    assert (_metrics(client, "nobody_data_used_bytes") or 0) > 10_000


def test_a_request_id_follows_its_job_to_the_log_of_the_worker(running: Service) -> None:
    client = running.client
    answer = client.post("/jobs", json={"seed": 7} | LONG, headers={"X-Request-Id": "table-3.upload"})
    job = answer.json()
    assert answer.headers["X-Request-Id"] == job["request_id"] == "table-3.upload"
    with client.stream("GET", f"/jobs/{job['id']}/events") as stream:
        assert stream.headers["X-Request-Id"]
        until(lambda: _metrics(client, "nobody_event_streams_open") == 1, "the stream in the metrics")
        until(lambda: _metrics(client, "nobody_training_steps_per_second"), "its speed")
        for trainer in running.trainers():
            trainer.kill()
        until(lambda: _metrics(client, "nobody_job_recoveries") == 1, "the recovery in the metrics")
    until(lambda: _metrics(client, "nobody_event_streams_open") == 0, "the end of the stream")
    running.ask(job, "cancel")
    running.wait(job, "cancelled")
    told = [line for line in _lines(running) if line.get("job") == job["id"]]
    assert ["another one" in line["message"] for line in told] == [True]
    assert told[0]["request_id"] == "table-3.upload"
    assert told[0]["logger"] == "nobody.jobs"


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_an_aborted_upload_is_one_line_in_the_log(running: Service, kind: str) -> None:
    gone = {"method": "POST", "route": "/jobs", "status": "499"}
    before = len(_lines(running))
    seen = _metrics(running.client, "nobody_http_requests_total", **gone) or 0
    url = httpx.URL(running.address)
    with socket.create_connection((url.host, url.port)) as upload:
        head = f"POST /jobs HTTP/1.1\r\nHost: {url.host}\r\nContent-Type: {kind}\r\nContent-Length: 1000000\r\n"
        part = 'Content-Disposition: form-data; name="data"; filename="points.csv"'
        upload.sendall(f"{head}\r\n--x\r\n{part}\r\n\r\n".encode() + b"1,2\n" * 10_000)
    until(lambda: _metrics(running.client, "nobody_http_requests_total", **gone) == seen + 1, "the end of the upload")
    [line] = [line for line in _lines(running)[before:] if line.get("path") != "/metrics"]  # the first one may be slow
    assert line["message"].startswith("POST /jobs: 499 after ")
    assert line["request_id"]


def test_without_a_database_jobs_fail_with_an_id_and_the_metrics_say_so(tmp_path: Path) -> None:
    with service(tmp_path, log="json", database_url="postgresql://127.0.0.1:1/nothing") as running:
        answer = running.client.get("/jobs")
        body = answer.json()
        assert answer.status_code == body["status"] == 503
        told = [line for line in _lines(running) if line.get("request_id") == body["request_id"]]
        assert answer.headers["X-Request-Id"] == body["request_id"]
        assert [line["logger"] for line in told] == ["nobody.jobs", "nobody.requests"]
        assert (told[1]["path"], told[1]["status"], told[1]["level"]) == ("/jobs", 503, "warning")
        assert _metrics(running.client, "nobody_database_up") == 0
        assert _metrics(running.client, "nobody_jobs", state="queued") is None
        assert _metrics(running.client, "nobody_http_requests_total", method="GET", route="/jobs", status="503") == 1
