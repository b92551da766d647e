import inspect
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models import WGAN_GP, Simple_GAN, WGAN_clip, convolutional_GenDiscr, fully_connected_GenDiscr
from models.gan import GAN
from models.inputs import as_real_examples
from tests.model.toy_gans import CLASSES, small_gan, weights_of

POINTS = np.random.default_rng(0).uniform(size=(300, 2))


def _build(gan_class: type[GAN] = Simple_GAN, real_examples: Any = POINTS, **arguments: Any) -> GAN:
    return gan_class(*fully_connected_GenDiscr([1, 10, 10, 2]), real_examples, **arguments)


@pytest.mark.parametrize("gan_class", CLASSES)
def test_the_exercise_s_defaults(gan_class: type[GAN]) -> None:
    gan = _build(gan_class)

    assert (gan.batch_size, gan.disc_iter, gan.learning_rate) == (200, 2, 0.005)
    assert (gan.beta_1, gan.beta_2) == (0.3 if gan_class is WGAN_GP else 0.5, 0.9)
    for network in (gan.generator, gan.discriminator):
        assert isinstance(network.optimizer, keras.optimizers.Adam)
        assert network.optimizer.beta_1 == gan.beta_1
        assert network.optimizer.beta_2 == 0.9
        assert float(network.optimizer.learning_rate) == pytest.approx(0.005)
    parameters = list(inspect.signature(gan_class.__init__).parameters)[1:]
    assert parameters[:7] == [
        "generator",
        "discriminator",
        "latent_generator",
        "real_examples",
        "batch_size",
        "disc_iter",
        "learning_rate",
    ]
    assert parameters[7:] == (["lambda_gp"] if gan_class is WGAN_GP else [])


def test_the_attributes_of_wgan_gp() -> None:
    gan = _build(WGAN_GP)
    assert isinstance(gan, WGAN_GP)

    assert gan.lambda_gp == 10
    assert gan.dims.as_list() == [300, 2]
    assert int(gan.len_dims) == 2
    assert gan.axis.numpy().tolist() == [1]
    assert gan.scal_shape.numpy().tolist() == [200, 1]


def test_the_networks_losses_are_there_to_read_in_the_exercise_s_order() -> None:
    scores, others = tf.constant([[0.5]]), tf.constant([[-1.0]])
    simple, clip = _build(Simple_GAN), _build(WGAN_clip)

    assert float(simple.generator.loss(scores)) == pytest.approx(0.25)
    assert float(simple.discriminator.loss(scores, others)) == pytest.approx(0.25)  # real, fake
    assert float(clip.generator.loss(scores)) == pytest.approx(-0.5)
    assert float(clip.discriminator.loss(others, scores)) == pytest.approx(-1.5)  # fake, real


# what may be handed in


@pytest.mark.parametrize(
    ("gan_class", "real_examples"),
    [
        (Simple_GAN, POINTS),
        (WGAN_clip, POINTS.astype(np.float32)),
        (WGAN_GP, POINTS.tolist()),
        (WGAN_GP, tf.constant(POINTS)),
        (WGAN_GP, tf.constant(POINTS, tf.float32)),
    ],
    ids=["float64", "float32", "list", "tensor64", "tensor32"],
)
def test_data_of_any_real_dtype(gan_class: type[GAN], real_examples: Any) -> None:
    gan = _build(gan_class, real_examples)

    assert gan.real_examples.dtype == tf.float32
    logs = gan.train_step(None)
    assert list(logs) == list(gan.loss_names)
    assert all(np.isfinite(float(value)) for value in logs.values())


def test_faces_without_a_channel_axis_get_one() -> None:
    faces = np.random.default_rng(0).uniform(-1, 1, (20, 16, 16))
    gan = WGAN_GP(*convolutional_GenDiscr(), lambda k: tf.random.normal((k, 16)), faces, batch_size=4)

    assert gan.get_real_sample().shape == (4, 16, 16, 1)
    assert gan.get_fake_sample().shape == (4, 16, 16, 1)
    assert gan.get_interpolated_sample(gan.get_real_sample(), gan.get_fake_sample()).shape == (4, 16, 16, 1)


