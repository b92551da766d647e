"""How bad requests are answered, while a job runs that must not notice them."""

import io
import json
import socket
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import psutil
import pytest

from tests.integration.jobs.harness import LONG, SHORT, Json, Service, service

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("refused"), max_queued_jobs=2, concurrent_jobs=1, max_upload=2) as running:
        yield running
        running.stop()


@pytest.fixture(scope="module")
def bystander(running: Service) -> Iterator[Json]:
    """Yield a job that runs beside all the bad requests, and must not notice them."""
    job = running.submit(**LONG)
    running.wait(job, "running")
    yield job
    seen = running.look(job)
    assert (seen["status"], seen["recoveries"]) == ("running", 0)
    running.ask(job, "cancel")
    running.wait(job, "cancelled")


BAD_BODIES: dict[str, tuple[object, str]] = {
    "no model": ({}, "model"),
    "unknown model": ({"model": "vae"}, "simple_gan"),
    "unknown field": ({"model": "wgan_gp", "learning_rte": 1}, "learning_rte"),
    "unknown data": ({"model": "wgan_gp", "data": {"name": "square"}}, "four_clouds"),
    "data of no kind": ({"model": "wgan_gp", "data": 3}, "data"),
    "size 0": ({"model": "wgan_gp", "data": {"name": "circle", "size": 0}}, "size"),
    "size beyond the limit": ({"model": "wgan_gp", "data": {"name": "circle", "size": 100_001}}, "100,000"),
    "negative noise": ({"model": "wgan_gp", "data": {"name": "circle", "noise": -1}}, "noise"),
    "epochs 0": ({"model": "wgan_gp", "epochs": 0}, "epochs"),
    "epochs as text": ({"model": "wgan_gp", "epochs": "many"}, "epochs"),
    "epochs as fraction": ({"model": "wgan_gp", "epochs": 1.5}, "epochs"),
    "too many steps": ({"model": "wgan_gp", "epochs": 10_001}, "1,000,000"),
    "steps_per_epoch 0": ({"model": "wgan_gp", "steps_per_epoch": 0}, "steps_per_epoch"),
    "batch_size 0": ({"model": "wgan_gp", "batch_size": 0}, "batch_size"),
    "batch beyond the data": ({"model": "wgan_gp", "batch_size": 1_001}, "1,000 real examples"),
    "batch beyond the limit": (
        {"model": "wgan_gp", "batch_size": 5_000, "data": {"name": "circle", "size": 9_000}},
        "4,096",
    ),
    "disc_iter 0": ({"model": "wgan_gp", "disc_iter": 0}, "disc_iter"),
    "learning rate 0": ({"model": "wgan_gp", "learning_rate": 0}, "learning_rate"),
    "learning rate 2": ({"model": "wgan_gp", "learning_rate": 2}, "learning_rate"),
    "disc_iter 101": ({"model": "wgan_gp", "disc_iter": 101}, "disc_iter"),
    "lambda beyond all measure": ({"model": "wgan_gp", "lambda_gp": 1e7}, "lambda_gp"),
    "clip beyond all measure": ({"model": "wgan_clip", "clip": 1e7}, "clip"),
    "steps an epoch 0": ({"model": "wgan_gp", "steps_per_epoch": 0}, "steps_per_epoch"),
    "more random numbers than fit": (
        {
            "model": "wgan_gp",
            "disc_iter": 100,
            "batch_size": 4_096,
            "gen_shape": [1_024, 9, 5],
            "data": {"name": "four_clouds", "size": 5_000},
        },
        "random numbers",
    ),
    **{
        f"{field}: a word": ({"model": "wgan_gp", field: "many"}, field)
        for field in ("steps_per_epoch", "batch_size", "disc_iter", "learning_rate", "lambda_gp", "clip", "seed")
    },
    **{
        f"{field}: a list": ({"model": "wgan_gp", field: [1]}, field)
        for field in ("epochs", "name", "metadata", "latent_type", "data")
    },
    "clip with wgan_gp": ({"model": "wgan_gp", "clip": 0.5}, "clip: expected it only with wgan_clip, got 0.5"),
    "lambda with wgan_clip": ({"model": "wgan_clip", "lambda_gp": 10}, "lambda_gp: expected it only with wgan_gp"),
    "negative lambda": ({"model": "wgan_gp", "lambda_gp": -1}, "lambda_gp"),
    "clip 0": ({"model": "wgan_clip", "clip": 0}, "clip"),
    "seed below 0": ({"model": "wgan_gp", "seed": -1}, "seed"),
    "seed beyond 31 bits": ({"model": "wgan_gp", "seed": 2**31}, "seed"),
    "unknown view": ({"model": "wgan_gp", "views": ["landscape"]}, "manifold"),
    "views as text": ({"model": "wgan_gp", "views": "manifold"}, "views"),
    "latent type": ({"model": "wgan_gp", "latent_type": "cauchy"}, "spheric"),
    "short gen_shape": ({"model": "wgan_gp", "gen_shape": [2, 5]}, "gen_shape"),
    "gen_shape of 0": ({"model": "wgan_gp", "gen_shape": [2, 0, 5]}, "gen_shape"),
    "gen_shape of another dimension": ({"model": "wgan_gp", "gen_shape": [2, 10, 4]}, "5 coordinates"),
    "too wide": ({"model": "wgan_gp", "gen_shape": [2, 1_025, 5]}, "1,024"),
    "too deep": ({"model": "wgan_gp", "gen_shape": [2] * 11 + [5]}, "layers"),
    "long name": ({"model": "wgan_gp", "name": "x" * 201}, "name"),
    "large metadata": ({"model": "wgan_gp", "metadata": {"x": "y" * 20_000}}, "metadata"),
    "ragged points": ({"model": "wgan_gp", "data": {"points": [[1, 2], [3]]}}, "row 1"),
    "no points": ({"model": "wgan_gp", "data": {"points": []}}, "points"),
    "empty points": ({"model": "wgan_gp", "data": {"points": [[], []]}}, "at least one number"),
    "text points": ({"model": "wgan_gp", "data": {"points": [["a", "b"]]}}, "points"),
    "huge points": ({"model": "wgan_gp", "data": {"points": [[1e301, 0]]}}, "points"),
    "a list": ([1, 2], "object"),
    "NUL in the name": ({"model": "wgan_gp", "name": "a\0b"}, "NUL"),
    "NUL in the metadata": ({"model": "wgan_gp", "metadata": {"a": "b\0"}}, "NUL"),
    "too many points": ({"model": "wgan_gp", "data": {"points": [[0]] * 100_001}}, "100000"),
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_bad_bodies(case: str, running: Service, bystander: Json) -> None:
    body, word = BAD_BODIES[case]
    answer = running.client.post("/jobs", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in answer.json()["detail"]
    for error in answer.json().get("errors", []):
        assert error["message"].count("got ") <= 1, error


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"model": "wgan_gp", "learning_rate": NaN}', JSON, 422),
        (b'{"model": "wgan_gp", "learning_rate": 1e999}', JSON, 422),
        (b'{"model": "wgan_gp", "metadata": {"a": 1e999}}', JSON, 422),
        (b'{"model": "wgan_gp", "metadata": {"a": "\\ud800"}}', JSON, 400),
        (b'{"model": "wgan_gp"', JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"", JSON, 400),
        (b"[" * 100_000, JSON, 400),
        (b"model=wgan_gp", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {}, 415),
        (b"--x\r\n", {"Content-Type": "multipart/form-data"}, 400),
        (b"{}", JSON | {"Idempotency-Key": "x" * 300}, 422),
    ],
)
def test_bad_content(content: bytes, headers: dict[str, str], status: int, running: Service, bystander: Json) -> None:
    answer = running.client.post("/jobs", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_of_two_gigabytes(running: Service, bystander: Json) -> None:
    for kind in ("application/json", "multipart/form-data; boundary=x"):
        with socket.create_connection(("127.0.0.1", running.client.base_url.port)) as connection:
            head = f"POST /jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {2**31}\r\n\r\n"
            connection.sendall(head.encode())
            connection.settimeout(10)
            assert connection.recv(100).startswith(b"HTTP/1.1 413 ")

        def endless() -> Iterator[bytes]:
            for _ in range(2**11):
                yield b"x" * 2**20

        # Without a length it is cut off as soon as it passes the limit; the client may be writing still.
        try:
            status = running.client.post("/jobs", content=endless(), headers={"Content-Type": kind}).status_code
        except httpx.TransportError:
            continue
        assert status in (400, 413)


def _upload(running: Service, content: bytes, name: str = "points.csv", **job: object) -> httpx.Response:
    fields = {"job": json.dumps({"model": "simple_gan"} | job)}
    return running.client.post("/jobs", data=fields, files={"data": (name, content)})


def _npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("points.csv", b"0,0\n" * 10**7)
    return buffer.getvalue()


BAD_UPLOADS = {
    "pickle": (_npy(np.array([{}, 1], object), allow_pickle=True), "points.npy", "pickle"),
    "zip bomb": (_zip(), "points.csv", "compressed"),
    "ragged": (b"1,2\n3\n", "points.csv", "line 2"),
    "text": (b"1,2\na,b\n", "points.csv", "line 2"),
    "nan": (b"1,2\nnan,3\n", "points.csv", "nan"),
    "empty": (b"", "points.csv", "empty"),
    "one dimension": (_npy(np.zeros(300)), "points.npy", "reshape"),
    "header bomb": (_npy(np.zeros((2, 2))).replace(b"(2, 2), }", b"(9999999, 9999), }"), "points.npy", "expected"),
}


@pytest.mark.parametrize("case", BAD_UPLOADS)
def test_bad_uploads(case: str, running: Service, bystander: Json) -> None:
    content, name, word = BAD_UPLOADS[case]
    answer = _upload(running, content, name)
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["detail"].lower()


def test_uploads_beyond_the_limit_or_in_the_wrong_place(running: Service, bystander: Json) -> None:
    assert _upload(running, b"0,0\n" * 2**20).status_code == 413
    assert "data" in _upload(running, b"0,0\n", data={"name": "circle"}).json()["detail"]
    only_file = running.client.post("/jobs", files={"data": ("p.csv", b"0,0\n")})
    assert only_file.status_code == 422
    only_text = running.client.post("/jobs", data={"job": "{}"}, files={"other": ("p.csv", b"0,0\n")})
    assert only_text.status_code == 422
    assert "batch_size" in _upload(running, b"0,0\n1,1\n").json()["detail"]


def test_a_small_body_cannot_ask_for_much(running: Service, bystander: Json) -> None:
    """Eight megabytes of mistakes are answered at once, and faces are served meanwhile."""
    bodies = (
        '{"model":"wgan_gp","data":{"points":[' + ",".join(["0"] * 4_000_000) + "]}}",
        '{"model":"wgan_gp","data":{"points":[' + ",".join(["[null]"] * 1_000_000) + "]}}",
        '{"model":"wgan_gp",' + ",".join(f'"{i}":1' for i in range(700_000)) + "}",
    )
    server = psutil.Process(running.process.pid)
    before = server.memory_info().rss
    for body in bodies:
        answer = running.client.post("/jobs", content=body, headers=JSON)
        assert answer.status_code == 422
        assert len(answer.content) < 10_000
    assert server.memory_info().rss - before < 600 * 2**20


def test_a_full_queue(running: Service, bystander: Json) -> None:
    jobs = [running.submit(**SHORT) for _ in range(2)]
    assert [running.look(job)["queue_position"] for job in (bystander, *jobs)] == [None, 0, 1]
    answer = running.client.post("/jobs", json={"model": "wgan_gp"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert len(running.client.get("/jobs").json()["jobs"]) == 3
    for job in jobs:
        running.ask(job, "cancel")
    again = running.submit(**SHORT)
    assert again["status"] == "queued"
    for job in (*jobs, again):
        running.wait(running.ask(job, "cancel"), "cancelled")
        assert running.client.delete(f"/jobs/{job['id']}").status_code == 204


def test_what_is_not_there(running: Service, bystander: Json) -> None:
    for path in ("/jobs/0123456789abcdef", "/jobs/0123456789abcdef/events", "/jobs/0123456789abcdef/weights"):
        answer = running.client.get(path)
        assert answer.status_code == 404
        assert "no job" in answer.json()["detail"]
    assert running.client.get("/jobs/nonsense").status_code == 404
    for path in ("weights", "samples"):
        answer = running.client.get(f"/jobs/{bystander['id']}/{path}")
        assert answer.status_code == 409
        assert answer.json()["detail"].startswith("the job is ")
