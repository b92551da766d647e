"""``nobody evaluate``, from the faces to the table and the file that /info quotes."""

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app import ROOT
from app.cli import evaluation
from app.cli.evaluation import RealFaces, choose_faces, evaluate, report
from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from models.faces.loading import faces_sha256
from tests.conftest import PATIENCE
from tests.integration.conftest import write_weights

NOBODY = Path(sys.executable).with_name("nobody")
FACES = np.random.default_rng(0).integers(0, 256, (200, 16, 16), dtype=np.uint8)


def _training(faces: np.ndarray, holdout: int, seed: int) -> dict[str, object]:
    return {"holdout": holdout, "seed": seed, "faces_sha256": faces_sha256(faces)}


def test_unseen_images_are_split_for_the_floor(tmp_path: Path) -> None:
    faces = choose_faces(FACES)
    assert (len(faces.real), len(faces.others), faces.training) == (100, 100, None)
    both = [face.tobytes() for face in np.concatenate([faces.others, faces.real])]
    assert sorted(both) == sorted(face.tobytes() for face in FACES)
    # Folders are often in some order: the first half would not be like the second.
    assert both != [face.tobytes() for face in FACES]
    np.testing.assert_array_equal(choose_faces(FACES).real, faces.real)


def test_with_other_faces_for_the_floor_all_images_are_measured_against(tmp_path: Path) -> None:
    faces = choose_faces(FACES[:150], floor=FACES[150:])
    np.testing.assert_array_equal(faces.real, FACES[:150])
    # A folder is in the order of its names: the first of them may be all of one person, or all dark.
    assert sorted(face.tobytes() for face in faces.others) == sorted(face.tobytes() for face in FACES[150:])
    assert (faces.others != FACES[150:]).any()
    np.testing.assert_array_equal(choose_faces(FACES[:150], floor=FACES[150:]).others, faces.others)
    generator = FaceGenerator(write_weights(tmp_path, training=_training(FACES, 40, 3)))
    with pytest.raises(ValueError, match="--floor: expected none with --development"):
        choose_faces(FACES, trained=generator, floor=FACES)


def test_development_faces_are_those_that_training_kept_out(tmp_path: Path) -> None:
    generator = FaceGenerator(write_weights(tmp_path, training=_training(FACES, 40, 3)))
    faces = choose_faces(FACES, trained=generator)

    assert len(faces.real) == 40
    assert len(faces.others) == 160
    assert faces.training is not None
    assert faces.training.shape == (320, 16, 16)
    trained_on = {face.tobytes() for face in faces.training}
    assert not any(face.tobytes() in trained_on for face in faces.real)


def test_weights_that_kept_nothing_out_have_no_development_faces(weights: Path) -> None:
    with pytest.raises(ValueError, match="expected weights whose training kept faces out"):
        choose_faces(FACES, trained=FaceGenerator(weights))


