"""``nobody train-faces`` as a user runs it: a bar, sheets, Ctrl-C, resume, and serving the result."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from models.files.weights import read_metadata
from tests.conftest import PATIENCE

NOBODY = Path(sys.executable).with_name("nobody")


def _run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([NOBODY, *command.split()], capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 19 pictures and 7 other files."""
    pictures = tmp_path_factory.mktemp("pictures")
    for i, face in enumerate(np.random.default_rng(0).integers(0, 256, (20, 16, 16), dtype=np.uint8)):
        Image.fromarray(face).save(pictures / f"{i:02}.png")
    for i in range(5):
        (pictures / f"IMG_{i}.HEIC").write_bytes(b"\0\0\0\x24ftypheic")
    (pictures / "07.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (pictures / "names.txt").write_text("Ada")
    return pictures


def test_a_run_on_pictures_gives_weights_to_serve_and_tells_what_it_left_out(pictures: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = "--holdout 8 --batch-size 8 --steps 2 --checkpoint-steps 1"
    result = _run(f"train-faces --images {pictures} --out {run} {options}")
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines()[:4] == [
        f"{pictures}: faces taken: 19; files left out: 7",
        "      5 HEIC, which cannot be read here; convert to JPEG or PNG: IMG_0.HEIC, IMG_1.HEIC, IMG_2.HEIC, …",
        "      1 damaged: 07.png",
        "      1 no picture: names.txt",
    ]
    assert "2/2" in result.stderr
    assert f"step 2 of 2: done. Serve it: NOBODY_WEIGHTS={run} nobody serve" in result.stderr
    assert {path.name for path in run.iterdir()} == {
        "settings.json",
        "checkpoint.npz",
        "losses.csv",
        "generator.h5",
        "discriminator.h5",
        "samples-000001.png",
        "samples-000002.png",
    }
    with Image.open(run / "samples-000002.png") as sheet:
        assert sheet.size == (480, 480)
    generator = FaceGenerator(run)
    assert generator.transform_source == "file"
    assert generator(latents_of_seeds(range(3))).shape == (3, 16, 16)


def test_strict_ends_at_the_first_picture_that_cannot_be_read(pictures: Path, tmp_path: Path) -> None:
    result = _run(f"train-faces --images {pictures} --out {tmp_path}/run --holdout 8 --batch-size 8 --strict")
    assert result.returncode == 1
    assert result.stderr == f"nobody: {pictures}/07.png: expected a picture, found one that is left out: damaged\n"
    assert not (tmp_path / "run").exists()


def _interrupt_in_training(command: str, run: Path) -> str:
    """Start the command, press Ctrl-C once it trains, and return what it showed."""
    settings = run / "settings.json"
    before = settings.stat().st_mtime_ns if settings.exists() else 0
    process = subprocess.Popen([NOBODY, *command.split()], stderr=subprocess.PIPE, text=True)
    # The settings are written (anew) just before the first step; by then Ctrl-C is caught.
    deadline = time.monotonic() + PATIENCE
    while not settings.exists() or settings.stat().st_mtime_ns == before:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, shown = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, shown
    return shown


def test_ctrl_c_saves_and_the_same_command_resumes(tmp_path: Path) -> None:
    faces = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.save(tmp_path / "faces.npy", faces)
    options = "--holdout 8 --batch-size 8 --disc-iter 1 --steps 100000"
    command = f"train-faces --images {tmp_path}/faces.npy --out {tmp_path}/run {options}"
    run = tmp_path / "run"
    steps_done = [0]
    for _ in range(2):
        shown = _interrupt_in_training(command, run)
        assert "saved; the same command resumes" in shown
        assert "Traceback" not in shown
        assert f"{tmp_path}/faces.npy: faces taken: 40" in shown
        metadata = read_metadata(run / "generator.h5")
        assert metadata is not None
        steps_done.append(metadata["training"]["steps_done"])
    assert 0 < steps_done[1] < steps_done[2]


def test_bad_images_end_in_one_line(tmp_path: Path) -> None:
    result = _run(f"train-faces --images {tmp_path}/none.npy --out {tmp_path}/run")
    assert result.returncode == 1
    assert result.stderr.startswith(f"nobody: {tmp_path}/none.npy: expected a .npy file or a folder of pictures")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()
