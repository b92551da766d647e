"""What may be trained, and the arithmetic of what would not fit."""

import re
from dataclasses import fields, replace
from typing import Any

import pytest
from pydantic import ValidationError

from app.config import Settings
from app.jobs.limits import LimitError, draw_bytes, forked, specify
from app.jobs.service.views import Job
from app.jobs.specification import ForkRequest, JobRequest, PointData, Specification, StepRequest, StoredData, ToyData
from models.catalogue import (
    BLOCK_BYTES,
    BLOCK_STEPS,
    CLASS_NAMES,
    TOY_DIMENSIONS,
    GanName,
    block_steps,
    discriminator_widths,
    parameters,
    step_bytes,
)
from models.presets import PRESETS, PresetName, ToySettings

SETTINGS = Settings()
#: The settings that came after 0.2.
NEW = {"final_rate", "beta_1", "beta_2", "ema", "critic_activation", "generator_gain", "critic_gain", "preset", "views"}
_FIELDS = fields(ToySettings)


def _request(**body: Any) -> JobRequest:
    return JobRequest.model_validate({"model": "wgan_gp"} | body)


def test_every_default_is_the_exercises() -> None:
    specification = specify(_request(), None, SETTINGS)
    assert specification.gen_shape == (2, 10, 10, 5)
    assert (specification.epochs, specification.steps_per_epoch, specification.total_steps) == (16, 100, 1_600)
    assert (specification.batch_size, specification.disc_iter) == (200, 2)
    assert (specification.learning_rate, specification.lambda_gp, specification.clip) == (0.005, 10, 1)


_BELONGING = [("lambda_gp", "wgan_gp"), ("clip", "wgan_clip")]


@pytest.mark.parametrize("model", ["simple_gan", "wgan_clip", "wgan_gp"])
@pytest.mark.parametrize("value", [1, 10, 0.5])
@pytest.mark.parametrize(("name", "owner"), _BELONGING)
def test_a_setting_of_another_model_is_refused(model: str, name: str, owner: str, value: float) -> None:
    request = _request(model=model, **{name: value})
    if model == owner:
        assert getattr(specify(request, None, SETTINGS), name) == value
    else:
        with pytest.raises(LimitError, match=f"^{name}: expected it only with {owner}, got {value} with {model}; "):
            specify(request, None, SETTINGS)


@pytest.mark.parametrize(("name", "owner"), _BELONGING)
def test_a_fork_takes_no_setting_of_another_model(name: str, owner: str) -> None:
    parent = specify(_request(model="simple_gan"), None, SETTINGS)
    with pytest.raises(LimitError, match=f"^{name}: expected it only with {owner}"):
        forked(parent, ForkRequest.model_validate({name: 0.5}), 800, SETTINGS)


def test_a_job_stored_with_a_setting_of_another_model_can_be_read_and_forked() -> None:
    stored = specify(_request(model="wgan_gp"), None, SETTINGS).model_dump() | {"clip": 0.5}
    parent = Specification.model_validate(stored)
    assert parent.clip == 0.5
    fork = forked(parent, ForkRequest(learning_rate=0.001), 800, SETTINGS)
    assert (fork.clip, fork.learning_rate) == (0.5, 0.001)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_alone_is_a_job(name: PresetName) -> None:
    preset = PRESETS[name]
    specification = specify(JobRequest(preset=name), None, SETTINGS)  # type: ignore[call-arg]  # the model is filled in
    assert specification.settings == ToySettings(**{field.name: getattr(preset, field.name) for field in _FIELDS})
    assert specification.data == ToyData(name=preset.data, size=preset.size)
    assert specification.preset == name
    # What GET /presets shows starts the same job.
    shown = specify(JobRequest.model_validate(preset.job()), None, SETTINGS)
    assert shown.model_copy(update={"preset": name}) == specification


def test_whatever_the_body_gives_overrules_its_preset() -> None:
    given: dict[str, Any] = {"disc_iter": 4, "epochs": 3, "latent_type": "uniform", "ema": None}
    body = {"preset": "ring8", "seed": 9, "data": {"name": "moons"}} | given
    specification = specify(JobRequest.model_validate(body), None, SETTINGS)
    usual = specify(JobRequest.model_validate({"preset": "ring8"}), None, SETTINGS)
    assert specification.settings == replace(usual.settings, **given)
    assert (specification.seed, specification.data) == (9, ToyData(name="moons"))


