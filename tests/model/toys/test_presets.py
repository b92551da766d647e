from dataclasses import replace
from typing import Any, cast

import keras
import numpy as np
import pytest

from models import WGAN_GP, WGAN_clip, train
from models.catalogue import CLASS_NAMES, GanName, ToyName
from models.gan import GAN
from models.presets import PRESETS, Preset, PresetName
from models.toys.building import (
    GAN_CLASSES,
    build_preset,
    generate,
    trained_generator,
    widen_first_layer,
)
from models.toys.datasets import NAMES, make, modes_of
from models.toys.metrics import sliced_wasserstein
from models.toys.report import evaluate_preset, measure
from tests.model.toy_gans import weights_of

TINY = Preset(
    title="", watch="", data="ring8", size=64, gen_shape=(2, 8, 8, 2), epochs=1, steps_per_epoch=3, batch_size=16
)


def _averaged(preset: Preset, **changes: Any) -> Preset:
    return replace(preset, **({"ema": 0.9, "final_rate": 0.1} | changes))


# --- presets ---------------------------------------------------------------------------------------------------------


def test_every_toy_distribution_has_a_preset() -> None:
    assert set(NAMES) <= set(PRESETS)
    assert all(PRESETS[cast(PresetName, name)].data == name for name in NAMES)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_say_what_to_watch_in_two_sentences(name: PresetName) -> None:
    assert PRESETS[name].watch.count(". ") == 1
    assert PRESETS[name].watch.endswith(".")


def test_betas_and_clip_are_those_of_the_settings() -> None:
    gan = build_preset(replace(TINY, model="wgan_clip", clip=0.5, beta_1=0.25, beta_2=0.75), 0)
    assert isinstance(gan, WGAN_clip)
    assert gan.clip == 0.5
    for network in (gan.generator, gan.discriminator):
        assert (network.optimizer.beta_1, network.optimizer.beta_2) == (0.25, 0.75)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_build_what_they_say(name: PresetName) -> None:
    preset = PRESETS[name]
    gan = build_preset(replace(preset, size=preset.batch_size), 0)
    assert type(gan) is GAN_CLASSES[preset.model]
    assert [gan.generator.input_shape[1], *(layer.units for layer in gan.generator.layers[1:])] == [*preset.gen_shape]
    end = getattr(keras.activations, preset.critic_activation)
    assert gan.discriminator.layers[-1].activation is end
    assert (gan.batch_size, gan.disc_iter) == (preset.batch_size, preset.disc_iter)
    assert not isinstance(gan, WGAN_GP) or gan.lambda_gp == preset.lambda_gp
    assert gan.generator.optimizer.use_ema == (preset.ema is not None)
    assert not gan.discriminator.optimizer.use_ema
    assert gan.seed == 0
    assert gan.steps_done == 0


def test_ring_and_grid_share_one_recipe() -> None:
    ring, grid = (replace(PRESETS[name], title="", watch="") for name in ("ring8", "grid25"))
    assert replace(ring, data="grid25") == grid


def test_the_exercise_s_corner_cloud_is_kept() -> None:
    gan = build_preset(PRESETS["corner_cloud_exercise"], 0)
    assert gan.real_examples.shape == (10_000, 49)
    assert gan.generator.count_params() == 49 * 98 + 98 + 98 * 98 + 98 + 98 * 49 + 49
    assert float(gan.generator.optimizer.learning_rate) == pytest.approx(3e-5)
    assert gan.generator.optimizer.beta_1 == 0.3
    assert PRESETS["corner_cloud_exercise"].total_steps == PRESETS["corner_cloud"].total_steps == 100 * 250


def test_build_follows_from_the_seed() -> None:
    wide = replace(TINY, generator_gain=3.0, critic_gain=3.0)
    one, same, other = (build_preset(wide, seed) for seed in (1, 1, 2))
    for first, second in zip(weights_of(one), weights_of(same), strict=True):
        np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(one.real_examples, same.real_examples)
    assert (weights_of(one)[0] != weights_of(other)[0]).any()
    assert (np.asarray(one.real_examples) != np.asarray(other.real_examples)).any()


@pytest.mark.parametrize("model", GAN_CLASSES)
def test_other_gans_train_on_the_same_terms(model: GanName) -> None:
    linear = replace(TINY, critic_activation="linear")
    preset = linear.with_gan(CLASS_NAMES[model])
    gan = build_preset(preset, 0)
    assert type(gan) is GAN_CLASSES[model]
    assert gan.generator.optimizer.beta_1 == gan.beta_1
    assert preset.critic_activation == ("linear" if model == "wgan_gp" else "tanh")
    assert replace(preset, model="wgan_gp", critic_activation="linear") == linear


def test_rates_fall_only_where_asked() -> None:
    gan = build_preset(_averaged(TINY), 0)
    rate, critic_rate = (network.optimizer._learning_rate for network in (gan.generator, gan.discriminator))
    assert [float(rate(step)) for step in (0, TINY.total_steps)] == pytest.approx([0.005, 0.0005])
    assert float(critic_rate(TINY.total_steps * TINY.disc_iter)) == pytest.approx(0.0005)
    assert float(build_preset(TINY, 0).generator.optimizer.learning_rate) == pytest.approx(0.005)


