"""Networks, losses, optimizers and arguments of the caller's own: trained as ``train_step`` trains them."""

import copy
import gc
import itertools
import subprocess
import sys
import types
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from models import WGAN_GP, Simple_GAN, WGAN_clip, fully_connected_GenDiscr, train
from models.gan import GAN
from models.latents import LatentGenerator
from models.training import loop, shared_loops
from models.training.checkpoints import load_checkpoint, save_checkpoint
from models.training.description import Description
from models.training.draws import Draws, PreparedRandomness
from models.training.step_draws import GlobalDraws, SeededDraws
from tests.model import own_networks as own
from tests.model.own_networks import assert_every_way_takes_the_same_steps, own_gan
from tests.model.toy_gans import CLASSES, small_gan, weights_of

FORMS: tuple[Callable[..., keras.Model], ...] = (
    own.functional,
    own.sequential,
    own.without_input,
    own.nested,
    own.branches,
)


def _mean(scores: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(scores)


# functions and attributes that a config does not tell


def test_an_activation_of_one_s_own_that_bears_the_name_of_a_keras_one() -> None:
    """The smallest case of the bug report: ``fit`` logged gp .5143 where ``gradient_penalty`` gave .9719."""
    inputs = keras.Input((2,))
    hidden = layers.Activation(own.leaky_relu)(inputs)
    critic = keras.Model(inputs, layers.Dense(1, use_bias=False, kernel_initializer="ones")(hidden))
    generator = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: 0.0 * x - 1.0), layers.Dense(2)])
    generator.layers[1].set_weights([np.eye(2), np.zeros(2)])
    gan = WGAN_GP(generator, critic, lambda k: tf.zeros((k, 2)), np.full((64, 2), -1.0), 8, learning_rate=1e-9)
    gan.compile()
    expected = float(gan.gradient_penalty(tf.fill((8, 2), -1.0)))
    assert expected == pytest.approx(0.9719, abs=1e-4)
    assert gan.fit(epochs=1, steps_per_epoch=2, verbose=0).history["gp"][0] == pytest.approx(expected, abs=1e-4)
    assert train(gan, 2)["gp"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("activation", [own.leaky_relu, own.relu, own.elu], ids=lambda function: function.__name__)
def test_own_activations_are_those_that_are_trained(activation: Any) -> None:
    gan = own_gan(own.functional(2), own.functional(1, layers.Dense(4, activation=activation)))
    assert not isinstance(shared_loops.loop_for(gan), loop.SharedLoop)
    assert_every_way_takes_the_same_steps(gan)


def test_an_attribute_of_a_layer_that_was_set_after_construction() -> None:
    scale = own.Scale()
    gan = own_gan(own.functional(2), own.functional(1, scale), optimizer=None)
    scale.s = 100.0
    assert_every_way_takes_the_same_steps(gan)


def test_an_attribute_of_a_layer_that_is_set_between_two_fits() -> None:
    scale = own.Scale()
    gan = own_gan(own.functional(2), own.functional(1, scale))
    gan.compile()
    gan.fit(epochs=1, steps_per_epoch=1, verbose=0)
    scale.s = 100.0
    assert_every_way_takes_the_same_steps(own_gan(gan.generator, gan.discriminator))
    gan.set_optimizers(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
    assert_every_way_takes_the_same_steps(gan)


def test_a_call_that_was_replaced_on_a_keras_layer() -> None:
    dense = layers.Dense(4)
    gan = own_gan(own.sequential(2), own.functional(1, dense))
    usual = dense.call
    dense.call = lambda x, training=None: 3.0 * usual(x)
    assert not isinstance(shared_loops.loop_for(gan), loop.SharedLoop)
    assert_every_way_takes_the_same_steps(gan)


# networks of every form


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_networks_of_every_form(form: Callable[..., keras.Model]) -> None:
    latents = lambda k: tf.random.normal((k, 2))  # noqa: E731
    gan = own_gan(form(2), form(1), optimizer=None, latents=latents, disc_iter=2)
    assert_every_way_takes_the_same_steps(gan, steps=5)


@pytest.mark.parametrize("gan_class", CLASSES[:2])
def test_every_gan_takes_such_networks(gan_class: type[GAN]) -> None:
    assert_every_way_takes_the_same_steps(own_gan(own.nested(2), own.sequential(1), gan_class, optimizer=None))


def test_subclassed_models() -> None:
    assert_every_way_takes_the_same_steps(own_gan(own.TwoLayers(2), own.TwoLayers(1)))


def test_a_chain_of_keras_layers_shares_a_compiled_loop_however_it_was_built(tmp_path: Path) -> None:
    def loaded(outputs: int) -> keras.Model:
        own.functional(outputs).save(tmp_path / "network.keras")
        return keras.models.load_model(tmp_path / "network.keras")

    loops = {shared_loops.loop_for(own_gan(form(2), form(1))) for form in (*FORMS[:3], loaded)}
    assert len(loops) == 1
    assert isinstance(loops.pop(), loop.SharedLoop)


def test_what_no_graph_can_hold_runs_step_by_step(caplog: pytest.LogCaptureFixture) -> None:
    assert_every_way_takes_the_same_steps(own_gan(own.sequential(2), own.LooksAtNumbers(1)))
    assert "cannot be compiled and run one by one" in caplog.text


def test_a_fault_of_one_s_own_shows_as_it_is() -> None:
    class Faulty(own.TwoLayers):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            if not isinstance(x, keras.KerasTensor) and len(x) == 8 and self.faulty:
                raise ArithmeticError("no good")
            return super().call(x)

        faulty = False

    critic = Faulty(1)
    gan = own_gan(own.sequential(2), critic)
    Faulty.faulty = True
    before = weights_of(gan)
    with pytest.raises(ArithmeticError, match="no good"):
        train(gan, 1)
    for one, two in zip(before, weights_of(gan), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_copy_that_differs_is_not_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a description should miss shows in the first step, and the model's own networks are used."""
    monkeypatch.setattr(shared_loops, "_loops", {})
    monkeypatch.setattr(shared_loops, "describe", lambda gan: Description("all alike", True, gan.generator, ()))
    monkeypatch.setattr(
        shared_loops, "copy_chain", lambda network: own.functional(network.output_shape[1], own.Scale())
    )
    networks = [own.functional(outputs, layers.Activation("relu")) for outputs in (2, 1)]
    assert isinstance(shared_loops.loop_for(own_gan(*networks)), loop.PrivateLoop)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.Lambda(lambda x: x * 2),
        lambda: layers.Dense(4, activation=lambda x: tf.nn.relu(x) ** 2),
        lambda: layers.Dense(4, activation=tf.nn.relu),
        lambda: layers.Dense(4, activation=layers.LeakyReLU(negative_slope=0.1)),
        lambda: layers.Dense(4, activation=layers.PReLU()),
        lambda: layers.Dense(4, kernel_constraint="unit_norm", kernel_regularizer="l2"),
        own.Scale,
        layers.PReLU,
        layers.BatchNormalization,
        layers.LayerNormalization,
        layers.UnitNormalization,
        lambda: layers.Dropout(0.3),
        lambda: layers.GaussianNoise(0.1),
        lambda: layers.SpectralNormalization(layers.Dense(4)),
    ],
)
def test_layers_of_every_kind(layer: Callable[[], layers.Layer]) -> None:
    # The mean score of a critic that normalises its batch never changes: WGAN_GP has no gradient there.
    gan_class = Simple_GAN if layer is layers.BatchNormalization else WGAN_GP
    assert_every_way_takes_the_same_steps(own_gan(own.functional(2, layer()), own.functional(1, layer()), gan_class))


@pytest.mark.parametrize("policy", ["float64", "mixed_bfloat16", "mixed_float16"])
def test_networks_of_another_precision(policy: str) -> None:
    def network(outputs: int) -> keras.Model:
        inputs = keras.Input((2,))
        hidden = layers.Dense(4, activation="tanh", dtype=policy)(inputs)
        return keras.Model(inputs, layers.Dense(outputs, dtype="float64" if policy == "float64" else None)(hidden))

    tolerance = 1e-3 if policy == "float64" else 0.05
    optimizer = keras.optimizers.Adam if policy == "float64" else keras.optimizers.SGD
    assert_every_way_takes_the_same_steps(own_gan(network(2), network(1), optimizer=optimizer), tolerance=tolerance)


# frozen layers


@pytest.mark.parametrize("which", ["generator", "discriminator"])
@pytest.mark.parametrize("network", FORMS[:2], ids=lambda form: form.__name__)
def test_layers_frozen_after_construction_stay_as_they_are(network: Callable[..., keras.Model], which: str) -> None:
    gan = own_gan(network(2, layers.Dense(3)), network(1, layers.Dense(3)), optimizer=None)
    layer = getattr(gan, which).layers[-2]
    layer.trainable = False
    assert_every_way_takes_the_same_steps(gan)
    before = layer.get_weights()
    train(gan, 3)
    np.testing.assert_array_equal(before[0], layer.get_weights()[0])


@pytest.mark.parametrize("which", ["generator", "discriminator"])
def test_layers_frozen_and_unfrozen_between_two_fits(which: str) -> None:
    gan = own_gan(own.sequential(2, layers.Dense(3)), own.sequential(1, layers.Dense(3)))
    gan.compile()
    layer = getattr(gan, which).layers[1]
    looking_on = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    layer.trainable = False
    for callbacks in ([], [looking_on]):
        for trainable in (False, True, False, True):
            layer.trainable = trainable
            before = layer.get_weights()
            gan.fit(epochs=1, steps_per_epoch=2, verbose=0, callbacks=callbacks)
            assert np.array_equal(before[0], layer.get_weights()[0]) is not trainable


def test_a_layer_that_was_frozen_before_construction_can_be_unfrozen() -> None:
    generator = own.sequential(2)
    generator.layers[0].trainable = False
    gan = own_gan(generator, own.sequential(1))
    train(gan, 1)
    generator.layers[0].trainable = True
    before = generator.layers[0].get_weights()
    train(gan, 2)
    assert not np.array_equal(before[0], generator.layers[0].get_weights()[0])


def test_steps_count_where_a_whole_network_is_frozen() -> None:
    gan = own_gan(own.sequential(2), own.sequential(1))
    gan.generator.trainable = False
    assert_every_way_takes_the_same_steps(gan)
    train(gan, 3)
    assert gan.steps_done == 3


# changes between two calls


class Penalised(WGAN_GP):
    """A GAN whose loss has a setting of its own."""

    weight = 1.0

    def discriminator_loss(self, fake_scores: tf.Tensor, real_scores: tf.Tensor) -> tf.Tensor:
        return self.weight * super().discriminator_loss(fake_scores, real_scores)


class Scaled(layers.Layer):
    """A layer whose numbers stand in its class, in a holder and in a large array."""

    factor = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.options = types.SimpleNamespace(factor=1.0)
        self.table = np.ones(300_000, np.float32)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return x * self.factor * self.options.factor * self.table[0]


def _replace_generator(gan: GAN) -> None:
    generator = own.without_input(2, layers.Dense(5))
    generator.optimizer = keras.optimizers.Adam(1e-3)
    gan.generator = generator


@pytest.mark.parametrize(
    "change",
    [
        lambda gan: setattr(gan, "real_examples", own.POINTS.tolist()[:20] + [[5.0, 5.0]] * 20),
        lambda gan: setattr(gan, "latent_generator", lambda k: tf.fill((k, 2), 3.0)),
        lambda gan: setattr(gan, "latent_generator", LatentGenerator("uniform", 2)),
        lambda gan: setattr(gan, "batch_size", 5),
        _replace_generator,
    ],
    ids=["real examples", "latent generator", "latents of ours", "batch_size", "generator"],
)
def test_what_is_changed_about_a_gan_counts(change: Callable[[GAN], Any]) -> None:
    own.assert_a_change_counts(own_gan(own.sequential(2), own.sequential(1, own.Scale())), change)


def test_run_eagerly_set_later_counts() -> None:
    eager = []

    class Looking(layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            eager.append(tf.executing_eagerly())
            return x

    gan = own_gan(own.sequential(2), own.sequential(1, Looking()))
    train(gan, 1)
    eager.clear()
    gan.run_eagerly = True
    train(gan, 1)
    assert eager
    assert all(eager)


def test_what_is_changed_about_a_gan_of_one_s_own_counts() -> None:
    gan = own_gan(own.sequential(2), own.sequential(1), Penalised)
    train(gan, 1)
    gan.discriminator.optimizer.learning_rate = 0.0
    before = train(gan, 1)["discr_loss"]
    gan.weight = 1000.0
    assert abs(train(gan, 1)["discr_loss"][0]) > 10 * abs(before[0])


@pytest.mark.parametrize("where", ["class", "holder", "array"])
def test_what_is_changed_about_a_layer_counts(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = Scaled()
    changes: dict[str, Callable[[GAN], Any]] = {
        "class": lambda gan: monkeypatch.setattr(Scaled, "factor", 100.0),
        "holder": lambda gan: setattr(layer.options, "factor", 100.0),
        "array": lambda gan: layer.table.fill(100.0),
    }
    own.assert_a_change_counts(own_gan(own.sequential(2), own.functional(1, layer)), changes[where])


def test_autocast_set_later_counts() -> None:
    layer = layers.Dense(4, dtype="mixed_float16")
    gan = own_gan(own.sequential(2), own.sequential(1, layer))
    loops = shared_loops.loop_for(gan)
    layer.autocast = False
    assert shared_loops.loop_for(gan) is not loops


def test_a_setting_that_is_a_variable_is_not_shared() -> None:
    for weight in (0.0, 1000.0):
        gan = own_gan(own.functional(2), own.functional(1))
        gan.lambda_gp = keras.Variable(weight)
        assert isinstance(shared_loops.loop_for(gan), loop.PrivateLoop)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("batch_size", 65, "expected at most the 64 real examples there are, got 65"),
        ("batch_size", 0, "batch_size: expected a whole number of at least 1, got 0"),
        ("disc_iter", 0, "disc_iter: expected a whole number of at least 1, got 0"),
        ("real_examples", np.zeros((64, 3)), r"real_examples: expected shape \(count, 2\)"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(name: str, value: Any, message: str) -> None:
    gan = small_gan()
    with pytest.raises(ValueError, match=message):  # noqa: PT012
        setattr(gan, name, value)
        train(gan, 1)


# what a step leaves in Python


class Counting(layers.Layer):
    """A layer that computes from a counter of Python's."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def call(self, x: tf.Tensor) -> tf.Tensor:
        self.calls += 1
        return x * (1 + self.calls / 10)


class Keeping(layers.Layer):
    """A layer that keeps its last output and the size of its last batch."""

    def __init__(self) -> None:
        super().__init__()
        self.size: int | None = None

    def call(self, x: tf.Tensor) -> tf.Tensor:
        self.size, self.last = x.shape[0], x
        return 2 * x


def test_a_layer_that_counts_its_calls_runs_step_by_step(caplog: pytest.LogCaptureFixture) -> None:
    counting = Counting()
    gan = own_gan(own.sequential(2), own.functional(1, counting))
    before, counting.calls = own._state(gan), 0
    expected = own._plain_steps(gan, gan.step_draws(0), 0, 4)
    own._restore(gan, before)
    counting.calls = 0
    found = [train(gan, 2), train(gan, 2)]
    own._compare(gan, {name: np.concatenate([part[name] for part in found]) for name in gan.loss_names}, expected, 1e-3)
    assert "run one by one (they change calls)" in caplog.text


def test_a_layer_that_keeps_its_output_is_compiled_once() -> None:
    gan = own_gan(own.sequential(2), own.functional(1, Keeping()))
    train(gan, 1)
    kept = gan.private_loop
    gan.get_fake_sample(3)
    gan.discriminator(gan.get_fake_sample(8))
    train(gan, 1)
    assert gan.private_loop is kept
    assert kept is not None
    assert kept._run is not None


# steps of one's own


class Decorated(WGAN_GP):
    """A GAN whose step is compiled by its author."""

    @tf.function
    def train_step(self, useless_argument: Any) -> Any:  # the exercise's, without a default
        return super().train_step(useless_argument)


class PartlyDecorated(WGAN_GP):
    """A GAN of which a part of the step is compiled by its author."""

    @tf.function
    def update_discriminator(self) -> Any:
        return super().update_discriminator()


def _decorated_later(*arguments: Any, **options: Any) -> GAN:
    gan = WGAN_GP(*arguments, **options)
    gan.train_step = tf.function(gan.train_step)  # type: ignore[method-assign]
    return gan


@pytest.mark.parametrize("make", [Decorated, PartlyDecorated, _decorated_later])
def test_a_step_that_is_a_tf_function_draws_anew_each_time(make: Callable[..., GAN]) -> None:
    networks = own.sequential(2), own.sequential(1)
    plain = own_gan(*networks, disc_iter=2)
    before = own._state(plain)
    expected = own._plain_steps(plain, plain.step_draws(0), 0, 4)
    own._restore(plain, before)
    gan = own_gan(*networks, make, disc_iter=2)
    own._compare(gan, train(gan, 4), expected, 1e-3)
    gan.compile()
    gan.fit(epochs=1, steps_per_epoch=1, verbose=0)


def test_losses_under_other_names() -> None:
    class Renamed(WGAN_GP):
        def train_step(self, useless_argument: Any = None) -> Any:
            return {"loss": super().train_step(useless_argument)["gen_loss"]}

    with pytest.raises(ValueError, match="expected discr_loss, gen_loss, gp among the losses it returns, got loss,"):
        train(own_gan(own.sequential(2), own.sequential(1), Renamed), 1)


def test_callbacks_that_extend_keras_s_see_the_model_after_each_step() -> None:
    seen = []

    class Watching(keras.callbacks.History):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(self.model.steps_done)

    gan = small_gan()
    gan.compile()
    train(gan, 20)  # so that the loop takes several steps at once
    gan.fit(epochs=1, steps_per_epoch=3, verbose=0, callbacks=[Watching()])
    assert seen == [21, 22, 23]


def test_callbacks_may_look_at_what_cannot_be_compiled() -> None:
    gan = own_gan(own.LooksAtNumbers(2), own.sequential(1))
    gan.compile()
    gan.fit(epochs=1, steps_per_epoch=2, verbose=0, callbacks=[_looking_on()])
    assert gan.steps_done == 2


def test_what_xla_cannot_compile_is_compiled_without(caplog: pytest.LogCaptureFixture) -> None:
    class Written(layers.Layer):
        def call(self, x: tf.Tensor) -> tf.Tensor:
            return x + 0 * tf.strings.to_number(tf.strings.as_string(x))

    gan = own_gan(own.sequential(2, Written()), own.sequential(1))
    gan.compile(jit_compile=True)
    train(gan, 1)
    assert gan.private_loop is not None
    assert gan.private_loop._run is not None
    assert "cannot be compiled by XLA" in caplog.text


# variables that Keras does not count


class Drifting(layers.Layer):
    """A layer with a variable of TensorFlow's."""

    def __init__(self) -> None:
        super().__init__()
        self.drift = tf.Variable(1.0, trainable=False)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        self.drift.assign_add(0.1)
        return x * self.drift


def _remembering() -> keras.Model:
    inputs = keras.Input(batch_shape=(8, 2))
    return keras.Model(inputs, layers.Dense(2)(layers.SimpleRNN(3, stateful=True)(layers.Reshape((2, 1))(inputs))))


@pytest.mark.parametrize("make", [_remembering, lambda: own.sequential(2, Drifting())], ids=["RNN", "tf.Variable"])
def test_all_state_is_kept_in_a_checkpoint(make: Callable[[], keras.Model], tmp_path: Path) -> None:
    gan = own_gan(make(), own.sequential(1))
    train(gan, 2)
    save_checkpoint(gan, tmp_path / "state.npz")
    expected = train(gan, 2)
    load_checkpoint(gan, tmp_path / "state.npz")
    for name, values in train(gan, 2).items():
        np.testing.assert_array_equal(values, expected[name])


# many at once


def test_two_threads_draw_latents_of_one_s_own_as_one_does() -> None:
    gans = [small_gan(seed=seed, disc_iter=1, latents=lambda k: tf.random.normal((k, 2))) for seed in (1, 2)]
    expected = [SeededDraws(gan)(0).latents for gan in gans]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda gan: SeededDraws(gan)(0).latents, gans)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_shared_loop_keeps_nothing_of_the_model_it_was_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_loops, "_loops", {})

    class Latents:
        def __call__(self, k: int) -> tf.Tensor:
            return tf.random.normal((k, 2))

    latents = Latents()
    gan = own_gan(own.functional(2), own.functional(1), latents=latents)
    train(gan, 1)
    kept = weakref.ref(gan), weakref.ref(latents)
    del gan, latents
    gc.collect()
    assert [thing() for thing in kept] == [None, None]
    assert shared_loops._loops


# optimizers and losses


OPTIMIZERS: dict[str, Callable[[], keras.Optimizer]] = {
    "Adam": lambda: keras.optimizers.Adam(1e-3),
    "averaged": lambda: keras.optimizers.Adam(1e-3, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2),
    "clipped": lambda: keras.optimizers.Adam(1e-3, global_clipnorm=0.1),
    "scheduled": lambda: keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, 10)),
    "accumulating": lambda: keras.optimizers.SGD(1e-2, momentum=0.9, gradient_accumulation_steps=2),
    "scaled": lambda: keras.optimizers.SGD(1e-2, loss_scale_factor=64.0),
    "dynamically scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3)),
    "RMSprop": lambda: keras.optimizers.RMSprop(1e-4),
    "AdamW": lambda: keras.optimizers.AdamW(1e-3),
    "Adamax": lambda: keras.optimizers.Adamax(1e-3),
    "Nadam": lambda: keras.optimizers.Nadam(1e-3),
    "Adagrad": lambda: keras.optimizers.Adagrad(1e-3),
    "Adadelta": lambda: keras.optimizers.Adadelta(1e-2),
    "Ftrl": lambda: keras.optimizers.Ftrl(1e-3),
    "Lion": lambda: keras.optimizers.Lion(1e-4),
    "Lamb": lambda: keras.optimizers.Lamb(1e-3),
    "Adafactor": lambda: keras.optimizers.Adafactor(1e-3),
    "Muon": lambda: keras.optimizers.Muon(1e-3),
}


