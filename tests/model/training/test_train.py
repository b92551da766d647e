import random
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import WGAN_GP, DivergenceError, Simple_GAN, convolutional_GenDiscr, train
from models.gan import GAN
from models.latents import LatentGenerator
from models.training import shared_loops
from models.training.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from models.training.description import describe
from models.training.draws import Draws, PreparedRandomness
from models.training.loop import UNROLLED_UPDATES
from models.training.train import Progress
from tests.model.toy_gans import CLASSES, small_gan, weights_of


def _foreign_latents(k: int) -> tf.Tensor:
    return tf.random.normal((k, 2)) * 0.5


@pytest.mark.parametrize("gan_class", CLASSES)
def test_history_has_one_value_a_step(gan_class: type[GAN]) -> None:
    gan = small_gan(gan_class)
    history = train(gan, 20)

    assert list(history) == list(gan.loss_names)
    assert all(values.shape == (20,) and np.isfinite(values).all() for values in history.values())
    assert gan.steps_done == 20


@pytest.mark.parametrize("disc_iter", [UNROLLED_UPDATES, UNROLLED_UPDATES + 1])
@pytest.mark.parametrize("gan_class", CLASSES)
def test_steps_are_those_of_the_plain_train_step(gan_class: type[GAN], disc_iter: int) -> None:
    """The same batches, latents and interpolation weights, step by step and through the compiled loop."""
    plain, looped = (small_gan(gan_class, disc_iter=disc_iter) for _ in range(2))
    draws = plain.step_draws(0)
    plain_losses = []
    for step in range(20):
        with plain.drawing_from(PreparedRandomness(Draws(*(values[step] for values in draws)))):
            plain_losses.append([float(value) for value in plain.train_step(None).values()])
    history = train(looped, 20)

    np.testing.assert_allclose(np.stack(list(history.values()), axis=1), plain_losses, atol=1e-5, rtol=0)
    for one, two in zip(weights_of(plain), weights_of(looped), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5, rtol=0)


def test_steps_of_convolutional_networks_are_those_of_the_plain_train_step() -> None:
    plain, looped = _face_gan(), _face_gan()
    draws = plain.step_draws(0)
    for step in range(3):
        with plain.drawing_from(PreparedRandomness(Draws(*(values[step] for values in draws)))):
            plain_logs = plain.train_step(None)
    history = train(looped, 3)

    for name, value in plain_logs.items():
        assert history[name][-1] == pytest.approx(float(value), abs=1e-4)
    for one, two in zip(weights_of(plain), weights_of(looped), strict=True):
        np.testing.assert_allclose(one, two, atol=1e-4, rtol=0)


def _face_gan() -> GAN:
    keras.utils.set_random_seed(0)
    faces = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16))
    latents = LatentGenerator("normal", 16)
    gan = WGAN_GP(*convolutional_GenDiscr(), latents, faces, batch_size=4, disc_iter=1, learning_rate=1e-4)
    gan.seed = 0
    return gan


@pytest.mark.parametrize(
    ("gan_class", "latents"), [*((gan_class, None) for gan_class in CLASSES), (WGAN_GP, _foreign_latents)]
)
def test_a_resumed_run_ends_bit_for_bit_like_an_unbroken_one(
    gan_class: type[GAN], latents: Any, tmp_path: Path
) -> None:
    unbroken = small_gan(gan_class, latents=latents)
    whole = train(unbroken, 130)  # more than two blocks

    first = small_gan(gan_class, latents=latents)
    before = train(first, 13)
    save_checkpoint(first, tmp_path / "checkpoint.npz")
    second = small_gan(gan_class, latents=latents, seed=99)  # other weights, another seed: all must come from the file
    load_checkpoint(second, tmp_path / "checkpoint.npz")
    after = train(second, 117)

    assert second.seed == unbroken.seed
    for name in unbroken.loss_names:
        np.testing.assert_array_equal(np.concatenate([before[name], after[name]]), whole[name])
    for one, two in zip(weights_of(second), weights_of(unbroken), strict=True):
        np.testing.assert_array_equal(one, two)
    for one, two in zip(
        [variable.numpy() for variable in second.generator.optimizer.variables],
        [variable.numpy() for variable in unbroken.generator.optimizer.variables],
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


def test_the_length_of_chunks_changes_nothing() -> None:
    whole, parts = small_gan(), small_gan()
    train(whole, 120)
    for steps in (1, 2, 47, 3, 67):
        train(parts, steps)
    for one, two in zip(weights_of(whole), weights_of(parts), strict=True):
        np.testing.assert_array_equal(one, two)


def test_models_of_one_architecture_share_a_loop() -> None:
    gan, other = small_gan(), small_gan(seed=1, learning_rate=0.02)
    assert shared_loops.loop_for(gan) is shared_loops.loop_for(other)

    alone = small_gan()
    train(alone, 20)
    for _ in range(2):
        train(gan, 10)
        train(other, 10)
    for one, two in zip(weights_of(alone), weights_of(gan), strict=True):
        np.testing.assert_array_equal(one, two)


def _relu(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(x)


def test_what_makes_another_architecture() -> None:
    gan = small_gan()
    others = [small_gan(Simple_GAN), small_gan(disc_iter=3), small_gan(batch_size=7), small_gan(lambda_gp=5)]
    linear = small_gan()
    linear.discriminator.layers[-1].activation = keras.activations.linear
    rigid = small_gan()
    rigid.generator.layers[1].trainable = False
    averaged = small_gan()
    averaged.set_optimizers(keras.optimizers.Adam(use_ema=True), keras.optimizers.Adam())
    descriptions = [describe(one) for one in (gan, *others, linear, rigid, averaged)]
    assert all(description.complete for description in descriptions)
    assert len({description.key for description in descriptions}) == len(descriptions)


def test_functions_of_the_caller_s_own_are_not_shared() -> None:
    one, two, patched = (small_gan(disc_iter=1) for _ in range(3))
    for gan in (one, two):
        gan.generator.layers[1].activation = _relu
    setattr(patched, "generator_loss", tf.reduce_mean)  # noqa: B010 (mypy knows it for a method)
    assert len({shared_loops.loop_for(gan) for gan in (one, two, patched)}) == 3

    train(one, 3)
    assert one.steps_done == 3
    own = one.private_loop
    train(one, 3)
    assert one.private_loop is own
    one.compile()
    assert one.private_loop is None


def test_a_loop_leaves_the_random_states_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_loops, "_loops", {})
    gan = small_gan(disc_iter=1)
    gan.compile(jit_compile=False)
    before = random.getstate()
    train(gan, 1)
    assert random.getstate() == before


def test_loops_that_are_not_asked_for_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_loops, "_loops", {})
    monkeypatch.setattr(shared_loops, "KEPT", 2)
    models = [small_gan(Simple_GAN, disc_iter=disc_iter) for disc_iter in (1, 2, 3)]
    first, second, again, _ = [shared_loops.loop_for(models[i]) for i in (0, 1, 0, 2)]
    assert again is first
    assert len(shared_loops._loops) == 2
    assert first in shared_loops._loops.values()
    assert second not in shared_loops._loops.values()


