"""What may be asked for."""

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.conftest import ROOT
from tests.integration.jobs.harness import SHORT, Service, run, service


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("requests")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Service]:
    with service(folder, max_queued_jobs=30, concurrent_jobs=1) as running:
        yield running
        running.stop()


def _upload(running: Service, content: bytes, name: str = "points.csv", **job: object) -> httpx.Response:
    fields = {"job": json.dumps({"model": "simple_gan", "epochs": 1, "steps_per_epoch": 1} | job)}
    return running.client.post("/jobs", data=fields, files={"data": (name, content)})


def _npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def test_uploads(running: Service, folder: Path) -> None:
    points = np.random.default_rng(0).random((300, 3))
    text = "x,y,z\n" + "\n".join(",".join(map(str, row)) for row in points)
    for content, name in ((text.encode(), "points.csv"), (_npy(points), "points.npy")):
        answer = _upload(running, content, name)
        assert answer.status_code == 202, answer.text
        job = running.wait(answer.json(), "succeeded")
        assert (job["data"]["rows"], job["data"]["dimensions"]) == (300, 3)
        assert job["gen_shape"] == [2, 10, 10, 3]
        stored = np.load(folder / "data" / "jobs" / job["id"] / "points.npy")
        back = stored * job["data"]["transform"]["scale"] + job["data"]["transform"]["offset"]
        np.testing.assert_allclose(back, points, atol=1e-6)
        assert set(job["figures"]) == {"sliced_wasserstein"}
    body = {"model": "simple_gan", "epochs": 1, "steps_per_epoch": 1, "data": {"points": points.tolist()}}
    same = running.client.post("/jobs", json=body)
    running.wait(same.json(), "succeeded")
    ours, theirs = (running.result(one, folder / "data") for one in (same.json(), job))
    np.testing.assert_array_equal(ours["generator/0"], theirs["generator/0"])


def test_samples_have_a_limit(running: Service) -> None:
    small = {"gen_shape": [2, 8, 100], "disc_iter": 1}
    job = running.wait(_upload(running, _npy(np.zeros((250, 100))), "p.npy", **small).json(), "succeeded")
    answer = running.client.get(f"/jobs/{job['id']}/samples", params={"count": 20_001})
    assert answer.status_code == 422
    assert "2,000,000" in answer.json()["detail"]
    assert running.client.get(f"/jobs/{job['id']}/samples", params={"count": 20_000}).status_code == 200


def test_the_script_of_a_job_gives_its_losses(running: Service, tmp_path: Path) -> None:
    own = running.wait(_upload(running, _npy(np.random.default_rng(1).random((2_001, 2)))).json(), "succeeded")
    toy = running.wait(running.submit(**SHORT | {"steps_per_epoch": 70, "name": "a\n$(b)'"}), "succeeded")
    points = running.client.get(f"/jobs/{own['id']}/points")
    assert points.headers["content-disposition"].endswith(f'filename="job-{own["id"]}-points.npy"')
    scripts = []
    for job in (own, toy):
        folder = tmp_path / job["id"]
        folder.mkdir()
        (folder / f"job-{own['id']}-points.npy").write_bytes(points.content)
        (folder / "run.py").write_text(running.client.get(f"/jobs/{job['id']}/script").text)
        scripts.append(str(folder))
    both = "import os, runpy, sys\nfor folder in sys.argv[1:]:\n os.chdir(folder)\n runpy.run_path('run.py')"
    done = run(sys.executable, "-c", both, *scripts, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    for job in (own, toy):
        history = running.client.get(f"/jobs/{job['id']}/history", params={"format": "csv"}).text
        assert (tmp_path / job["id"] / "losses.csv").read_text() == history
        assert len(history.splitlines()) == 1 + job["steps"]

        command = running.client.get(f"/jobs/{job['id']}/script", params={"format": "curl"}).text
        sent = run("sh", "-c", command)
        assert sent.returncode == 0, sent.stderr
        again = running.wait(json.loads(sent.stdout), "succeeded")
        assert again["name"] == job["name"]
        assert running.client.get(f"/jobs/{again['id']}/history", params={"format": "csv"}).text == history

    answer = running.client.get(f"/jobs/{toy['id']}/points")
    assert (answer.status_code, "toy distribution" in answer.json()["detail"]) == (409, True)
    fork = running.client.post(f"/jobs/{toy['id']}/fork", json={"steps_per_epoch": 71}).json()
    answer = running.client.get(f"/jobs/{fork['id']}/script")
    assert (answer.status_code, "format=curl" in answer.json()["detail"]) == (409, True)
    assert f"/jobs/{toy['id']}/fork" in running.client.get(f"/jobs/{fork['id']}/script?format=curl").text
    running.wait(fork, "succeeded")


def test_jobs_are_renamed_found_and_deleted_together(running: Service) -> None:
    one, two = (running.wait(running.submit(**SHORT, name=name), "succeeded") for name in ("old", "Old hat"))
    for name, status in (("new", 200), (None, 200), (200 * "x", 200), (201 * "x", 422), ("\ud800", 422), (5, 422)):
        body = json.dumps({"name": name})  # httpx sends no lone surrogate
        answer = running.client.patch(f"/jobs/{one['id']}", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == status, (name, answer.text)
        assert status != 200 or answer.json()["name"] == name
    assert running.client.patch(f"/jobs/{one['id']}", json={}).status_code == 422
    assert running.client.patch(f"/jobs/{'0' * 16}", json={"name": "x"}).status_code == 404
    found = running.client.get("/jobs", params={"search": "OLD h"}).json()
    assert [job["id"] for job in found["jobs"]] == [two["id"]]
    assert running.client.get("/jobs", params={"search": 201 * "x"}).status_code == 422

    for query in ("", "?owner=a&id=b"):
        answer = running.client.delete(f"/jobs{query}")
        assert (answer.status_code, "either owner or id" in answer.json()["detail"]) == (422, True)
    ids = [one["id"], "0" * 16, two["id"]]
    assert running.client.delete("/jobs", params={"id": ids}).json() == {"deleted": [one["id"], two["id"]]}
    assert running.client.get(f"/jobs/{one['id']}").status_code == 404


def test_idempotency(running: Service) -> None:
    body = SHORT
    key = {"Idempotency-Key": "once"}
    first, again = (running.client.post("/jobs", json=body, headers=key) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    other = running.client.post("/jobs", json=body | {"epochs": 2}, headers=key)
    assert other.status_code == 422
    assert first.json()["id"] in other.json()["detail"]


def test_pages_of_jobs(running: Service) -> None:
    made = [running.submit(**SHORT, name=f"page {i}")["id"] for i in range(5)]
    for job in made:
        running.wait({"id": job}, "succeeded")
    seen: list[str] = []
    after: str | None = None
    while len(seen) < 5:
        query = "limit=2&status=succeeded&status=failed" + (f"&after={after}" if after else "")
        page = running.client.get(f"/jobs?{query}").json()
        seen += [job["id"] for job in page["jobs"]]
        after = page["next"]
    assert seen[:5] == made[::-1]
    assert running.client.get("/jobs", params={"status": "failed"}).json() == {"jobs": [], "next": None}
    assert running.client.get("/jobs", params={"status": "finished"}).status_code == 422
    assert running.client.get("/jobs", params={"after": "0" * 16}).status_code == 404


def test_info_tells_the_limits(running: Service) -> None:
    limits = running.client.get("/info").json()["jobs"]
    assert limits["max_queued_jobs"] == 30
    assert set(limits) >= {"concurrent_jobs", "max_steps", "max_width", "max_depth", "job_memory", "job_seconds"}
