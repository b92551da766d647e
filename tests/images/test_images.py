"""Both images of the Dockerfile, built and run. This takes minutes and the network, so only ``make images`` does it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.conftest import PATIENCE
from tests.images.buildah import Container, Image, is_possible
from tests.integration.jobs.harness import SHORT, until
from tests.integration.jobs.postgresql import free_port

#: The largest that each may be on a disk, with its base, in MB.
LIMITS = {"faces": 400, "full": 1_600}
KEY = "k" * 43


@pytest.fixture(scope="module", params=LIMITS)
def image(request: pytest.FixtureRequest) -> Iterator[Image]:
    is_possible()
    image = Image(request.param)
    yield image
    image.remove()


@contextmanager
def serving(image: Image, log: Path) -> Iterator[tuple[Container, httpx.Client]]:
    """Run the image's own command, and yield it with a client that has a key."""
    port = free_port()
    container = image.start(log, port=port, api_keys=f"ada={KEY}", warm_architectures=0)
    try:
        container.said("Uvicorn running on")
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=PATIENCE) as client:
            yield container, client
    finally:
        container.end()


def test_it_is_small(image: Image) -> None:
    name = image.name.rpartition("-")[2]
    print(f"{name}: {image.megabytes:,.0f} MB")
    assert image.megabytes <= LIMITS[name]


def test_it_runs_as_a_user_without_rights_who_writes_to_data_and_tmp_alone(image: Image) -> None:
    assert image.config["User"] == "10001"
    said = image.run("sh", "-c", "id -u; grep Cap /proc/self/status").stdout
    assert said.split()[0] == "10001"
    assert set(re.findall(r"Cap\w+:\s+(\w+)", said)) == {"0" * 16}
    for folder, written in (("/srv/venv", False), ("/home/service", False), ("/data", True), ("/tmp", True)):
        assert (image.run("touch", f"{folder}/file").returncode == 0) is written, folder


def test_it_is_sound(image: Image) -> None:
    done = image.run("nobody", "check", host="127.0.0.1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mend" not in done.stdout
    assert ("as nothing is trained here" in done.stdout) is image.name.endswith("faces")


def test_it_serves_and_trains_what_it_should(image: Image, tmp_path: Path) -> None:
    trains = image.name.endswith("full")
    with serving(image, tmp_path / "log") as (container, client):
        until(lambda: client.get("/readyz").status_code == 200, "readiness")
        assert client.get("/sample?seed=1").content.startswith(b"\x89PNG")
        assert client.get("/samples?count=4&seed=1").status_code == 200
        assert client.get("/lab").status_code == 200
        assert ("tensorflow" in client.get("/info").json()["versions"]) is trains
        answer = client.post("/jobs", json=SHORT)
        if not trains:
            assert answer.status_code == 501
            assert "has no TensorFlow" in answer.json()["detail"]
        else:
            assert answer.status_code == 202, answer.text
            job = f"/jobs/{answer.json()['id']}"
            end = until(lambda: (seen := client.get(job).json())["ended"] and seen, "the end of the job")
            assert end["status"] == "succeeded", container.log.read_text()
            for result in ("picture.png", "weights", "film", "samples?count=3", "history"):
                assert (result, client.get(f"{job}/{result}").status_code) == (result, 200)
        container.stop()