@pytest.mark.parametrize(
    "pair",
    [
        ("Adam", "RMSprop"),
        ("averaged", "scheduled"),
        ("accumulating", "clipped"),
        ("scaled", "dynamically scaled"),
        ("AdamW", "Muon"),
        ("Lion", "Nadam"),
    ],
    ids=", ".join,
)
def test_optimizers_given_in_the_exercise_s_way(pair: tuple[str, str]) -> None:
    gan = own_gan(own.functional(2), own.functional(1))
    gan.generator.optimizer, gan.discriminator.optimizer = (OPTIMIZERS[name]() for name in pair)
    assert_every_way_takes_the_same_steps(gan, steps=5)


def test_networks_compiled_by_themselves() -> None:
    gan = own_gan(own.sequential(2), own.sequential(1))
    gan.generator.compile(optimizer="adam", loss=lambda fake: -2 * tf.reduce_mean(fake))
    gan.discriminator.compile(optimizer=keras.optimizers.SGD(0.01))
    assert_every_way_takes_the_same_steps(gan)
    generator_loss = gan.generator.loss(tf.constant([[1.0]]))
    assert float(generator_loss) == -2


@pytest.mark.parametrize("optimizer", ["adam", None, 0.001])
def test_an_optimizer_that_is_none(optimizer: Any) -> None:
    gan = own_gan(own.sequential(2), own.sequential(1))
    gan.generator.optimizer = optimizer
    for step in (gan.train_step, lambda: train(gan, 1)):
        with pytest.raises(ValueError, match=r"generator\.optimizer: expected a keras optimizer, got"):
            step()