def test_changed_settings_take_over_at_once() -> None:
    gan, as_built = small_gan(), small_gan(batch_size=16, disc_iter=1, lambda_gp=1)
    gan.batch_size, gan.disc_iter = 16, 1
    setattr(gan, "lambda_gp", 1.0)  # noqa: B010 (only WGAN_GP has it)
    train(gan, 5)
    train(as_built, 5)
    for one, two in zip(weights_of(gan), weights_of(as_built), strict=True):
        np.testing.assert_array_equal(one, two)


def test_new_optimizers_take_over_at_once() -> None:
    gan = small_gan(Simple_GAN)
    train(gan, 1)
    gan.compile()
    gan.fit(epochs=1, steps_per_epoch=1, verbose=0)
    gan.set_optimizers(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    before = weights_of(gan)
    train(gan, 1)
    gan.fit(epochs=1, steps_per_epoch=1, verbose=0)
    for one, two in zip(before, weights_of(gan), strict=True):
        np.testing.assert_array_equal(one, two)


def test_progress_adds_up() -> None:
    seen: list[Progress] = []
    gan = small_gan()
    history = train(gan, 50, on_progress=seen.append)

    assert [progress.step for progress in seen][-1] == 50
    np.testing.assert_array_equal(np.concatenate([progress.losses["gp"] for progress in seen]), history["gp"])


def test_stopping_early_keeps_what_was_done() -> None:
    gan = small_gan()
    history = train(gan, 1_000_000, should_stop=lambda: gan.steps_done >= 3)

    assert 3 <= gan.steps_done < 1_000
    assert len(history["gp"]) == gan.steps_done


def test_no_steps() -> None:
    assert {name: len(values) for name, values in train(small_gan(), 0).items()} == {
        "discr_loss": 0,
        "gen_loss": 0,
        "gp": 0,
    }


def test_a_negative_number_of_steps() -> None:
    with pytest.raises(ValueError, match="steps: expected at least 0, got -1"):
        train(small_gan(), -1)


def test_divergence_is_reported_with_its_step() -> None:
    gan = small_gan(Simple_GAN)
    train(gan, 2)
    gan.discriminator.layers[1].kernel.assign(tf.fill((2, 3), float("nan")))
    with pytest.raises(DivergenceError, match=r"discr_loss became nan at step 3; try a smaller learning_rate"):
        train(gan, 5)


def test_the_seed_comes_from_tensorflow_s_unless_set() -> None:
    seeds = []
    for _ in range(2):
        gan = small_gan()
        gan._seed = None
        tf.random.set_seed(7)
        seeds.append(gan.seed)
    assert seeds[0] == seeds[1]


# checkpoints


def test_a_checkpoint_of_another_model_changes_nothing(tmp_path: Path) -> None:
    small = small_gan(Simple_GAN)
    save_checkpoint(small, tmp_path / "checkpoint.npz")
    other = Simple_GAN(*convolutional_GenDiscr(), _foreign_latents, np.zeros((8, 16, 16)), batch_size=2)
    before = weights_of(other)
    with pytest.raises(CheckpointError, match=r"checkpoint\.npz: the checkpoint is of another model"):
        load_checkpoint(other, tmp_path / "checkpoint.npz")
    for one, two in zip(weights_of(other), before, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint", b"PK\x03\x04 torn"])
def test_a_broken_checkpoint(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "checkpoint.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match="expected a training checkpoint"):
        load_checkpoint(small_gan(), path)


def test_a_torn_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(small_gan(), path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(CheckpointError, match="expected a training checkpoint"):
        load_checkpoint(small_gan(), path)
