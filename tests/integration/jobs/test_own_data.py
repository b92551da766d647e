"""Points in the caller's own units, from the request to everything that comes back."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from models.files.weights import read_metadata
from models.networks import fully_connected_GenDiscr
from tests.integration.jobs.harness import SHORT, Json, Service, service

#: A small job for two columns.
JOB = SHORT | {"gen_shape": [2, 8, 2], "batch_size": 200, "seed": 3}
PEOPLE = np.random.default_rng(0).normal([75, 170], [12, 9], (1_000, 2))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Service]:
    with service(folder, concurrent_jobs=1) as running:
        yield running
        running.stop()


def _upload(running: Service, content: bytes, name: str, **job: object) -> Json:
    fields = {"job": json.dumps(JOB | job)}
    answer = running.client.post("/jobs", data=fields, files={"data": (name, content)})
    assert answer.status_code == 202, answer.text
    seen: Json = answer.json()
    return seen


def _rows(text: str) -> Any:
    return np.loadtxt(io.StringIO(text), delimiter=",", skiprows=1)


def test_weights_and_heights_come_back_as_such(running: Service, tmp_path: Path) -> None:
    text = io.StringIO()
    np.savetxt(text, PEOPLE, header="weight height")
    job = _upload(running, text.getvalue().encode(), "people.csv", epochs=2, steps_per_epoch=5)
    assert (job["data"]["rows"], job["data"]["titles"]) == (1_000, ["weight", "height"])
    assert job["data"]["skipped"] == ["1 comment line"]
    job = running.wait(job, "succeeded")
    scale, offset = job["data"]["transform"]["scale"], job["data"]["transform"]["offset"]
    low, high = np.array(offset), np.add(offset, scale)
    assert (low < PEOPLE.min(axis=0)).all()
    assert (high > PEOPLE.max(axis=0)).all()

    ask = {"count": "300", "seed": "1", "format": "csv"}
    path = f"/jobs/{job['id']}/samples"
    csv = running.client.get(path, params=ask).text
    assert csv.startswith("weight,height\n")
    found = _rows(csv)
    listed = running.client.get(path, params=ask | {"format": "json"}).json()["samples"]
    binary = np.load(io.BytesIO(running.client.get(path, params=ask | {"format": "npy"}).content))
    np.testing.assert_array_equal(found, listed)
    np.testing.assert_allclose(binary, found, atol=1e-6)
    for points in (
        found,
        *(event["data"]["generated"] for event in running.events(job) if event["event"] == "snapshot"),
    ):
        assert (np.array(points) >= low).all()
        assert (np.array(points) <= high).all()
    assert (np.abs(found.mean(axis=0) - [75, 170]) < 40).all()
    (data,) = [event["data"] for event in running.events(job) if event["event"] == "data"]
    np.testing.assert_allclose(data["box"], np.stack([low, high], axis=1))
    np.testing.assert_allclose(np.mean(data["real"], axis=0), [75, 170], atol=3)
    assert running.client.get(f"/jobs/{job['id']}/picture.png").status_code == 200

    with zipfile.ZipFile(io.BytesIO(running.client.get(f"/jobs/{job['id']}/weights").content)) as archive:
        archive.extractall(tmp_path)
    assert json.loads((tmp_path / "job.json").read_text())["data"] == job["data"]
    for network in ("generator.h5", "discriminator.h5"):
        metadata = read_metadata(tmp_path / network)
        assert metadata is not None
        assert metadata["column_transform"] == job["data"]["transform"]

    fork = running.client.post(f"/jobs/{job['id']}/fork", json={"epochs": 3}).json()
    assert fork["data"] == job["data"]
    fork = running.wait(fork, "succeeded")
    points = running.client.get(f"/jobs/{fork['id']}/samples", params=ask | {"format": "json"}).json()["samples"]
    assert (np.array(points) >= low).all()


def test_a_large_offset_with_a_small_spread_keeps_its_digits(running: Service) -> None:
    seconds = 1e9 + np.random.default_rng(0).random((300, 1))
    body = JOB | {"gen_shape": [1, 4, 1], "data": {"points": seconds.tolist()}}
    job = running.wait(running.client.post("/jobs", json=body).json(), "succeeded")
    points = running.client.get(f"/jobs/{job['id']}/samples", params={"format": "json"}).json()["samples"]
    assert len(np.unique(points)) > 400
    assert 1e9 - 1 < np.min(points) < np.max(points) < 1e9 + 2
    (data,) = [event["data"] for event in running.events(job) if event["event"] == "data"]
    np.testing.assert_allclose(data["real"], seconds, rtol=0, atol=1e-3)
    assert job["figures"]["sliced_wasserstein"] < 1


def test_an_outlier_and_a_constant_column_are_told(running: Service) -> None:
    points = np.column_stack([PEOPLE[:300], np.full(300, 7.0)])
    points[17, 1] = 1e6
    text = "\n".join(",".join(map(repr, row)) for row in points.tolist())
    job = _upload(running, text.encode(), "people.csv", gen_shape=[2, 8, 3])
    outlier, constant = job["data"]["warnings"]
    assert outlier.startswith("column 2: 1 value far outside the others'")
    assert "such as 1e+06" in outlier
    assert constant.startswith("column 3: 7 in all rows")
    job = running.wait(job, "succeeded")
    made = np.array(running.client.get(f"/jobs/{job['id']}/samples", params={"format": "json"}).json()["samples"])
    assert made[:, 1].max() < 300
    assert (made[:, 2] == 7).all()


def test_a_drawing_is_learnt_where_it_is_dark(running: Service) -> None:
    drawing = Image.new("L", (200, 120), 255)
    ImageDraw.Draw(drawing).ellipse((20, 10, 180, 90), fill=0)
    content = io.BytesIO()
    drawing.save(content, "PNG")
    job = running.wait(_upload(running, content.getvalue(), "a pond.png", epochs=1, steps_per_epoch=2), "succeeded")
    data = job["data"]
    assert (data["name"], data["rows"], data["dimensions"], data["transform"]) == ("a pond", 100_000, 2, None)
    (shown,) = [event["data"] for event in running.events(job) if event["event"] == "data"]
    assert shown["box"] == [[0, 1], [0, 1]]
    x, y = (np.array(shown["real"]) - 0.5).T / 0.45
    assert (x**2 + (2 * y) ** 2 < 1.1).all()
    assert np.hypot(x, 2 * y).max() > 0.9
    again = running.client.post("/jobs", json=JOB | {"data": {"name": "circle", "points": shown["real"]}}).json()
    assert (again["data"]["name"], again["data"]["rows"]) == ("circle", 400)
    cut = {"data": ("x.png", content.getvalue()[:50])}
    refused = running.client.post("/jobs", data={"job": json.dumps(JOB)}, files=cut)
    assert refused.status_code == 422
    assert "damaged or was cut off" in refused.json()["detail"]


def test_a_file_can_be_looked_at_before(running: Service) -> None:
    text = "height,weight\n" + "\n".join(f"{h:.1f},{w:.1f}" for w, h in PEOPLE)
    seen = running.client.post("/jobs/data", files={"data": ("people.csv", text.encode())}).json()
    points = np.array(seen.pop("points"))
    assert seen == {
        "name": "people",
        "rows": 1_000,
        "dimensions": 2,
        "titles": ["height", "weight"],
        "skipped": [],
        "warnings": [],
    }
    np.testing.assert_allclose(points, PEOPLE[:, ::-1], atol=0.1)
    wide = io.BytesIO()
    np.save(wide, np.arange(3_000.0 * 7).reshape(3_000, 7))
    seen = running.client.post("/jobs/data", files={"data": ("wide.npy", wide.getvalue())}).json()
    assert (seen["rows"], seen["dimensions"], len(seen["points"]), len(seen["points"][0])) == (3_000, 7, 2_000, 5)
    np.testing.assert_allclose([seen["points"][0][0], seen["points"][-1][0]], [0, 20_993], atol=5)
    for files, problem in (
        ({"data": ("x.csv", b"1,2\n3,many\n")}, "line 2, column 2"),
        ({"data": ("x.csv", b"1,2\n"), "job": ("job", b"{}")}, "expected a form with one file data"),
        ({"file": ("x.csv", b"1,2\n")}, "expected a form with one file data"),
    ):
        refused = running.client.post("/jobs/data", files=files)
        assert refused.status_code == 422
        assert problem in refused.json()["detail"]


@pytest.mark.parametrize(
    ("shape", "batch", "updates", "dimensions"),
    [
        ([1, 10, 10, 2], 200, 2, 2),
        ([2, 8, 3], 7, 1, 3),
        ([49, 98, 60, 30, 49], 300, 5, 49),
        ([3, 1000, 1000, 1], 9, 9, 1),
    ],
)
def test_a_check_tells_what_a_job_would_be(
    running: Service, shape: list[int], batch: int, updates: int, dimensions: int
) -> None:
    body = {"model": "wgan_gp", "gen_shape": shape, "batch_size": batch, "disc_iter": updates, "epochs": 3}
    outline = {"rows": 300, "dimensions": dimensions}
    told = running.client.post("/jobs/check", json=body, params=outline).json()
    networks = fully_connected_GenDiscr(shape)[:2]
    for name, network in zip(("generator", "discriminator"), networks, strict=True):
        assert told[name]["weights"] == network.count_params()
    assert (told["steps"], told["generator"]["widths"]) == (300, shape)
    assert told["discriminator"]["widths"][0] == dimensions
    weights = told["generator"]["weights"] + told["discriminator"]["weights"]
    numbers = updates * (dimensions + 1) + (updates + 1) * shape[0]
    draws = 2 * min(100 * batch * (4 * numbers + 32 * updates), 2**26)
    assert told["memory"] == 16 * weights + 48 * batch * sum(shape) + 4 * 300 * dimensions + draws
    points = np.zeros((300, dimensions)).tolist()
    assert running.client.post("/jobs/check", json=body | {"data": {"points": points}}).json() == told
    file = {"data": ("p.csv", "\n".join(",".join(map(str, row)) for row in points).encode())}
    assert running.client.post("/jobs/check", data={"job": json.dumps(body)}, files=file).json() == told


def test_a_check_refuses_what_a_submission_refuses(running: Service) -> None:
    def known() -> list[str]:
        return [job["id"] for job in running.client.get("/jobs").json()["jobs"]]

    before = known()
    large = {"gen_shape": [*[1_024] * 9, 5], "data": {"name": "four_clouds", "size": 9_999}}
    for changes, problem in (
        ({"gen_shape": [2, 8, 3]}, "the 5 coordinates"),
        ({"batch_size": 1_001}, "at most the 1,000 real examples"),
        ({"batch_size": 4_096, "disc_iter": 100} | large, "would not fit"),
        ({"data": {"job": "0123456789abcdef"}}, "data.job: there is no job"),
        ({"epochs": 0}, "body.epochs"),
    ):
        answers = [running.client.post(path, json={"model": "wgan_gp"} | changes) for path in ("/jobs/check", "/jobs")]
        assert [answer.status_code for answer in answers] == [422, 422], changes
        checked, submitted = (answer.json() | {"request_id": ""} for answer in answers)
        assert problem in checked["detail"]
        assert checked == submitted
    assert known() == before
    few = running.client.post("/jobs/check", json={"model": "wgan_gp"}, params={"rows": 50})
    assert few.json()["detail"] == "batch_size: expected at most the 50 real examples, got 200"


def test_the_data_of_a_job_can_be_learnt_again(running: Service, folder: Path) -> None:
    first = _upload(running, "\n".join(f"{w},{h}" for w, h in PEOPLE).encode(), "people.csv")
    body = JOB | {"data": {"job": first["id"]}, "name": "again"}
    again = running.client.post("/jobs", json=body, headers={"Idempotency-Key": "again"}).json()
    assert running.client.post("/jobs", json=body, headers={"Idempotency-Key": "again"}).json()["id"] == again["id"]
    assert (again["data"], again["parent"], again["first_step"]) == (first["data"], None, 0)
    first, again = (running.wait(job, "succeeded") for job in (first, again))
    assert again["losses"] == first["losses"]
    toy = running.submit(**SHORT | {"data": {"name": "four_clouds", "size": 1_000}})
    same = running.client.post("/jobs", json=SHORT | {"data": {"job": toy["id"]}}).json()
    assert same["data"] == running.wait(toy, "succeeded")["data"]
    running.wait(same, "succeeded")

    unknown = running.client.post("/jobs", json=JOB | {"data": {"job": "0123456789abcdef"}})
    assert (unknown.status_code, unknown.json()["detail"][:45]) == (
        422,
        "data.job: there is no job '0123456789abcdef';",
    )
    narrow = running.client.post("/jobs", json=JOB | {"gen_shape": [2, 8, 3], "data": {"job": first["id"]}})
    assert "the 2 coordinates" in narrow.json()["detail"]
    (folder / "data" / "jobs" / first["id"] / "points.npy").unlink()
    gone = running.client.post("/jobs", json=body)
    assert (gone.status_code, gone.json()["detail"][:30]) == (409, f"data.job: the points of job {first['id']}"[:30])


def test_left_as_they_are_points_are_trained_on_or_refused(running: Service) -> None:
    inside = np.random.default_rng(0).random((300, 2))
    body = JOB | {"normalize": False, "data": {"points": inside.tolist()}}
    job = running.client.post("/jobs", json=body).json()
    assert job["data"]["transform"] is None
    running.wait(job, "succeeded")
    (data,) = [event["data"] for event in running.events(job) if event["event"] == "data"]
    np.testing.assert_allclose(data["real"], inside, atol=1e-4)
    assert data["box"] == [[0, 1], [0, 1]]
    refused = running.client.post("/jobs", json=body | {"data": {"points": PEOPLE[:300].tolist()}})
    assert refused.status_code == 422
    assert "expected numbers in 0 … 1" in refused.json()["detail"]
    assert "column 1" in refused.json()["detail"]