def test_the_trained_generator_is_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GAN, "uses_xla", False)  # compiles faster
    preset = _averaged(TINY, model="simple_gan")
    gan = build_preset(preset, 0)
    train(gan, preset.total_steps)
    last = weights_of(gan)
    averaged = trained_generator(preset, gan).get_weights()
    expected = gan.generator.optimizer._model_variables_moving_average
    for value, average, raw in zip(averaged, expected, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(value, average)
        assert (value != raw).any()
    for before, after in zip(last, weights_of(gan), strict=True):
        np.testing.assert_array_equal(before, after)


def test_without_an_average_the_trained_generator_is_the_last_one() -> None:
    gan = build_preset(TINY, 0)
    for value, raw in zip(trained_generator(TINY, gan).get_weights(), gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(value, raw)
    points = generate(TINY, gan, 7)
    assert points.shape == (7, 2)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, generate(TINY, gan, 7))


def test_widened_units_bend_where_they_should() -> None:
    network = build_preset(TINY, 0).discriminator
    kernel, _ = network.layers[1].get_weights()
    bends = np.random.default_rng(0).uniform(size=(8, 2)).astype(np.float32)
    widen_first_layer(network, 20.0, bends)
    wide, bias = network.layers[1].get_weights()
    np.testing.assert_allclose(wide, 20 * kernel)
    np.testing.assert_allclose(np.diag(bends @ wide + bias), 0, atol=1e-5)


def test_an_unknown_gan_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of Simple_GAN, WGAN_clip, WGAN_GP, got 'GAN'"):
        TINY.with_gan("GAN")


def test_unknown_data_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown toy data"):
        build_preset(replace(TINY, data=cast(ToyName, "ring9")), 0)


# --- the report ------------------------------------------------------------------------------------------------------


def test_a_short_training_already_nears_the_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GAN, "uses_xla", False)  # compiles faster
    preset = replace(PRESETS["ring8"], epochs=3, size=2_000, gen_shape=(2, 32, 32, 2), batch_size=64, ema=None)
    before = measure("ring8", generate(preset, build_preset(preset, 0), 2_500))
    (after,) = evaluate_preset(preset, [0])
    assert after["sliced_wasserstein"] < before["sliced_wasserstein"] / 3


def test_rows_name_their_seed_and_progress_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GAN, "run_eagerly", True)
    steps: list[tuple[int, int]] = []
    rows = evaluate_preset(TINY, [4, 5], on_progress=lambda seed, progress: steps.append((seed, progress.step)))
    assert [row["seed"] for row in rows] == [4, 5]
    assert all(row["seconds"] > 0 for row in rows)
    assert [step for step in steps if step[1] == 3] == [(4, 3), (5, 3)]


@pytest.mark.parametrize("data", NAMES)
def test_real_points_measure_well(data: str) -> None:
    row = measure(data, make(data, 2_500, seed=8))
    assert row["sliced_wasserstein"] < 0.02
    if data == "corner_cloud":
        assert row["mean_squared_distance"] == pytest.approx(0.1225, rel=0.05)
        assert row["barycentre_squared_distance"] == pytest.approx(0.000245, rel=0.5)
    elif (modes := modes_of(data)) is not None:
        assert row["modes_covered"] == len(modes.centres)
        assert row["high_quality"] > 0.98
        assert row["reverse_kl"] < 0.001
    else:
        assert set(row) == {"sliced_wasserstein"}


# --- sliced Wasserstein ----------------------------------------------------------------------------------------------


def test_sliced_wasserstein_of_a_shift_on_the_line() -> None:
    points = np.random.default_rng(0).normal(size=(20, 1))
    assert sliced_wasserstein(points, points) == 0
    assert sliced_wasserstein(points, points[::-1] + 0.25) == pytest.approx(0.25)


def test_sliced_wasserstein_of_a_shift_in_the_plane() -> None:
    """The mean of |cos| over directions is 2 / pi."""
    points, shift = np.random.default_rng(0).normal(size=(20, 2)), np.array([0.3, 0.4])
    assert sliced_wasserstein(points, points + shift, directions=4_096) == pytest.approx(0.5 * 2 / np.pi, rel=0.03)


@pytest.mark.parametrize(
    ("real", "fake", "options", "message"),
    [
        ([[1.0]], [[1.0], [2.0]], {}, r"fake: expected the shape of real, \(1, 1\), got \(2, 1\)"),
        ([[1.0]], [[np.nan]], {}, "fake: expected finite numbers, got nan"),
        ([1.0], [[1.0]], {}, r"real: expected the shape \(count, dim\)"),
        ([[1.0]], [[1.0]], {"directions": 0}, "directions: expected at least 1, got 0"),
    ],
)
def test_sliced_wasserstein_refuses(real: Any, fake: Any, options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sliced_wasserstein(real, fake, **options)