@pytest.mark.parametrize("share", [True, False])
def test_an_optimizer_that_was_made_for_another_network(share: bool) -> None:
    gan = own_gan(own.sequential(2), own.sequential(1))
    optimizer = gan.generator.optimizer if share else keras.optimizers.Adam()
    if not share:
        optimizer.build(own.sequential(1).trainable_variables)
    gan.discriminator.optimizer = optimizer
    for step in (gan.train_step, lambda: train(gan, 1)):
        with pytest.raises(ValueError, match=r"discriminator\.optimizer: expected one of its own"):
            step()


@pytest.mark.parametrize("gan_class", CLASSES)
def test_losses_of_one_s_own_are_those_that_are_trained(gan_class: type[GAN]) -> None:
    """The discriminator's takes its scores as the exercise hands them over: real, fake in task 0, else fake, real."""
    gan = own_gan(own.sequential(2), own.sequential(1), gan_class)
    gan.generator.loss = lambda fake: 3.0 - tf.reduce_mean(fake)
    gan.discriminator.loss = lambda x, y: tf.reduce_mean(x) * 2 - tf.reduce_mean(y) * 3
    real, fake = gan.get_real_sample(), gan.get_fake_sample()
    scores = [float(tf.reduce_mean(gan.discriminator(sample))) for sample in (real, fake)]
    x, y = scores if gan_class is Simple_GAN else scores[::-1]
    assert float(gan.discriminator_objective(real, fake)[1]["discr_loss"]) == pytest.approx(2 * x - 3 * y, abs=1e-5)
    assert_every_way_takes_the_same_steps(gan)


