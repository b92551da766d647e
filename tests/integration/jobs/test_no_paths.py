"""No message that a client can read has a path of the server, whatever is wrong with the files of a job."""

import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.jobs.files import JobFiles
from app.main import create_app

BODY = {"model": "wgan_gp", "batch_size": 2, "data": {"name": "own", "points": [[0, 1], [1, 0], [0.5, 0.5]]}}
CALLS = ("", "/events", "/history", "/picture.png", "/film", "/samples?count=3", "/points", "/script", "/weights")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("paths") / "a-folder-of-the-server"


@pytest.fixture(scope="module")
def client(data: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data=data)), client=("127.0.0.1", 50_000)) as client:
        yield client


def _as_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def _as_loop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(path)


def _arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.ones(3))
    return file.getvalue()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(missing_ok=True),
    "a folder": _as_folder,
    "a loop of links": _as_loop,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text(f"see {path}"),
    "other arrays": lambda path: path.write_bytes(_arrays()),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_messages_have_no_path_of_the_server(damage: str, client: TestClient, data: Path) -> None:
    job = client.post("/jobs", json=BODY).json()["id"]
    files = JobFiles(data, job)
    with closing(sqlite3.connect(data / "jobs.sqlite", timeout=30)) as database, database:
        database.execute(
            "UPDATE jobs SET state = 'succeeded', snapshot = 3, step = 3, weights = 'weights-1', weights_step = 3, "
            "checkpoint = '000000003-1.npz', checkpoint_step = 3 WHERE id = ?",
            (job,),
        )
    weights = [files.weights("weights-1") / f"{name}.h5" for name in ("generator", "discriminator")]
    paths = [files.points, files.real, files.snapshot(3), files.checkpoint("000000003-1.npz"), *weights]
    for path in [*paths, weights[0].with_suffix(".npz")]:
        path.parent.mkdir(exist_ok=True)
        DAMAGE[damage](path)
    answers = [client.get(f"/jobs/{job}{call}", headers={"Accept": "application/json"}) for call in CALLS]
    answers.append(client.post(f"/jobs/{job}/fork", json={"epochs": 40}))
    answers.append(client.post("/jobs", json=BODY | {"data": {"job": job}}))
    for answer in answers:
        assert answer.status_code != 500, answer.text
        if answer.headers["content-type"].startswith(("application/json", "application/problem+json")):
            assert data.name not in answer.text