def test_a_latent_generator_of_the_caller_s_own() -> None:
    gan = small_gan(latents=lambda k: tf.fill((k, 2), 0.25))

    np.testing.assert_allclose(gan.get_fake_sample(3), gan.generator(tf.fill((3, 2), 0.25)), rtol=1e-6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((300, 3)), r"expected shape \(count, 2\).*got \(300, 3\)"),
        (np.zeros((300, 16, 16)), r"expected shape \(count, 2\).*got \(300, 16, 16\)"),
        (np.zeros(300), r"expected shape \(count, 2\).*got \(300,\)"),
        (np.zeros((300, 2, 1)), r"got \(300, 2, 1\)"),
        (np.float64(3), r"got \(\)"),
        (np.full((300, 2), np.nan), "expected finite numbers that fit float32, got nan"),
        (np.full((300, 2), -np.inf), "got -inf"),
        (np.full((300, 2), 1e300), "got inf"),
        (np.full((300, 2), "a"), "expected an array of real numbers, got dtype <U1"),
        (np.full((300, 2), 1j), "got dtype complex128"),
        (None, "got dtype object"),
        (np.zeros((199, 2)), "expected at least batch_size = 200 examples, got 199"),
        (np.zeros((0, 2)), "got 0"),
    ],
)
def test_bad_data_is_refused(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _build(WGAN_GP, data)


def test_ragged_data_is_refused() -> None:
    with pytest.raises(ValueError, match="real_examples: expected an array of real numbers"):
        as_real_examples([[1.0], [1.0, 2.0]], (2,))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size: expected a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"disc_iter": -1}, "disc_iter"),
        ({"learning_rate": 0}, "learning_rate: expected a positive number, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate: expected a finite number, got nan"),
        ({"learning_rate": None}, "learning_rate: expected a finite number, got None"),
        ({"batch_size": "many"}, "batch_size: expected a finite number, got 'many'"),
        ({"disc_iter": float("inf")}, "disc_iter: expected a finite number, got inf"),
        ({"lambda_gp": -1}, "lambda_gp: expected a number of at least 0, got -1"),
    ],
)
def test_bad_settings_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _build(WGAN_GP, **arguments)


# samples


def test_a_real_sample_is_a_subset_without_replacement() -> None:
    gan = _build(real_examples=np.stack([np.arange(300.0), np.zeros(300)], axis=1))

    assert gan.get_real_sample().shape == (200, 2)
    for size in (1, 50, 300):
        sample = gan.get_real_sample(size).numpy()[:, 0]
        assert len(set(sample)) == size


def test_more_real_examples_than_there_are() -> None:
    with pytest.raises(ValueError, match="expected at most the 300 real examples there are, got 301"):
        _build().get_real_sample(301)


def test_fake_samples_follow_the_training_flag() -> None:
    generator, discriminator = convolutional_GenDiscr()
    gan = WGAN_GP(generator, discriminator, lambda k: tf.random.normal((k, 16)), np.zeros((4, 16, 16)), batch_size=4)
    moving_mean = generator.layers[5].moving_mean
    before = moving_mean.numpy().copy()

    gan.get_fake_sample(5)
    np.testing.assert_array_equal(moving_mean, before)
    gan.get_fake_sample(5, training=True)
    assert (moving_mean.numpy() != before).any()


def test_interpolated_samples_lie_between() -> None:
    gan = _build(WGAN_GP)
    assert isinstance(gan, WGAN_GP)
    real, fake = tf.zeros((50, 2)), tf.ones((50, 2))
    points = gan.get_interpolated_sample(real, fake).numpy()

    np.testing.assert_allclose(points[:, 0], points[:, 1])  # one weight for each example
    assert len(set(points[:, 0])) == 50
    assert points.min() >= 0
    assert points.max() <= 1


def test_samples_of_different_shapes_do_not_interpolate() -> None:
    gan = _build(WGAN_GP)
    assert isinstance(gan, WGAN_GP)
    with pytest.raises(ValueError, match=r"of one shape, got \(200, 16, 16\) and \(200, 16, 16, 1\)"):
        gan.get_interpolated_sample(tf.zeros((200, 16, 16)), tf.zeros((200, 16, 16, 1)))