def test_losses_set_by_a_subclass() -> None:
    class Tripled(WGAN_clip):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.generator.loss = lambda fake: -3 * tf.reduce_mean(fake)

    gan = own_gan(own.sequential(2), own.sequential(1), Tripled)
    before = own._state(gan)
    latents = gan.draw_latents(8)
    expected = -3 * float(tf.reduce_mean(gan.discriminator(gan.generator(latents))))
    with gan.drawing_from(PreparedRandomness(Draws(tf.zeros((1, 8, 2)), latents[None], tf.zeros((1, 8))))):
        assert float(gan.update_generator()["gen_loss"]) == pytest.approx(expected, abs=1e-5)
    own._restore(gan, before)
    assert_every_way_takes_the_same_steps(gan)


def test_a_loss_of_keras() -> None:
    gan = own_gan(own.sequential(2), own.sequential(1), Simple_GAN)
    gan.discriminator.loss = keras.losses.MeanSquaredError()
    assert_every_way_takes_the_same_steps(gan)


@pytest.mark.parametrize(
    ("loss", "message"),
    [("mse", "expected a function of the discriminator's scores, got 'mse'"), (tf.square, r"got shape \(8, 1\)")],
)
def test_a_loss_that_is_none(loss: Any, message: str) -> None:
    gan = own_gan(own.sequential(2), own.sequential(1))
    gan.generator.loss = loss
    for step in (gan.train_step, lambda: train(gan, 1)):
        with pytest.raises(ValueError, match=rf"generator\.loss: .*{message}"):
            step()