def test_other_images_than_those_trained_on_are_refused(tmp_path: Path) -> None:
    generator = FaceGenerator(write_weights(tmp_path, training=_training(FACES, 40, 3)))
    with pytest.raises(ValueError, match="expected the very images that the weights were trained on"):
        choose_faces(FACES[1:], trained=generator)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Return what a fast stand-in for the measures is asked for: how many real faces, how many others."""
    asked: list[tuple[int, int]] = []

    def measure(real: np.ndarray, fake: np.ndarray, *, seed: int) -> dict[str, float]:
        asked.append((len(real), len(fake)))
        return {"frechet": float([1, 2, 6][seed])}

    monkeypatch.setattr(evaluation, "evaluate_faces", measure)
    return asked


@pytest.mark.parametrize(
    ("images", "floor", "count", "asked"),
    [
        (200, None, 2_000, (100, 100)),  # half of them serve the floor
        (200, None, 60, (100, 60)),
        (150, 50, 2_000, (150, 50)),
        (50, 150, 100, (50, 100)),
    ],
)
def test_the_floor_compares_as_many_faces_as_are_generated(
    images: int, floor: int | None, count: int, asked: tuple[int, int], weights: Path, measured: list[tuple[int, int]]
) -> None:
    faces = choose_faces(FACES[:images], floor=None if floor is None else FACES[-floor:])
    generator = FaceGenerator(weights)
    results = evaluate({"ours": generator}, faces, count=count)
    assert measured == [asked] * 4
    assert report(generator, faces, results["ours"], results, count, 3)["generated_faces"] == asked[1]


def test_the_spread_is_that_of_a_sample(weights: Path, measured: list[tuple[int, int]]) -> None:
    results = evaluate({"ours": FaceGenerator(weights)}, choose_faces(FACES))
    assert results["ours"] == {
        "metrics": {"frechet": 3.0},
        "spread": {"frechet": pytest.approx(statistics.stdev([1, 2, 6]))},
    }
    assert evaluate({"ours": FaceGenerator(weights)}, choose_faces(FACES), runs=1)["ours"]["spread"] == {}


def test_what_cannot_be_measured_has_no_figure(weights: Path, measured: list[tuple[int, int]]) -> None:
    """Unseen faces that equal those trained on are at distance 0, and a ratio to that is infinite: no JSON."""
    faces = RealFaces(FACES[:10], FACES[10:], FACES)
    results = evaluate({"ours": FaceGenerator(weights)}, faces)
    assert set(results["ours"]["memorisation"]) == {"fake_median", "holdout_median"}


def test_too_few_faces_are_told(weights: Path) -> None:
    for faces in (choose_faces(FACES[:11]), choose_faces(FACES, floor=FACES[:5])):
        with pytest.raises(ValueError, match="expected at least 6 real faces to measure against and 6 for"):
            evaluate({"ours": FaceGenerator(weights)}, faces)


def test_the_readme_s_recipe_for_few_pictures_works_command_by_command(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    [train] = re.findall(r"\.venv/bin/nobody (train-faces --images PICTURES --out runs/mine)\n", readme)
    [few] = re.findall(r"`(--start-from weights [^`]*)`", readme)
    [measure] = re.findall(r"\.venv/bin/nobody (evaluate --weights runs/mine [^\n]*)\n", readme)
    assert "--holdout 10" in few
    assert "--development" in measure

    (tmp_path / "weights").symlink_to(ROOT / "weights")
    (tmp_path / "PICTURES").mkdir()
    for i, face in enumerate(FaceGenerator(ROOT / "weights")(latents_of_seeds(range(40)))):
        Image.fromarray(face).resize((64, 64)).save(tmp_path / "PICTURES" / f"{i}.jpg")
    for command in (f"{train} {few} --steps 1", f"{measure} --json runs/mine/quality.json"):
        result = subprocess.run(
            [NOBODY, *command.split()], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        assert result.returncode == 0, result.stderr
    assert "10 real faces, against 30 generated ones a run and 30 other real ones" in result.stderr
    quality = FaceGenerator(tmp_path / "runs" / "mine").quality
    assert quality is not None
    assert (quality["real_faces"], quality["generated_faces"]) == (10, 30)
    assert quality["memorisation"]["ratio"] > 0.5


def test_the_command_measures_and_writes_what_info_quotes(tmp_path: Path) -> None:
    # Real faces that the generator itself drew: it must score like real ones.
    faces = FaceGenerator(write_weights(tmp_path))(latents_of_seeds(range(10_000, 10_300)))
    np.save(tmp_path / "faces.npy", faces)
    write_weights(tmp_path, training=_training(faces, 120, 0))
    command = f"evaluate --weights {tmp_path} --images {tmp_path}/faces.npy --development --count 120 --runs 2"
    result = subprocess.run(
        [NOBODY, *command.split(), "--json", str(tmp_path / "quality.json")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    quality = json.loads((tmp_path / "quality.json").read_text())

    assert "frechet" in result.stdout
    assert "real faces" in result.stdout
    assert "3/3" in result.stderr
    assert quality["metrics"]["coverage"] > 0.8
    assert quality["metrics"]["frechet"] == pytest.approx(quality["floor"]["frechet"], rel=0.5)
    assert quality["spread"]["frechet"] > 0
    assert quality["memorisation"]["ratio"] == pytest.approx(1, abs=0.2)
    assert (quality["real_faces"], quality["generated_faces"], quality["runs"]) == (120, 120, 2)
    assert FaceGenerator(tmp_path).quality == quality


def test_weights_that_are_not_there_end_in_one_line(tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", FACES)
    result = subprocess.run(
        [NOBODY, "evaluate", "--weights", str(tmp_path), "--images", str(tmp_path / "faces.npy")],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == f"nobody: {tmp_path}/generator.h5: expected an .h5 weights file, found no such file\n"
