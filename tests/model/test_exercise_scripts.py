"""Scripts that call the project as the exercise's own do, with its module files replaced by one-line imports."""

import itertools
import runpy
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

SCRIPTS = Path(__file__).parent / "exercise"
MODULES = {
    "0-simple_gan": "Simple_GAN",
    "1-wgan_clip": "WGAN_clip",
    "2-wgan_gp": "WGAN_GP",
    "3-generate_faces": "convolutional_GenDiscr",
    "4-wgan_gp": "WGAN_GP",
}
TOYS = {"Simple_GAN": "0-simple_gan", "WGAN_clip": "1-wgan_clip", "WGAN_GP": "2-wgan_gp"}


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in MODULES.items():
        (tmp_path / f"{module}.py").write_text(f"from models import {name}\n")
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
@pytest.mark.parametrize(
    ("class_name", "data"),
    [("Simple_GAN", "circle"), ("Simple_GAN", "corner_cloud"), ("WGAN_clip", "circle"), ("WGAN_GP", "four_clouds")],
)
def test_toy_mains(class_name: str, data: str) -> None:
    found: dict[str, Any] = runpy.run_path(
        str(SCRIPTS / "toy_main.py"), {"MODULE": TOYS[class_name], "CLASS": class_name, "DATA": data}
    )
    gan, real, fake = found["G"], found["real"], found["fake"]
    history = gan.history.history

    assert [len(values) for values in history.values()] == [16] * len(gan.loss_names)
    assert np.isfinite(list(history.values())).all()
    # The circle is still being drawn after so few steps.
    assert np.abs(fake.mean(axis=0) - real.mean(axis=0)).max() < (0.45 if class_name == "WGAN_clip" else 0.25)
    if class_name == "Simple_GAN":
        # The exercise's own log of the circle stays within 1.77 … 2.14 and 0.95 … 1.19.
        assert np.mean(history["discr_loss"]) == pytest.approx(2, abs=0.4)
        assert np.mean(history["gen_loss"]) == pytest.approx(1, abs=0.4)
    if class_name == "WGAN_clip":
        assert max(np.abs(weights).max() for weights in gan.discriminator.get_weights()) <= 1
    if class_name == "WGAN_GP":
        assert history["gp"][-1] < 0.02, "the critic's slope should have come to 1"


@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_face_mains(shared: Path) -> None:
    found = runpy.run_path(
        str(SCRIPTS / "faces_main.py"),
        {"FACES": str(shared / "faces" / "faces_16x16_train.npy"), "REFERENCE": str(shared / "reference")},
    )
    losses = found["trained"].history.history

    # The exercise's own log goes from 1.51 to 0.65 and from 3.19 to 3.93. An epoch's loss is that of its last batch, of
    # ten faces, so a single one may stand out.
    assert min(losses["discr_loss"]) < losses["discr_loss"][0]
    assert np.median(losses["gen_loss"]) > 3
    assert found["best"].shape == (400, 16, 16)
    assert np.abs(found["best"].mean(axis=0) - found["mean_face"]).mean() < 0.04
    assert found["walk"].shape == (20, 16, 16)


def _run(script: str, module: str) -> dict[str, Any]:
    return runpy.run_path(str(SCRIPTS / script), {"MODULE": module, "CLASS": MODULES[module]})


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning")
@pytest.mark.parametrize("module", ["1-wgan_clip", "2-wgan_gp"])
def test_a_subclass_with_its_own_step_losses_and_optimizers(module: str) -> None:
    found = _run("own_step_main.py", module)
    gan, history = found["G"], found["history"]

    assert list(history) == ["discr_loss", "gen_loss"]
    assert [len(values) for values in history.values()] == [4, 4]
    assert max(np.abs(weights).max() for weights in gan.discriminator.get_weights()) <= 0.5
    assert [gan.generator.optimizer.iterations.numpy(), gan.discriminator.optimizer.iterations.numpy()] == [100, 200]
    real = found["real_examples"].mean(axis=0)
    assert np.abs(gan.get_fake_sample(400).numpy().mean(axis=0) - real).max() < 0.2


@pytest.mark.parametrize("module", TOYS.values())
def test_callbacks_watch_and_steer(module: str, tmp_path: Path) -> None:
    found = _run("callbacks_main.py", module)

    assert len(found["samples"].kept) == 4
    assert all((one != two).any() for one, two in itertools.pairwise(found["samples"].kept))
    assert found["rates"] == pytest.approx([0.005, 0.0025, 0.00125, 0.000625])
    first = found["freeze"].first
    assert [(one != two).any() for one, two in itertools.pairwise(first)] == [True, True, False]
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 5
    assert (tmp_path / "best.weights.h5").stat().st_size
    assert found["stop"].seen == 7
    assert found["G"].steps_done == 27


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file:UserWarning")
@pytest.mark.parametrize("module", TOYS.values())
def test_networks_are_saved_copied_and_loaded(module: str) -> None:
    found = _run("persistence_main.py", module)

    for way, points in found["found"].items():
        np.testing.assert_allclose(points, found["expected"], atol=1e-6, err_msg=way)
    assert np.abs(found["moved"] - found["expected"]).max() > 1e-4