# arguments


def test_fit_takes_what_keras_s_takes() -> None:
    gan = small_gan()
    gan.compile()
    examples = gan.real_examples
    assert len(gan.fit(examples, examples, 8, 2, 0, steps_per_epoch=3).epoch) == 2
    assert len(gan.fit(x=examples, y=None, batch_size=8, shuffle=True, epochs=1, verbose=0).epoch) == 1
    assert gan.fit(examples, epochs=3, initial_epoch=2, verbose=0, validation_split=0.0).epoch == [2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 64}, "expected no batch_size but the model's own, 8, got 64"),
        ({"validation_split": 0.2}, "expected no validation_split: a GAN draws its own batches"),
        ({"validation_data": np.zeros((3, 2))}, "expected no validation_data"),
        ({"class_weight": {0: 1.0}, "sample_weight": np.ones(64)}, "expected no class_weight, sample_weight"),
    ],
)
def test_what_a_gan_cannot_do_with_fit_s_arguments(options: dict[str, Any], message: str) -> None:
    gan = small_gan()
    gan.compile()
    with pytest.raises(ValueError, match=message):
        gan.fit(gan.real_examples, epochs=1, **options)


def test_compile_by_position() -> None:
    with pytest.raises(ValueError, match=r"compile: expected no loss, optimizer: .* gan\.generator\.optimizer = "):
        small_gan().compile("adam", "mse")
    small_gan().compile(jit_compile="auto")


