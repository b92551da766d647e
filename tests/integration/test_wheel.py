"""The wheel is complete: installed elsewhere and started in an empty folder, it serves faces, pages and jobs."""

import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.conftest import PATIENCE, ROOT
from tests.integration.jobs.harness import service

FOLDERS = ("app", "models", "static", "weights")


def _run(*command: object, cwd: Path) -> str:
    result = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it into an environment that sees our dependencies, but not this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    # A copy of the sources: a build folder in the checkout could hold files that no longer exist.
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    build = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", "dist"]
    _run(*build, "./source", cwd=folder)
    [wheel] = (folder / "dist").glob("nobody-*.whl")

    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    # A folder that a .pth file names is searched for packages, but its own .pth files, such as that of the editable
    # installation of this checkout, are not read.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps"]
    _run(*install, "--force-reinstall", wheel, cwd=folder)
    return packages


def test_the_wheel_has_every_file_and_nothing_else_at_its_top(installed: Path) -> None:
    top = {path.name for path in installed.iterdir()} - {"dependencies.pth", "__pycache__"}
    assert {name.partition("-")[0] for name in top} == {"app", "models", "nobody"}
    for name in FOLDERS:
        copy = installed / name if name in ("app", "models") else installed / "app" / name
        for path in (ROOT / name).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert (copy / path.relative_to(ROOT / name)).read_bytes() == path.read_bytes()


def test_the_wheel_serves_faces_pages_and_jobs_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    program = installed.parents[2] / "bin" / "nobody"
    here = tmp_path / "empty"
    here.mkdir()
    code = "import app, models; print(app.__file__, models.__file__)"
    for path in _run(program.with_name("python"), "-c", code, cwd=here).split():
        assert Path(path).is_relative_to(installed)

    with service(tmp_path / "service", cwd=here, program=program, data="data") as running:
        assert running.client.get("/sample?seed=42").content.startswith(b"\x89PNG")
        for page in ("/", "/lab", "/docs"):
            _check_page(running.client, page)
        job = running.submit(data={"name": "circle", "size": 100}, epochs=1, steps_per_epoch=5, batch_size=10)
        assert running.wait(job)["status"] == "succeeded"
        assert running.trainers()
        for process in running.workers() + running.trainers():
            [child] = [argument for argument in process.cmdline() if argument.endswith("child.py")]
            assert Path(child).is_relative_to(installed / "app")
        running.stop()
    assert [path.name for path in here.iterdir()] == ["data"]


def _check_page(client: httpx.Client, page: str) -> None:
    answer = client.get(page)
    assert answer.status_code == 200
    files = {urljoin(page, name) for name in re.findall(r'(?:href|src)="([^"]+\.(?:css|js))"', answer.text)}
    assert {name.rpartition(".")[2] for name in files} == {"css", "js"}
    for name in files:
        assert client.get(name).status_code == 200, name
