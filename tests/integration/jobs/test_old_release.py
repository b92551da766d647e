"""Data of releases 0.1 and 0.2 are read, and their unfinished jobs finish with the results of that release.

Real services wrote them, and were killed: ``tests/golden/README.md`` says how.
"""

import io
import itertools
import json
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psycopg
import pytest
from PIL import Image

from tests.integration import recorded
from tests.integration.jobs.harness import Json, Program, Service, check_events, same, service
from tests.integration.jobs.postgresql import PostgreSQL

RELEASE = Path(__file__).resolve().parents[2] / "golden" / "release-0.1"
#: Jobs that had ended.
ENDED = ("cancelled", "failed", "fork", "own", "simple_gan", "wgan_clip", "wgan_gp", "whole")


def _unpack(name: str, folder: Path, release: Path = RELEASE) -> Path:
    with tarfile.open(release / name) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _unpack("data.tar.xz", tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Service]:
    with service(folder, concurrent_jobs=1) as running:
        yield running
        running.stop()


@pytest.fixture(scope="module")
def jobs(running: Service) -> dict[str, Json]:
    """Return the jobs by name, as they are listed at first."""
    listed = running.client.get("/jobs").json()
    assert listed["next"] is None
    return {job["name"]: job for job in listed["jobs"]}


def test_all_jobs_are_listed(jobs: dict[str, Json]) -> None:
    assert sorted(jobs) == sorted([*ENDED, "interrupted", "paused", "queued"])
    recorded.check("old_jobs", {name: jobs[name] for name in (*ENDED, "paused")}, depends_on_machine=False)


def test_results_can_be_read(running: Service, jobs: dict[str, Json]) -> None:
    facts: Json = {}
    for name in ENDED:
        path = f"/jobs/{jobs[name]['id']}"
        csv, listed = (running.client.get(f"{path}/history?format={form}") for form in ("csv", "json"))
        events = running.events(jobs[name])
        facts[name] = {
            "history": [csv.headers["content-type"], *csv.text.splitlines()[:6]],
            "losses": {loss: len(values) for loss, values in listed.json()["losses"].items()},
            "events": [[event["id"], event["event"], list(event["data"])] for event in events[:5] + events[-3:]],
        }
    recorded.check("old_results", facts, depends_on_machine=False)


def test_samples_pictures_and_weights_can_be_taken(running: Service, folder: Path, jobs: dict[str, Json]) -> None:
    facts: Json = {}
    for name in set(ENDED) - {"cancelled"}:
        path = f"/jobs/{jobs[name]['id']}"
        csv, listed, npy = (
            running.client.get(f"{path}/samples?count=20&seed=1&format={form}") for form in ("csv", "json", "npy")
        )
        picture = running.client.get(f"{path}/picture.png?size=400")
        archive = zipfile.ZipFile(io.BytesIO(running.client.get(f"{path}/weights").content))
        with np.load(folder / "data" / "jobs" / jobs[name]["id"] / "weights-1" / "generator.npz") as layers:
            members = layers.files
        facts[name] = {
            "csv": csv.text.splitlines()[0],
            "rows": recorded.array(np.loadtxt(io.StringIO(csv.text), delimiter=",", skiprows=1)),
            "json": [list(listed.json()), listed.headers["x-seed"]],
            "samples": recorded.array(listed.json()["samples"]),
            "npy": recorded.array(np.load(io.BytesIO(npy.content))),
            "picture": [picture.headers["content-type"], Image.open(io.BytesIO(picture.content)).width],
            "weights": archive.namelist(),
            "layers": members,
        }
    recorded.check("old_networks", dict(sorted(facts.items())))
    film = running.client.get(f"/jobs/{jobs['own']['id']}/film?size=300")
    assert Image.open(io.BytesIO(film.content)).format == "GIF"


def test_jobs_that_waited_or_were_interrupted_finish(running: Service, folder: Path, jobs: dict[str, Json]) -> None:
    whole = running.result(jobs["whole"], folder / "data")
    seen = running.ask(jobs["paused"], "resume")
    assert seen["status"] == "queued"
    for name in ("interrupted", "paused"):
        job = running.wait(jobs[name], "succeeded")
        check_events(running.events(job), job["steps"])
        result = running.result(job, folder / "data")
        if recorded.on_the_same_machine("old_networks"):
            same(result, whole)
        else:
            assert result.keys() == whole.keys()
            np.testing.assert_array_equal(result["losses/gp"][:240], whole["losses/gp"][:240])
    assert running.look(jobs["interrupted"])["recoveries"] == 1
    running.wait(jobs["queued"], "succeeded")