@pytest.mark.parametrize(
    "convert",
    [
        lambda latents: latents.tolist(),
        lambda latents: latents,
        lambda latents: latents.astype(np.float16),
        lambda latents: (10 * latents).astype(int),
        lambda latents: [*latents],
        lambda latents: tf.constant(latents),
        lambda latents: tf.constant(latents, tf.float16),
    ],
    ids=["list", "float64", "float16", "int", "list of arrays", "tensor64", "tensor16"],
)
def test_latents_of_every_type(convert: Callable[[np.ndarray], Any]) -> None:
    def latents(k: int) -> Any:
        return convert(np.random.default_rng(k).normal(size=(k, 2)))

    gan = own_gan(own.sequential(2), own.sequential(1), latents=latents)
    assert gan.draw_latents(3).dtype == tf.float32
    np.testing.assert_array_equal(SeededDraws(gan)(0).latents, GlobalDraws(gan)(0).latents)
    assert_every_way_takes_the_same_steps(gan)
    gan.fit(epochs=1, steps_per_epoch=1, verbose=0, callbacks=[_looking_on()])


def test_one_latent_number_without_its_axis() -> None:
    generator, discriminator, _ = fully_connected_GenDiscr([1, 4, 4, 2])
    gan = own_gan(generator, discriminator, latents=lambda k: np.linspace(0, 1, k))
    assert_every_way_takes_the_same_steps(gan)