def test_interpolation_inside_a_graph_of_unknown_batch_size() -> None:
    gan = _build(WGAN_GP)
    assert isinstance(gan, WGAN_GP)
    interpolate = tf.function(
        gan.get_interpolated_sample, input_signature=[tf.TensorSpec((None, 2)), tf.TensorSpec((None, 2))]
    )
    assert interpolate(tf.zeros((7, 2)), tf.ones((7, 2))).shape == (7, 2)


# training with Keras


@pytest.mark.parametrize("gan_class", CLASSES)
def test_fit_with_history_and_callbacks(gan_class: type[GAN], capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[int] = []
    gan = small_gan(gan_class)
    before = [weights.copy() for weights in gan.generator.get_weights()]
    gan.compile()
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    history = gan.fit(gan.real_examples, epochs=3, steps_per_epoch=5, verbose=1, callbacks=[callback])

    assert seen == [0, 1, 2]
    assert set(history.history) == set(gan.loss_names)
    assert [len(values) for values in history.history.values()] == [3] * len(gan.loss_names)
    assert gan.history.history["gen_loss"] == history.history["gen_loss"]
    assert gan.steps_done == 15
    assert int(gan.discriminator.optimizer.iterations) == 30
    assert any((old != new).any() for old, new in zip(before, gan.generator.get_weights(), strict=True))
    shown = capsys.readouterr().out
    assert "Epoch 3/3" in shown
    assert "discr_loss" in shown


def test_who_looks_at_single_steps_sees_the_model_after_that_step() -> None:
    gan = small_gan()
    gan.compile()
    seen: list[int] = []
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(gan.steps_done))
    gan.fit(epochs=2, steps_per_epoch=3, verbose=0, callbacks=[callback])
    assert seen == [1, 2, 3, 4, 5, 6]


def test_who_looks_at_epochs_sees_the_model_after_that_epoch() -> None:
    gan = small_gan()
    gan.compile()
    seen: list[int] = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(gan.steps_done))
    gan.fit(epochs=3, steps_per_epoch=70, verbose=0, callbacks=callback)
    assert seen == [70, 140, 210]


def test_a_callback_may_change_the_learning_rate_between_epochs() -> None:
    gan = small_gan()
    gan.compile()

    def stand_still(epoch: int, logs: Any) -> None:
        for network in (gan.generator, gan.discriminator):
            network.optimizer.learning_rate = 0.0
        seen.append(weights_of(gan))

    seen: list[list[np.ndarray]] = []
    gan.fit(
        epochs=2, steps_per_epoch=5, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=stand_still)]
    )
    for one, two in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("latents", [None, lambda k: tf.random.normal((k, 2))], ids=["own", "foreign"])