def test_the_same_jobs_give_the_same_results_again(running: Service, folder: Path, jobs: dict[str, Json]) -> None:
    short = {"epochs": 1, "steps_per_epoch": 5, "batch_size": 50}
    again = {"wgan_clip": running.submit(model="wgan_clip", data=jobs["wgan_clip"]["data"], **short)}
    body = json.dumps({"model": "simple_gan", "latent_type": "uniform", "seed": 3} | short)
    upload = {"data": ("people.csv", (folder / "people.csv").read_text())}
    again["own"] = running.client.post("/jobs", data={"job": body}, files=upload).json()
    assert again["own"]["data"] == jobs["own"]["data"] | {"name": "people"}  # which it was not given then
    for name, job in again.items():
        running.wait(job, "succeeded")
        result, known = (running.result(each, folder / "data") for each in (job, jobs[name]))
        if recorded.on_the_same_machine("old_networks"):
            same(result, known)
        for key, values in known.items():
            np.testing.assert_allclose(result[key], values, rtol=0.02, atol=1e-3, err_msg=key)


def test_a_postgresql_database_is_read_and_its_interrupted_job_finishes(folder: Path, tmp_path: Path) -> None:
    _unpack("postgresql.tar.xz", tmp_path)
    dump = (tmp_path / "dump.sql").read_text()
    with tempfile.TemporaryDirectory(prefix="nobody-") as place, ExitStack() as stack:
        server = PostgreSQL(Path(place) / "postgresql")
        stack.callback(server.stop)
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(re.sub(r"^\\.*", "", dump, flags=re.MULTILINE).encode())
        settings = {"database_url": server.url, "concurrent_jobs": 1}
        worker = Program("worker", tmp_path / "worker.log", data=tmp_path / "data", **settings)
        stack.callback(worker.end)
        worker.said("ready for 1 jobs")
        assert not list((tmp_path / "data").glob("jobs/*")), "their files are in the database now"
        running = stack.enter_context(service(tmp_path / "elsewhere", **settings))
        jobs = {job["name"]: job for job in running.client.get("/jobs").json()["jobs"]}
        assert sorted(jobs) == ["done", "interrupted", "queued"]
        assert jobs["done"]["status"] == "succeeded"
        for name in ("interrupted", "queued"):
            job = running.wait(jobs[name], "succeeded")
            check_events(running.events(job), job["steps"])
        result = running.result(jobs["interrupted"], server)
        assert running.client.get(f"/jobs/{jobs['done']['id']}/weights").status_code == 200
        assert running.client.get(f"/jobs/{jobs['done']['id']}/film?size=300").status_code == 200
    (whole,) = folder.glob("data/jobs/*/checkpoints/000000800-1.npz")
    with np.load(whole) as arrays:
        assert result.keys() - {"losses/discr_loss", "losses/gen_loss", "losses/gp"} == set(arrays)
        if recorded.on_the_same_machine("old_networks"):
            same({name: result[name] for name in arrays}, dict(arrays))


def test_a_folder_of_release_0_2_is_read_and_its_interrupted_job_finishes(tmp_path: Path) -> None:
    folder = _unpack("data.tar.xz", tmp_path, RELEASE.with_name("release-0.2"))
    with service(folder, concurrent_jobs=1) as running:
        jobs = {job["name"]: job for job in running.client.get("/jobs").json()["jobs"]}
        assert sorted(jobs) == ["interrupted", "own", "queued", "whole"]
        for name, what in itertools.product(("own", "whole"), ("history", "picture.png", "samples?count=5", "weights")):
            assert running.client.get(f"/jobs/{jobs[name]['id']}/{what}").status_code == 200, (name, what)
        csv = running.client.get(f"/jobs/{jobs['own']['id']}/samples?count=100&format=csv").text
        weights, heights = np.loadtxt(io.StringIO(csv), delimiter=",", skiprows=1).T
        assert 50 < weights.min() < weights.max() < 100 < heights.min(), "in kilograms and centimetres"
        points = np.load(io.BytesIO(running.client.get(f"/jobs/{jobs['own']['id']}/points").content))
        assert points.shape == (4, 2)

        whole = running.result(jobs["whole"], folder / "data")
        for name in ("interrupted", "queued"):
            job = running.wait(jobs[name], "succeeded")
            check_events(running.events(job), job["steps"])
        assert running.look(jobs["interrupted"])["recoveries"] == 1
        result = running.result(jobs["interrupted"], folder / "data")
        np.testing.assert_array_equal(result["losses/gen_loss"][:400], whole["losses/gen_loss"][:400])
        if recorded.on_the_same_machine("old_networks"):
            same(result, whole)
        running.stop()