def test_latents_that_depend_on_a_counter_of_python_s() -> None:
    asked = itertools.count(1)
    gan = own_gan(own.sequential(2), own.sequential(1), latents=lambda k: 0 * tf.random.normal((k, 2)) + next(asked))
    drawn = GlobalDraws(gan)(0).latents.numpy()
    assert len(np.unique(drawn)) == drawn.shape[0] * drawn.shape[1]


def test_latents_are_asked_for_as_single_steps_ask() -> None:
    """A generator that spreads its vectors evenly gives each batch an even spread."""
    asked = []

    def even(k: int) -> tf.Tensor:
        asked.append(k)
        return tf.linspace([0.0, 0.0], [1.0, 1.0], k)

    gan = own_gan(own.sequential(2), own.sequential(1), latents=even)
    gan.compile()
    gan.fit(epochs=1, steps_per_epoch=2, verbose=0)
    train(gan, 2)
    assert set(asked) == {8}


@pytest.mark.parametrize(
    ("latents", "message"),
    [
        (lambda k: [["a", "b"]] * k, "expected an array of real numbers, got dtype <U1"),
        (lambda k: [[1.0], [1.0, 2.0]], "expected an array of latent vectors"),
        (lambda k: None, "expected an array of real numbers, got dtype object"),
        (lambda k: np.float32(0), r"expected 8 latent vectors, got shape \(\)"),
        (lambda k: np.zeros((7, 2)), r"expected 8 latent vectors, got shape \(7, 2\)"),
    ],
)
def test_latents_that_are_none(latents: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"latent_generator: {message}"):
        own_gan(own.sequential(2), own.sequential(1), latents=latents).train_step()