def test_fit_follows_tensorflow_s_seed(latents: Any) -> None:
    ends = []
    for _ in range(2):
        gan = small_gan(latents=latents)
        gan.compile()
        tf.random.set_seed(5)
        ends.append((gan.fit(epochs=2, steps_per_epoch=60, verbose=0).history, weights_of(gan)))
    assert ends[0][0] == ends[1][0]
    for one, two in zip(ends[0][1], ends[1][1], strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_train_step_of_one_s_own_is_what_fit_runs() -> None:
    class Lazy(Simple_GAN):
        def train_step(self, useless_argument: Any = None) -> Any:
            return {"discr_loss": tf.constant(1.0), "gen_loss": tf.random.uniform(())}

    gan = small_gan(Lazy)
    gan.compile()
    history = gan.fit(epochs=2, steps_per_epoch=3, verbose=0).history
    assert history["discr_loss"] == [1, 1]
    assert history["gen_loss"][0] != history["gen_loss"][1]
    assert gan.steps_done == 0


def test_a_fixed_set_of_latents() -> None:
    fixed = np.random.default_rng(0).normal(size=(20, 2))
    gan = small_gan(latents=lambda k: fixed[:k])
    gan.compile()
    gan.fit(epochs=1, steps_per_epoch=3, verbose=0)
    assert gan.steps_done == 3


def test_xla_is_for_dense_networks() -> None:
    faces = WGAN_GP(*convolutional_GenDiscr(), lambda k: tf.random.normal((k, 16)), np.zeros((4, 16, 16)), batch_size=4)
    dense = small_gan()
    assert (faces.uses_xla, dense.uses_xla) == (False, True)
    dense.compile(jit_compile=False)
    assert not dense.uses_xla


def test_fit_without_steps_sees_each_example_about_once() -> None:
    gan = small_gan(Simple_GAN)
    gan.real_examples = gan.real_examples[:50]
    gan.compile()
    gan.fit(gan.real_examples, verbose=0)
    assert gan.steps_done == 7


def test_clipping_bounds_weights_and_biases() -> None:
    gan = small_gan(WGAN_clip, learning_rate=0.7)
    for _ in range(4):
        gan.train_step(None)
        largest = [float(np.abs(weights).max()) for weights in gan.discriminator.get_weights()]
        assert max(largest) <= 1
    assert max(largest[1::2]) == 1, "a bias should have reached the bound, or this test proves nothing"


def test_a_step_updates_the_discriminator_disc_iter_times() -> None:
    gan = small_gan(disc_iter=5)
    gan.train_step(None)

    assert int(gan.discriminator.optimizer.iterations) == 5
    assert int(gan.generator.optimizer.iterations) == 1


def test_whole_numbers_of_any_type_will_do() -> None:
    gan = small_gan(batch_size=8.0, disc_iter=np.int64(2), learning_rate=np.float32(0.01))
    gan.train_step()
    assert gan.get_real_sample().shape == (8, 2)


@pytest.mark.parametrize("size", [0, -1, 1.5])
def test_samples_of_no_size(size: Any) -> None:
    for draw in (_build().get_real_sample, _build().get_fake_sample):
        with pytest.raises(ValueError, match="size: expected a whole number of at least 1"):
            draw(size)


@pytest.mark.parametrize(
    "latents",
    [
        lambda k: np.random.default_rng().normal(size=(k, 2)),
        lambda k: tf.constant(np.random.default_rng().normal(size=(k, 2)), tf.float32),
    ],
    ids=["array", "constant"],
)
def test_latents_drawn_by_numpy_are_drawn_anew_at_each_step(latents: Any) -> None:
    draws = []

    def counting(k: int) -> Any:
        draws.append(k)
        return latents(k)

    gan = small_gan(latents=counting, disc_iter=2)
    gan.compile()
    gan.fit(epochs=1, steps_per_epoch=10, verbose=0)
    assert sum(draws) >= 30 * gan.batch_size


def test_latents_drawn_by_numpy_are_drawn_anew_when_a_callback_looks_on() -> None:
    draws = []

    def counting(k: int) -> Any:
        draws.append(k)
        return np.random.default_rng().normal(size=(k, 2))

    gan = small_gan(latents=counting, disc_iter=2)
    gan.compile()
    callback = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    gan.fit(epochs=1, steps_per_epoch=10, verbose=0, callbacks=[callback])
    assert len(draws) >= 30


def test_a_wrong_number_of_latents() -> None:
    gan = small_gan(Simple_GAN, latents=lambda k: tf.zeros((7, 2)))
    with pytest.raises(ValueError, match=r"latent_generator: expected 8 latent vectors, got shape \(7, 2\)"):
        gan.train_step()


@pytest.mark.parametrize("options", [{"optimizer": "adam"}, {"loss": "mse"}])
def test_compile_takes_no_optimizer_of_its_own(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"compile: expected no (optimizer|loss): "):
        small_gan().compile(**options)


def test_a_model_checkpoint_is_written(tmp_path: Path) -> None:
    gan = small_gan()
    gan.compile()
    callback = keras.callbacks.ModelCheckpoint(tmp_path / "best.weights.h5", save_weights_only=True)
    gan.fit(epochs=1, steps_per_epoch=2, verbose=0, callbacks=[callback])
    before = gan.generator.get_weights()
    gan.train_step()
    gan.load_weights(tmp_path / "best.weights.h5")
    for one, two in zip(before, gan.generator.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_epoch_without_steps() -> None:
    gan = small_gan()
    gan.compile()
    with pytest.raises(ValueError, match="steps_per_epoch: expected a whole number of at least 1, got 0"):
        gan.fit(epochs=1, steps_per_epoch=0)


def test_arrays_will_do_for_the_parts_of_the_penalty() -> None:
    gan = small_gan()
    assert isinstance(gan, WGAN_GP)
    points = gan.get_interpolated_sample(np.zeros((8, 2)), np.ones((8, 2)))
    assert float(gan.gradient_penalty(points.numpy())) == pytest.approx(float(gan.gradient_penalty(points)))