@pytest.mark.parametrize("model", CLASS_NAMES)
@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_had_for_every_model(name: PresetName, model: GanName) -> None:
    specification = specify(JobRequest(preset=name, model=model), None, SETTINGS)
    assert specification.model == model
    assert specification.critic_activation == PRESETS[name].with_model(model).critic_activation


@pytest.mark.parametrize("dimensions", [1, 2, 5, 7])
def test_a_preset_s_networks_end_as_the_data_do(dimensions: int) -> None:
    request = JobRequest.model_validate({"preset": "ring8"})
    stored = StoredData(rows=300, dimensions=dimensions)
    assert "data" not in request.model_fields_set  # a file may bring it
    assert specify(request, stored, SETTINGS).gen_shape == (2, 128, 128, 128, dimensions)
    given = JobRequest.model_validate({"preset": "ring8", "gen_shape": [2, 8, 8, 3]})
    with pytest.raises(LimitError, match=f"expected it to end with the {dimensions} coordinates"):
        specify(given, stored, SETTINGS)


@pytest.mark.parametrize("name", ["ring9", 8, ["ring8"], {}])
def test_an_unknown_preset_is_one_complaint(name: object) -> None:
    with pytest.raises(ValidationError) as error:
        JobRequest.model_validate({"preset": name})
    assert [item["loc"] for item in error.value.errors()] == [("preset",)]


def test_settings_that_a_stored_job_lacks_are_the_exercises() -> None:
    stored = specify(_request(), None, SETTINGS).model_dump()
    old = {name: stored[name] for name in stored if name not in NEW}
    assert Specification.model_validate(old) == Specification.model_validate(stored)


def test_views_are_kept_in_one_order_and_each_once() -> None:
    assert specify(_request(), None, SETTINGS).views == ()
    given = ["gradient", "manifold", "gradient"]
    assert specify(_request(views=given), None, SETTINGS).views == ("manifold", "gradient")
    with pytest.raises(ValidationError, match="'manifold' or 'gradient'"):
        _request(views=["landscape"])


def test_a_fork_inherits_views_and_may_change_them() -> None:
    parent = specify(_request(views=["manifold"]), None, SETTINGS)
    for asked, expected in (({}, ("manifold",)), ({"views": []}, ()), ({"views": ["gradient"]}, ("gradient",))):
        assert forked(parent, ForkRequest.model_validate(asked), 800, SETTINGS).views == expected


@pytest.mark.parametrize("name", TOY_DIMENSIONS)
def test_left_out_the_generator_ends_as_the_data_do(name: str) -> None:
    assert specify(_request(data={"name": name}), None, SETTINGS).gen_shape[-1] == TOY_DIMENSIONS[name]  # type: ignore[index]


def test_own_points_decide_the_shape() -> None:
    specification = specify(_request(), StoredData(rows=300, dimensions=3), SETTINGS)
    assert specification.gen_shape == (2, 10, 10, 3)
    assert (specification.rows, specification.dimensions) == (300, 3)


def test_what_would_not_fit_is_refused_with_the_arithmetic() -> None:
    request = _request(gen_shape=[1_024] * 9 + [5], batch_size=4_096, data={"name": "four_clouds", "size": 100_000})
    with pytest.raises(LimitError, match=r"the job would not fit: 16 bytes × \(.* = [\d,]+ MiB, and a job may take"):
        specify(request, None, SETTINGS)


def test_random_numbers_that_would_not_fit_are_refused() -> None:
    data = {"name": "corner_cloud", "size": 4_096}
    small = specify(_request(data=data, batch_size=4_096), None, SETTINGS)
    assert draw_bytes(small) > 2**20
    with pytest.raises(LimitError, match=r"[\d,]+ MiB of random numbers = .* a smaller disc_iter"):
        specify(
            _request(data=data | {"size": 10_000}, batch_size=4_096, disc_iter=100, gen_shape=[1_024, 9, 49]),
            None,
            SETTINGS,
        )


def test_they_are_counted_as_the_loop_draws_them() -> None:
    specification = specify(
        _request(gen_shape=[3, 10, 10, 5], data={"name": "four_clouds"}, disc_iter=4), None, SETTINGS
    )
    sizes = (specification.batch_size, specification.disc_iter, 5, 3)
    assert draw_bytes(specification) == step_bytes(*sizes)
    assert BLOCK_BYTES == 64 * 2**20
    assert block_steps(*sizes) == BLOCK_STEPS
    assert block_steps(4_096, 5, 49, 49) == BLOCK_BYTES // step_bytes(4_096, 5, 49, 49) < BLOCK_STEPS
    assert block_steps(4_096, 100, 1_024, 1_024) == 1