@pytest.mark.parametrize(
    ("generator", "discriminator", "latents", "message"),
    [
        (lambda x: x, own.sequential(1), None, "generator: expected a keras.Model, got builtins.function"),
        (own.sequential(2), layers.Dense(1), None, "discriminator: expected a keras.Model, got keras"),
        (own.sequential(2), own.sequential(1), 7, "latent_generator: expected a function"),
        (own.sequential(3), own.sequential(1), None, r"discriminator: expected a network of inputs \(8, 3\)"),
    ],
    ids=["a function", "a layer", "no function", "shapes"],
)
def test_networks_that_are_none(generator: Any, discriminator: Any, latents: Any, message: str) -> None:
    latents = latents or (lambda k: tf.random.normal((k, 2)))
    with pytest.raises(ValueError, match=message):
        own_gan(generator, discriminator, latents=latents)


def test_a_network_with_two_outputs() -> None:
    inputs = keras.Input((2,))
    two = keras.Model(inputs, [layers.Dense(2)(inputs), layers.Dense(2)(inputs)])
    with pytest.raises(ValueError, match="generator: expected one tensor as output, got list"):
        own_gan(two, own.sequential(1))


def _looking_on() -> keras.callbacks.Callback:
    return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)


# copies and files


@pytest.mark.parametrize("which", ["generator", "discriminator"])
def test_networks_can_be_copied(which: str) -> None:
    network = getattr(small_gan(), which)
    twin = copy.deepcopy(network)
    for one, two in zip(network.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    keras.models.clone_model(network)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_plain_keras_loads_saved_networks(tmp_path: Path) -> None:
    gan = small_gan()
    train(gan, 1)
    code = "import keras, numpy\n"
    names = "generator.keras", "generator.h5"
    for name in names:
        gan.generator.save(tmp_path / name)
        code += f"numpy.save('{name}.npy', keras.models.load_model('{name}')(numpy.ones((3, 2), 'float32')))\n"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    expected = gan.generator(np.ones((3, 2)))
    for name in names:
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), expected, atol=1e-6, err_msg=name)


# random networks

_ACTIVATIONS: tuple[Any, ...] = (
    *("tanh", "relu", "leaky_relu", "sigmoid", "linear", keras.activations.elu, tf.nn.relu),
    *(own.leaky_relu, own.relu, own.elu, lambda x: x * tf.sigmoid(x)),
)
_LAYERS: tuple[Callable[[], layers.Layer], ...] = (
    layers.BatchNormalization,
    layers.LayerNormalization,
    lambda: layers.Dropout(0.2),
    lambda: layers.LeakyReLU(negative_slope=0.3),
    lambda: layers.Lambda(lambda x: 1.5 * x),
    own.Scale,
)


@st.composite
def _layers(draw: st.DrawFn) -> list[tuple[Callable[[], layers.Layer], bool]]:
    """Draw up to two layers to put between the others, and whether each is trained."""
    dense = st.builds(
        lambda units, activation: lambda: layers.Dense(units, activation=activation),
        st.integers(1, 5),
        st.sampled_from(_ACTIVATIONS),
    )
    return draw(st.lists(st.tuples(st.one_of(dense, st.sampled_from(_LAYERS)), st.booleans()), max_size=2))


_specification = st.tuples(st.sampled_from((*FORMS, own.TwoLayers)), _layers(), st.sampled_from((0.5, 3.0)))


def _build(outputs: int, specification: tuple[Any, ...]) -> keras.Model:
    form, between, scale = specification
    parts = [] if form is own.TwoLayers else [make() for make, _ in between]
    network = form(outputs, *parts)
    network(np.zeros((2, 2), np.float32))
    for layer, (_, trainable) in zip(parts, between, strict=False):
        layer.trainable = trainable
        if isinstance(layer, own.Scale):
            layer.s = scale
    return network


@settings(max_examples=4)
@given(
    networks=st.tuples(_specification, _specification),
    optimizers=st.tuples(*2 * [st.sampled_from([*OPTIMIZERS])]),
    gan_class=st.sampled_from(CLASSES),
    batch_size=st.integers(2, 9),
    disc_iter=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_random_networks_take_the_steps_of_train_step(
    networks: Any, optimizers: tuple[str, str], gan_class: type[GAN], batch_size: int, disc_iter: int, seed: int
) -> None:
    keras.utils.set_random_seed(seed)
    generator, critic = _build(2, networks[0]), _build(1, networks[1])
    if any(make is layers.BatchNormalization for _, between, _ in networks for make, _ in between):
        # Of a normalised batch of two, gradients are rounding errors, which Adam and its like turn into whole steps.
        batch_size = max(batch_size, 3)
    latents = lambda k: tf.random.normal((k, 2))  # noqa: E731
    gan = own_gan(generator, critic, gan_class, latents=latents, batch_size=batch_size, disc_iter=disc_iter)
    for network, optimizer in zip((generator, critic), optimizers, strict=True):
        network.optimizer = OPTIMIZERS[optimizer]()
    assert_every_way_takes_the_same_steps(gan, steps=5)
