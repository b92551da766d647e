"""An installation without TensorFlow, as the image ``faces`` has it: it serves, and says that it trains nothing."""

import os
from pathlib import Path

import pytest

from tests.integration.jobs.harness import NOBODY, SHORT, run, service

pytestmark = pytest.mark.e2e

#: Python runs it at the start of every process.
_HIDE = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec

def find_but(name, path=None, target=None):
    return None if name.partition(".")[0] in ("tensorflow", "keras") else find(name, path, target)

PathFinder.find_spec = staticmethod(find_but)
"""


@pytest.fixture
def hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide TensorFlow and Keras from all processes that the test starts."""
    (tmp_path / "sitecustomize.py").write_text(_HIDE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.mark.usefixtures("hidden")
def test_faces_are_served_and_jobs_refused(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        assert running.client.get("/sample?seed=1").headers["content-type"] == "image/png"
        assert running.client.get("/lab").status_code == 200
        assert running.client.get("/jobs").json()["jobs"] == []
        answer = running.client.post("/jobs", json=SHORT)
        assert answer.status_code == 501
        assert "has no TensorFlow" in answer.json()["detail"]
        assert running.client.get("/jobs").json()["jobs"] == []
        assert not running.workers()
        running.stop()


@pytest.mark.usefixtures("hidden")
def test_a_worker_says_what_it_lacks(tmp_path: Path) -> None:
    done = run(NOBODY, "worker", env=os.environ | {"NOBODY_DATA": str(tmp_path / "data")})
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "nobody: cannot start: TensorFlow, which trains the jobs, is not installed; pip install tensorflow keras"
    )
