"""``nobody train-faces`` as a user runs it: a bar, sheets, Ctrl-C, resume, and serving the result."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from models.files.weights import read_metadata
from tests.conftest import PATIENCE

NOBODY = Path(sys.executable).with_name("nobody")


def _command(tmp_path: Path, steps: int) -> list[str]:
    faces = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.save(tmp_path / "faces.npy", faces)
    options = (
        f"train-faces --images {tmp_path}/faces.npy --out {tmp_path}/run --holdout 8 --batch-size 8 --steps {steps}"
    )
    return [str(NOBODY), *options.split()]


def test_a_run_gives_weights_to_serve(tmp_path: Path) -> None:
    result = subprocess.run(
        [*_command(tmp_path, 4), "--checkpoint-steps", "2"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    run = tmp_path / "run"

    assert "4/4" in result.stderr
    assert f"{tmp_path}/faces.npy: faces taken: 40" in result.stderr
    assert f"step 4 of 4: done. Serve it: NOBODY_WEIGHTS={run} nobody serve" in result.stderr
    assert {path.name for path in run.iterdir()} == {
        "settings.json",
        "checkpoint.npz",
        "losses.csv",
        "generator.h5",
        "discriminator.h5",
        "samples-000002.png",
        "samples-000004.png",
    }
    with Image.open(run / "samples-000004.png") as sheet:
        assert sheet.size == (480, 480)
    generator = FaceGenerator(run)
    assert generator.transform_source == "file"
    assert generator(latents_of_seeds(range(3))).shape == (3, 16, 16)


def _interrupt_in_training(command: list[str], run: Path) -> str:
    """Start the command, press Ctrl-C once it trains, and return what it showed."""
    settings = run / "settings.json"
    before = settings.stat().st_mtime_ns if settings.exists() else 0
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
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
    command, run = _command(tmp_path, 100_000), tmp_path / "run"
    steps_done = [0]
    for _ in range(2):
        shown = _interrupt_in_training(command, run)
        assert "saved; the same command resumes" in shown
        assert "Traceback" not in shown
        metadata = read_metadata(run / "generator.h5")
        assert metadata is not None
        steps_done.append(metadata["training"]["steps_done"])
    assert 0 < steps_done[1] < steps_done[2]


def test_one_damaged_picture_among_many_is_told_and_ends_the_run_only_if_strict(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i, face in enumerate(np.random.default_rng(0).integers(0, 256, (20, 16, 16), dtype=np.uint8)):
        Image.fromarray(face).save(pictures / f"{i:02}.png")
    for i in range(5):
        (pictures / f"IMG_{i}.HEIC").write_bytes(b"\0\0\0\x24ftypheic")
    (pictures / "07.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (pictures / "names.txt").write_text("Ada")
    options = f"train-faces --images {pictures} --out {tmp_path}/run --holdout 8 --batch-size 8 --steps 1"
    result, strict = (
        subprocess.run([NOBODY, *line.split()], capture_output=True, text=True, timeout=PATIENCE, check=False)
        for line in (options, f"{options} --strict")
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines()[:4] == [
        f"{pictures}: faces taken: 19; files left out: 7",
        "      5 HEIC, which cannot be read here; convert to JPEG or PNG: IMG_0.HEIC, IMG_1.HEIC, IMG_2.HEIC, …",
        "      1 damaged: 07.png",
        "      1 no picture: names.txt",
    ]
    assert strict.returncode == 1
    assert strict.stderr == f"nobody: {pictures}/07.png: expected a picture, found one that is left out: damaged\n"


def test_bad_images_end_in_one_line(tmp_path: Path) -> None:
    result = subprocess.run(
        [str(NOBODY), "train-faces", "--images", str(tmp_path / "none.npy"), "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.startswith(f"nobody: {tmp_path}/none.npy: expected a .npy file or a folder of pictures")
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()