@pytest.mark.parametrize("shape", [(1, 100, 100, 2), (2, 10, 10, 5), (3, 7, 5, 4), (4, 6, 2)])
def test_parameters_are_those_of_the_networks(shape: tuple[int, ...]) -> None:
    pytest.importorskip("keras")
    from models import fully_connected_GenDiscr

    generator, discriminator, _ = fully_connected_GenDiscr(shape)
    assert parameters(shape) == generator.count_params()
    assert parameters(discriminator_widths(shape)) == discriminator.count_params()


def test_a_fork_goes_on_from_its_step() -> None:
    parent = specify(_request(), None, SETTINGS)
    longer = forked(parent, ForkRequest(epochs=20, learning_rate=0.001), 1_600, SETTINGS)
    assert (longer.total_steps, longer.learning_rate, longer.seed) == (2_000, 0.001, parent.seed)
    with pytest.raises(LimitError, match="more steps"):
        forked(parent, ForkRequest(), 1_600, SETTINGS)
    with pytest.raises(ValidationError):
        ForkRequest.model_validate({"gen_shape": [2, 3, 5]})


def test_dimensions_are_those_of_the_data() -> None:
    from models.toys.datasets import NAMES, make

    assert {name: make(name, 2, seed=0).shape[1] for name in NAMES} == TOY_DIMENSIONS


def test_everything_that_a_job_trains_is_shown() -> None:
    assert set(Specification.model_fields) <= set(Job.model_fields)


def test_points_have_a_name_which_makes_no_toy_of_them() -> None:
    request = _request(data={"name": "circle", "points": [[1, 2]]})
    assert isinstance(request.data, PointData)
    assert request.data.name == "circle"
    for name in ("x" * 201, "a\0b"):
        with pytest.raises(ValidationError):
            _request(data={"name": name, "points": [[1, 2]]})
    stored = StoredData(name="circle", rows=1, dimensions=2)
    specification = specify(_request(batch_size=1), stored, SETTINGS)
    assert Specification.model_validate_json(specification.model_dump_json()).data == stored


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        ([[]], "expected rows of at least one number; row 0 has none"),
        ([[1, 2], [3]], "expected rows of one length, got 2 in row 0 and 1 in row 1"),
        ([[1], []], "expected rows of one length, got 1 in row 0 and 0 in row 1"),
    ],
)
def test_rows_that_cannot_be_are_named_once(points: list[list[float]], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        _request(data={"points": points})
    assert problem in str(caught.value)


_NUMBERS = [
    *("epochs", "steps_per_epoch", "batch_size", "disc_iter", "learning_rate", "lambda_gp", "clip", "final_rate"),
    *("beta_1", "beta_2", "ema", "generator_gain", "critic_gain", "seed", "gen_shape.0", "data.size", "data.noise"),
    *("data.points.0.0", "normalize"),
]


def _with(path: str, value: object) -> dict[str, Any]:
    """Return the body of a job with a value at a path."""
    for part in reversed(path.split(".")):
        value = [value, 2, 2] if part == "0" else {part: value}
    assert isinstance(value, dict)
    if path.startswith("data.") and "points" not in path:
        value["data"]["name"] = "circle"
    return value


@pytest.mark.parametrize("path", _NUMBERS)
def test_what_is_no_number_in_json_is_none_here(path: str) -> None:
    values: list[object] = ["1", "yes", [1], {}, *((0, 1) if path == "normalize" else (True, False))]
    for value in values:
        with pytest.raises(ValidationError):
            JobRequest.model_validate({"model": "wgan_gp"} | _with(path, value))


@pytest.mark.parametrize("kind", [ForkRequest, StepRequest])
def test_nor_in_other_requests(kind: type[ForkRequest] | type[StepRequest]) -> None:
    numbers = [name for name, field in kind.model_fields.items() if re.search("int|float|bool", str(field.annotation))]
    assert len(numbers) >= 2
    for name in numbers:
        values: list[object] = ["1", "yes", [1], {}, *((0, 1) if name == "half" else (True, False))]
        for value in values:
            with pytest.raises(ValidationError, match=name):
                kind.model_validate({name: value})


def test_a_whole_number_may_have_a_decimal_point() -> None:
    request = JobRequest.model_validate({"model": "wgan_gp", "seed": 7.0, "epochs": 1e3, "gen_shape": [2.0, 8, 5]})
    assert (request.seed, request.epochs, request.gen_shape) == (7, 1000, (2, 8, 5))
