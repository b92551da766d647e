"""One order, carried out in this very process."""

import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from app.config import Settings
from app.jobs import plan
from app.jobs.checkpoint_pace import CheckpointPace
from app.jobs.disk import disk_use, snapshot_bytes
from app.jobs.file_names import snapshot_steps
from app.jobs.files import JobFiles
from app.jobs.limits import specify
from app.jobs.service.examples import Table, prepared
from app.jobs.service.sampling import in_units, sample
from app.jobs.specification import JobRequest, Specification, StoredData
from app.jobs.trainer import session
from app.jobs.trainer.messages import (
    Checkpoint,
    Done,
    Failed,
    Message,
    Phase,
    Progress,
    Snapshot,
    Started,
    TrainCommand,
)
from app.jobs.trainer.session import Session
from app.jobs.trainer.views import manifold_coordinates
from models import fully_connected_GenDiscr, train
from models.files.weights import read_metadata
from models.gan import GAN
from models.latents import LatentGenerator
from models.presets import PRESETS
from models.toys import building
from models.toys.building import build, build_preset, trained_generator
from models.toys.datasets import make
from models.training import loop, shared_loops
from models.training.checkpoints import save_checkpoint

M = TypeVar("M", bound=Message)
ID = "0123456789abcdef"


@pytest.fixture
def without_xla(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile in a third of the time; for runs of other networks than most."""
    monkeypatch.setattr(GAN, "uses_xla", False)


@pytest.fixture
def ten_snapshots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a fifth of the snapshots."""
    monkeypatch.setattr(plan, "_FEWEST_SNAPSHOTS", 10)


@pytest.fixture
def without_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a step or two at once."""
    monkeypatch.setattr(GAN, "run_eagerly", True)


def _specification(**body: object) -> Specification:
    shape = body.pop("gen_shape", None)
    request = JobRequest.model_validate({"model": "wgan_gp", "epochs": 2, "data": {"name": "circle"}} | body)
    specification = specify(request, None, Settings())
    return specification if shape is None else specification.model_copy(update={"gen_shape": shape})


def _order(folder: Path, specification: Specification, checkpoint: str | None = None, attempt: int = 1) -> TrainCommand:
    files = JobFiles(folder, ID)
    files.make()  # as the worker does; the session must not
    return TrainCommand(specification.model_dump(mode="json"), files.folder, attempt, 0, checkpoint)


def _order_of_points(folder: Path, points: npt.NDArray[np.floating], **body: object) -> TrainCommand:
    files = JobFiles(folder, ID)
    files.folder.mkdir(parents=True)
    np.save(files.points, points.astype(np.float32))
    specification = _specification(data={"name": "circle"}, **{"gen_shape": (1, 10, 10, 2)} | body)
    stored = {"rows": points.shape[0], "dimensions": points.shape[1]}
    return _order(folder, specification.model_copy(update={"data": StoredData.model_validate(stored)}))


def _run(order: TrainCommand, stop_after: int | None = None) -> list[Message]:
    """Carry out an order; told to stop once so many progress reports have come."""
    said: list[Message] = []

    def should_stop() -> bool:
        return stop_after is not None and sum(isinstance(message, Progress) for message in said) >= stop_after

    said.append(Session(order, said.append, should_stop).run())
    return said


def _all(kind: type[M], said: list[Message]) -> list[M]:
    return [message for message in said if isinstance(message, kind)]


def _losses(said: list[Message]) -> npt.NDArray[np.float32]:
    return np.concatenate([message.losses for message in _all(Progress, said)])


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Message], Path]:
    """Return what a session of 200 steps said, and its folder."""
    folder = tmp_path_factory.mktemp("unbroken")
    return _run(_order(folder, _specification())), folder


def test_checkpoints_are_rarer_where_writing_them_takes_long(
    tmp_path: Path, without_compilation: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count()  # one passes with each look at the clock: a checkpoint takes one to write
    monkeypatch.setattr(session, "CheckpointPace", partial(CheckpointPace, clock=lambda: next(seconds)))
    looks: list[int] = []
    due = CheckpointPace.is_due

    def counted(pace: CheckpointPace) -> bool:
        looks.append(due(pace))
        return bool(looks[-1])

    monkeypatch.setattr(CheckpointPace, "is_due", counted)
    order = _order(tmp_path, _specification(epochs=1, steps_per_epoch=100, batch_size=5))
    said = _run(order._replace(kept_checkpoints=1))
    assert looks.index(True) == 1, "the first one after two seconds"
    pauses = np.diff(np.flatnonzero(looks))
    assert len(pauses) > 1
    assert set(pauses) == {19}
    assert len(_all(Checkpoint, said)) == sum(looks) + 1
    assert [message.step for message in _all(Checkpoint, said) if message.last] == [100]


def test_what_a_session_says(unbroken: tuple[list[Message], Path]) -> None:
    said, folder = unbroken
    assert isinstance(said[0], Started)
    assert said[-1] == Done(True, "weights-1", 200)
    assert [message.step for message in _all(Snapshot, said)] == list(range(0, 201, 4))
    kept = [message.step for message in _all(Checkpoint, said) if message.kept]
    assert kept == [*range(20, 200, 20), 200]
    assert _losses(said).shape == (200, 3)
    # What is published never lags behind a checkpoint.
    reported = 0
    for message in said:
        reported = message.step if isinstance(message, Progress) else reported
        assert not isinstance(message, Checkpoint) or message.step == reported
    files = JobFiles(folder, ID)
    assert snapshot_steps(files.names()) == list(range(0, 201, 4))
    expected = disk_use(_specification(), Settings().job_bytes).total
    assert expected / 4 < files.size() < expected
    snapshot = json.loads(files.snapshot(200).read_text())
    assert set(snapshot) == {"step", "generated", "scores", "figures", "covered"}
    assert snapshot["covered"] is None  # a circle has no modes


def test_views_leave_training_and_points_alone(unbroken: tuple[list[Message], Path], tmp_path: Path) -> None:
    specification = _specification(views=["manifold", "gradient"])
    first = _run(_order(tmp_path, specification)._replace(kept_checkpoints=3), stop_after=3)
    checkpoint = _all(Checkpoint, first)[-1]
    second = _run(_order(tmp_path, specification, checkpoint.file, attempt=2)._replace(kept_checkpoints=3))
    assert {message.step for message in _all(Checkpoint, first + second) if message.kept} == {68, 136, 200}
    assert JobFiles(tmp_path, ID).size() < disk_use(specification, Settings().job_bytes).total
    said, folder = unbroken
    np.testing.assert_array_equal(_losses(first + second), _losses(said))
    with_views, without = JobFiles(tmp_path, ID), JobFiles(folder, ID)
    one, other = (np.load(files.checkpoint(f"000000200-{i}.npz")) for files, i in ((with_views, 2), (without, 1)))
    for name, values in other.items():  # both networks and optimizers
        np.testing.assert_array_equal(one[name], values)
    one, other = (files.weights(f"weights-{i}") / "generator.h5" for files, i in ((with_views, 2), (without, 1)))
    assert read_metadata(one) == read_metadata(other)
    for step in snapshot_steps(without.names()):
        snapshot = json.loads(with_views.snapshot(step).read_text())
        assert list(snapshot)[-2:] == ["manifold", "gradient"]
        assert np.shape(snapshot.pop("manifold")["points"]) == (1, 200, 2)
        assert np.shape(snapshot.pop("gradient")["vectors"]) == (100, 2)
        assert snapshot == json.loads(without.snapshot(step).read_text())


@pytest.mark.usefixtures("without_xla")
def test_it_says_when_it_compiles_and_only_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_loops, "_loops", {})
    short = {"model": "simple_gan", "epochs": 1, "steps_per_epoch": 10}
    said = _run(_order(tmp_path / "first", _specification(**short)))
    steps = [type(message) for message in said]
    assert _all(Phase, said) == [Phase("compiling"), Phase("training")]
    assert steps.index(Phase) < steps.index(Progress), "it is said before the seconds in which nothing happens"
    progress = _all(Progress, said)
    assert [message.paced for message in progress] == [False] + [True] * 9

    again = _run(_order(tmp_path / "second", _specification(seed=1, **short)))
    assert _all(Phase, again) == [Phase("training")]
    assert all(message.paced for message in _all(Progress, again))


def test_modes_are_counted_by_the_protocol_and_fairly(tmp_path: Path) -> None:
    noise = 0.1
    said = _run(_order(tmp_path, _specification(data={"name": "ring8", "noise": noise}, epochs=1)))
    files = JobFiles(tmp_path, ID)
    assert json.loads(files.real.read_text())["mode_radius"] == pytest.approx(3 * noise)
    for message in _all(Snapshot, said):
        covered = json.loads(files.snapshot(message.step).read_text())["covered"]
        assert message.figures is not None
        assert message.figures["modes_fairly_covered"] == sum(covered)
        assert sum(covered) <= (message.figures["modes_covered"] or 0)
        assert len(covered) == 8


def test_a_preset_trains_what_nobody_toys_trains_also_when_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With averaged weights, a falling rate, wide first layers and a linear critic."""
    monkeypatch.setattr(GAN, "uses_xla", False)
    small: dict[str, Any] = {"gen_shape": (2, 8, 8, 2), "epochs": 1, "steps_per_epoch": 40, "batch_size": 16}
    body = {"preset": "circle", "data": {"name": "circle", "size": 64}, "seed": 3, "views": ["manifold"]} | small
    specification = specify(JobRequest.model_validate(body), None, Settings())
    first = _run(_order(tmp_path, specification), stop_after=2)
    second = _run(_order(tmp_path, specification, _all(Checkpoint, first)[-1].file, attempt=2))

    preset = replace(PRESETS["circle"], size=64, **small)
    gan = build_preset(preset, 3)
    losses = train(gan, 40)
    np.testing.assert_array_equal(_losses(first + second), np.stack([*losses.values()], axis=1))
    files = JobFiles(tmp_path, ID)
    averaged, _, _ = fully_connected_GenDiscr([2, 8, 8, 2])
    averaged.load_weights(files.weights("weights-2") / "generator.h5")
    for stored, expected in zip(averaged.get_weights(), trained_generator(preset, gan).get_weights(), strict=True):
        np.testing.assert_array_equal(stored, expected)
    snapshot = json.loads(files.snapshot(40).read_text())
    latents = LatentGenerator("normal", 2).seeded(2_500, tf.constant([3, 0x5A], tf.int64))
    np.testing.assert_allclose(snapshot["generated"], averaged(latents)[:400], rtol=0, atol=1e-4)
    image = averaged(manifold_coordinates("normal", 2).reshape(-1, 2))
    shown = np.array(snapshot["manifold"]["points"]) * snapshot["manifold"]["scale"]
    np.testing.assert_allclose(shown.reshape(-1, 2), image, rtol=0, atol=1e-3)


def _warned(said: list[Message]) -> list[set[str]]:
    return [set(message.warnings) for message in _all(Snapshot, said)]


@pytest.mark.parametrize("data", ["circle", "four_clouds", "ring8"])
@pytest.mark.parametrize("model", ["simple_gan", "wgan_clip", "wgan_gp"])
def test_losses_at_the_end_of_the_tanh_are_said_to_be_saturation(model: str, data: str, tmp_path: Path) -> None:
    said = _run(_order(tmp_path, _specification(model=model, data={"name": data}, learning_rate=1, epochs=8)))
    assert said[-1] == Done(True, "weights-1", 800)
    warned = _warned(said)
    assert "discriminator_saturated" not in warned[0]
    assert "discriminator_saturated" in warned[-1]
    text = _all(Snapshot, said)[-1].warnings["discriminator_saturated"]
    assert text.startswith("the discriminator is" if model == "simple_gan" else "the critic is")
    assert "learning_rate" in text


@pytest.mark.parametrize("data", ["circle", "four_clouds", "corner_cloud"])
@pytest.mark.parametrize("model", ["simple_gan", "wgan_clip", "wgan_gp"])
def test_the_exercises_nine_runs_are_told_the_truth(model: str, data: str, tmp_path: Path) -> None:
    said = _run(_order(tmp_path, _specification(model=model, data={"name": data}, epochs=4)))
    saturates = model == "wgan_clip" or (model, data) == ("simple_gan", "corner_cloud")
    assert any("discriminator_saturated" in names for names in _warned(said)) == saturates


def test_a_clip_that_is_small_enough_keeps_the_critic_alive(tmp_path: Path) -> None:
    order = _order(tmp_path, _specification(model="wgan_clip", data={"name": "four_clouds"}, clip=0.1, epochs=8))
    assert not any(_warned(_run(order)))


def test_stopped_and_resumed_says_what_an_unbroken_one_says(
    unbroken: tuple[list[Message], Path], tmp_path: Path
) -> None:
    first = _run(_order(tmp_path, _specification()), stop_after=3)
    checkpoint = _all(Checkpoint, first)[-1]
    assert first[-1] == Done(False, "weights-1", checkpoint.step)
    # The networks that are taken away have their picture.
    assert _all(Snapshot, first)[-1].step == checkpoint.step
    second = _run(_order(tmp_path, _specification(), checkpoint.file, attempt=2))
    assert second[-1] == Done(True, "weights-2", 200)

    said, folder = unbroken
    np.testing.assert_array_equal(_losses(first + second), _losses(said))
    for name in ("snapshots/000000200.json", "real.json"):
        broken, whole = (run / "jobs" / ID / name for run in (tmp_path, folder))
        assert broken.read_text() == whole.read_text()


def test_single_and_half_steps_are_those_of_an_unbroken_run(
    unbroken: tuple[list[Message], Path], tmp_path: Path
) -> None:
    files = JobFiles(tmp_path, ID)
    said: list[Message] = []
    for attempt, (pause_at, half) in enumerate([(3, False), (3, True), (4, False), (6, False), (10, False)], 1):
        checkpoint = _all(Checkpoint, said)[-1].file if said else None
        order = _order(tmp_path, _specification(), checkpoint, attempt)._replace(pause_at=pause_at, half=half)
        said += _run(order)
        assert said[-1] == Done(False, f"weights-{attempt}", pause_at)
        assert [message.half for message in _all(Snapshot, said)][-1] == half
    np.testing.assert_array_equal(_losses(said), _losses(unbroken[0])[:10])

    before, between, after = (
        json.loads(files.snapshot(step, half).read_text()) for step, half in ((3, False), (3, True), (4, False))
    )
    assert "half" not in before
    assert between["half"]
    assert between["step"] == 3
    # Only the discriminator has moved, and as it moves in the whole step.
    assert between["generated"] == before["generated"] != after["generated"]
    assert between["scores"] != before["scores"]
    np.testing.assert_allclose(between["scores"], after["scores"], rtol=0, atol=2e-4)


def test_a_goal_beyond_the_end_is_the_end(unbroken: tuple[list[Message], Path], tmp_path: Path) -> None:
    said = _run(_order(tmp_path, _specification())._replace(pause_at=1_000))
    assert said[-1] == Done(True, "weights-1", 200)
    np.testing.assert_array_equal(_losses(said), _losses(unbroken[0]))


@pytest.mark.usefixtures("without_xla")
@pytest.mark.parametrize("model", ["simple_gan", "wgan_clip", "wgan_gp"])
def test_a_loss_that_is_no_number_fails_the_job_and_says_where(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within the bounds of a request these networks do not diverge: begin with a weight that is no number.
    def build_broken(*arguments: Any) -> GAN:
        gan = building.build(*arguments)
        gan.generator.trainable_variables[0].assign(np.full(gan.generator.trainable_variables[0].shape, np.nan))
        return gan

    monkeypatch.setattr(session, "build", build_broken)
    said = _run(_order(tmp_path, _specification(model=model)))
    assert isinstance(said[-1], Failed)
    assert "at step 1" in said[-1].reason
    assert "learning_rate" in said[-1].reason


def test_the_losses_before_a_divergence_are_told(
    unbroken: tuple[list[Message], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_late(*arguments: Any) -> GAN:
        """Build a GAN whose losses are no numbers from step 10 on."""
        gan = building.build(*arguments)
        chunks = loop.Loop.chunks

        def broken_chunks(*arguments: Any) -> Iterator[loop.Losses]:
            for losses in chunks(*arguments):
                losses[max(0, 9 - (gan.steps_done - len(losses))) :] = np.nan
                yield losses

        monkeypatch.setattr(loop.Loop, "chunks", broken_chunks)
        return gan

    monkeypatch.setattr(session, "build", build_late)
    said = _run(_order(tmp_path, _specification()))
    assert isinstance(said[-1], Failed)
    assert "at step 10" in said[-1].reason
    np.testing.assert_array_equal(_losses(said), _losses(unbroken[0])[:9])
    assert _all(Progress, said)[-1].step == 9
    assert not [message for message in _all(Checkpoint, said) if message.step > 9]


@pytest.mark.parametrize("change", [{"seed": 9}, {"learning_rate": 0.001}])
def test_from_the_same_checkpoint_other_settings_lead_elsewhere(
    change: dict[str, float], unbroken: tuple[list[Message], Path], tmp_path: Path
) -> None:
    said, folder = unbroken
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    late = next(message.file for message in _all(Checkpoint, said) if message.step == 160)
    again = _run(_order(tmp_path, _specification(), late, attempt=2))
    other = _run(_order(tmp_path, _specification(**change), late, attempt=3))
    np.testing.assert_array_equal(_losses(again), _losses(said)[160:])
    assert np.abs(_losses(other) - _losses(again))[-4:].max() > 1e-6


def test_a_missing_checkpoint_fails_the_job(tmp_path: Path) -> None:
    said = _run(_order(tmp_path, _specification(), "000000100-1.npz"))
    assert isinstance(said[-1], Failed)
    assert "000000100-1.npz" in said[-1].reason


@pytest.mark.usefixtures("without_compilation")
@pytest.mark.parametrize(
    ("data", "figures"),
    [
        ({"name": "ring8"}, {"modes_covered", "modes_fairly_covered", "high_quality", "reverse_kl"}),
        ({"name": "corner_cloud"}, {"mean_squared_distance", "barycentre_squared_distance"}),
        ({"name": "moons"}, {"sliced_wasserstein"}),
    ],
)
def test_figures_suit_the_data(data: dict[str, str], figures: set[str], tmp_path: Path) -> None:
    said = _run(_order(tmp_path, _specification(model="simple_gan", data=data, epochs=1, steps_per_epoch=2)))
    snapshot = _all(Snapshot, said)[-1]
    assert snapshot.figures is not None
    assert set(snapshot.figures) == figures


def _own(folder: Path, points: npt.NDArray[np.floating], **body: object) -> tuple[TrainCommand, StoredData]:
    """Order a training on points in units of their own, as the service stores them."""
    stored, unit = prepared(Table(points), normalize=True)
    order = _order_of_points(folder, unit, **body)
    data = stored.model_dump(mode="json")
    return order._replace(specification=order.specification | {"data": data}), stored


PEOPLE = np.random.default_rng(0).normal([75, 170], [12, 9], (1_000, 2))


@pytest.mark.usefixtures("without_xla", "ten_snapshots")
def test_own_data_is_shown_and_judged_in_its_own_units(tmp_path: Path) -> None:
    order, stored = _own(tmp_path, PEOPLE, model="simple_gan", epochs=3)
    said = _run(order)
    assert isinstance(said[-1], Done)
    files = JobFiles.at(order.folder)
    real, snapshot = (json.loads(path.read_text()) for path in (files.real, files.snapshot(300)))

    distances = np.abs(np.array(real["real"])[:, np.newaxis] - PEOPLE).max(axis=2)
    assert distances.min(axis=1).max() < 0.01, "each is one of the people"
    (left, right), (low, high) = real["box"]
    assert left < PEOPLE[:, 0].min() < PEOPLE[:, 0].max() < right < 2 * PEOPLE[:, 0].max()
    assert low < PEOPLE[:, 1].min() < PEOPLE[:, 1].max() < high < 2 * PEOPLE[:, 1].max()
    made = np.array(snapshot["generated"])
    assert (made >= [left, low]).all()
    assert (made <= [right, high]).all()
    # Kilograms and centimetres: what is 0 … 1 to the network is some fifty of them.
    first = _all(Snapshot, said)[0].figures
    assert first is not None
    assert first["sliced_wasserstein"] is not None
    assert 3 < first["sliced_wasserstein"] < 60

    metadata = read_metadata(files.weights("weights-1") / "generator.h5")
    assert metadata is not None
    transform = metadata["column_transform"]
    assert transform == stored.model_dump(mode="json")["transform"]
    with files.open("weights-1/generator.npz") as file:
        drawn = sample(file, "normal", 2_000, seed=0)
    values = drawn * transform["scale"] + transform["offset"]
    np.testing.assert_array_equal(values, in_units(drawn, stored).points)
    assert (np.abs(values.mean(axis=0) - [75, 170]) < 30).all()


@pytest.mark.usefixtures("without_compilation")
def test_a_thousand_columns_travel_with_the_weights(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(1e-300, 1e-305, (250, 1_024))
    body: dict[str, Any] = {"model": "simple_gan", "epochs": 1, "steps_per_epoch": 1, "gen_shape": (2, 4, 1_024)}
    order, stored = _own(tmp_path, points, **body, views=["manifold", "gradient"], critic_activation="linear")
    said = _run(order)
    assert isinstance(said[-1], Done)
    size = JobFiles.at(order.folder).snapshot(1).stat().st_size
    most = snapshot_bytes(Specification.model_validate(order.specification))
    assert most / 3 < size < most, "numbers of so many digits are counted"
    metadata = read_metadata(order.folder / "weights-1" / "discriminator.h5")
    assert metadata is not None
    assert metadata["column_transform"] == stored.model_dump(mode="json")["transform"]


@pytest.mark.usefixtures("without_compilation")
def test_a_file_sorted_by_class_gives_no_wrong_picture(tmp_path: Path) -> None:
    """Three classes, one after the other: the picture and the figures are of all three."""
    classes = np.repeat([10.0, 20.0, 30.0], [600, 600, 300])
    points = np.column_stack([classes, classes])
    shown = {}
    for run, seed in (("first", 0), ("again", 0), ("other", 1)):
        order, _ = _own(tmp_path / run, points, model="simple_gan", epochs=1, steps_per_epoch=2, seed=seed)
        said = _run(order)
        real = json.loads(JobFiles.at(order.folder).real.read_text())["real"]
        values, counts = np.unique(np.array(real)[:, 0], return_counts=True)
        np.testing.assert_allclose(values, [10, 20, 30], atol=0.01)
        np.testing.assert_allclose(counts / 400, [0.4, 0.4, 0.2], atol=0.08)
        figures = [message.figures for message in _all(Snapshot, said)]
        shown[run] = (real, figures)
    assert shown["first"] == shown["again"]
    assert shown["first"] != shown["other"]


def test_own_data_that_is_resumed_is_shown_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    whole, broken = (_own(tmp_path / name, PEOPLE, epochs=1, steps_per_epoch=20)[0] for name in ("whole", "broken"))
    unbroken = _run(whole)
    checkpoint = _all(Checkpoint, _run(broken, stop_after=3))[-1]
    second = _run(broken._replace(checkpoint=checkpoint.file, attempt=2))
    assert 0 < checkpoint.step < 20
    assert _all(Snapshot, unbroken)[-1] == _all(Snapshot, second)[-1]
    for name in ("snapshots/000000020.json", "real.json"):
        assert (broken.folder / name).read_text() == (whole.folder / name).read_text()


@pytest.mark.usefixtures("without_compilation")
def test_jobs_that_were_stored_without_a_transform_are_read_and_trained_as_before(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(-1, 2, (300, 2))
    order = _order_of_points(tmp_path, points, epochs=1, steps_per_epoch=2)
    order.specification["data"] = {"rows": 300, "dimensions": 2}
    assert isinstance(_run(order)[-1], Done)
    files = JobFiles.at(order.folder)
    real = json.loads(files.real.read_text())
    np.testing.assert_allclose(real["real"], points, atol=1e-4)
    assert real["box"] == [[float(c.min()), float(c.max())] for c in points.astype(np.float32).T]
    metadata = read_metadata(files.weights("weights-1") / "generator.h5")
    assert metadata is not None
    assert "column_transform" not in metadata


@pytest.mark.usefixtures("without_compilation")
def test_toy_data_are_what_they_were(tmp_path: Path) -> None:
    order = _order(tmp_path, _specification(data={"name": "moons"}, epochs=1, steps_per_epoch=2))
    assert isinstance(_run(order)[-1], Done)
    real = json.loads(JobFiles.at(order.folder).real.read_text())
    first = make("moons", 1_000, seed=0)[:400].astype(np.float64)
    assert real["real"] == first.round(4).tolist()
    assert (real["dimensions"], real["box"], real["modes"]) == (2, [[0, 1], [0, 1]], None)


@pytest.mark.usefixtures("without_compilation")
def test_points_of_one_coordinate_have_no_plane(tmp_path: Path) -> None:
    points = np.random.default_rng(0).random((300, 1))
    order = _order_of_points(tmp_path, points, gen_shape=(1, 4, 1), epochs=1, steps_per_epoch=2)
    said = _run(order)
    assert isinstance(said[-1], Done)
    assert json.loads(JobFiles.at(order.folder).snapshot(2).read_text())["scores"] is None


@pytest.mark.parametrize("when", ["before it begins", "while it trains"])
def test_a_late_session_does_not_bring_a_deleted_job_back(when: str, tmp_path: Path) -> None:
    order = _order(tmp_path, _specification())
    files = JobFiles.at(order.folder)

    def send(message: Message) -> None:
        if isinstance(message, Progress):
            files.remove()

    if when == "before it begins":
        files.remove()
    with pytest.raises(FileNotFoundError):
        Session(order, send, lambda: False).run()
    assert not files.folder.exists()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "own points are gone"),
        (lambda path: path.write_bytes(b"\x93NUMPY"), "own points is damaged"),
        (lambda path: path.write_bytes(b""), "own points is damaged"),
        (lambda path: np.save(path, np.zeros((3, 2), np.float32)), r"expected the 300 × 2 points .* got \(3, 2\)"),
    ],
    ids=["gone", "torn", "empty", "others"],
)
def test_points_that_vanished_or_were_damaged_fail_the_job(
    damage: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    order = _order_of_points(tmp_path, np.random.default_rng(0).random((300, 2)))
    damage(JobFiles.at(order.folder).points)
    failed = _run(order)[-1]
    assert isinstance(failed, Failed)
    assert re.search(reason, failed.reason)
    assert str(tmp_path) not in failed.reason


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, r"got none \(No such file or directory\)"),
        (lambda path: (path.unlink(), path.mkdir()), r"got none \(Is a directory\)"),
        (lambda path: path.write_bytes(b""), "got a damaged file"),
        (lambda path: path.write_bytes(b"PK"), "got a damaged file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "got a damaged file"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"seed", b"weed")), "another model: seed .* as None"),
        (lambda path: np.savez(path, seed=np.array(["a"])), "another model"),
        (lambda path: np.savez(path, **(dict(np.load(path)) | {"seed": np.ones(2)})), "another model: seed"),
    ],
)
def test_a_checkpoint_that_vanished_or_was_damaged_fails_the_job(
    damage: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    name = "000000020-1.npz"
    specification = _specification()
    order = _order(tmp_path, specification, checkpoint=name)
    path = JobFiles(tmp_path, ID).checkpoint(name)
    save_checkpoint(build(specification.settings, make("circle", 200, seed=0), 0), path)
    damage(path)
    failed = _run(order)[-1]
    assert isinstance(failed, Failed)
    assert re.search(f"its checkpoint {name} is damaged or gone: .*{reason}", failed.reason)
    assert str(tmp_path) not in failed.reason
