"""Builds the GAN of a toy training: networks, real examples, optimizers."""

from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.catalogue import CLASS_NAMES, GanName
from models.gan import GAN
from models.latents import LatentGenerator
from models.networks import fully_connected_GenDiscr
from models.optimizers import adam
from models.presets import Preset, ToySettings
from models.simple_gan import Simple_GAN
from models.toys.datasets import make
from models.wgan_clip import WGAN_clip
from models.wgan_gp import WGAN_GP

_CLASSES: dict[str, type[GAN]] = {kind.__name__: kind for kind in (Simple_GAN, WGAN_clip, WGAN_GP)}
GAN_CLASSES: dict[GanName, type[GAN]] = {model: _CLASSES[name] for model, name in CLASS_NAMES.items()}


def build(settings: ToySettings, real: npt.NDArray[Any], seed: int) -> GAN:
    """Build a GAN, ready for ``train(gan, settings.total_steps)``; ``seed`` decides on weights and training.

    Sets the global seeds of Python, NumPy and TensorFlow, from which Keras draws initial weights.

    Args:
        settings: the training.
        real: the real examples, ``(count, settings.gen_shape[-1])``.
        seed: any integer.

    Raises:
        ValueError: the settings do not fit each other.
    """
    keras.utils.set_random_seed(seed)
    generator, critic, latent_generator = fully_connected_GenDiscr(settings.gen_shape, real, settings.latent_type)
    if settings.critic_activation == "linear":
        critic.layers[-1].activation = keras.activations.linear
    _widen(settings, generator, critic, latent_generator, seed)
    given = {name: getattr(settings, name) for name in ("batch_size", "disc_iter", "learning_rate")}
    if settings.model == "wgan_gp":
        given["lambda_gp"] = settings.lambda_gp
    gan = GAN_CLASSES[settings.model](generator, critic, latent_generator, real, **given)
    if isinstance(gan, WGAN_clip):
        gan.clip = settings.clip
    optimizer = partial(
        adam,
        settings.learning_rate,
        beta_1=gan.beta_1 if settings.beta_1 is None else settings.beta_1,
        beta_2=gan.beta_2 if settings.beta_2 is None else settings.beta_2,
        final_rate=settings.final_rate,
    )
    updates = settings.total_steps
    gan.set_optimizers(
        optimizer(updates=updates, average=settings.ema), optimizer(updates=updates * settings.disc_iter)
    )
    gan.seed = seed
    return gan


def build_preset(preset: Preset, seed: int) -> GAN:
    """Build the GAN of a preset; ``seed`` decides on the real examples, too."""
    return build(preset, make(preset.data, preset.size, seed=seed), seed)


def trained_generator(settings: ToySettings, gan: GAN, earlier: keras.Model | None = None) -> keras.Model:
    """Return the generator that the training is for: that of ``gan``, or a copy with averaged weights.

    Args:
        settings: of ``gan``; they say whether the weights are averaged.
        gan: the GAN.
        earlier: a copy that this function returned before, to be brought up to date and returned again.
    """
    if settings.ema is None:
        return gan.generator
    copy = fully_connected_GenDiscr(settings.gen_shape)[0] if earlier is None else earlier
    copy.set_weights(gan.generator.get_weights())
    gan.generator.optimizer.finalize_variable_values(copy.trainable_variables)
    return copy


def generate(settings: ToySettings, gan: GAN, count: int) -> npt.NDArray[np.float32]:
    """Generate points, ``(count, dim)``, with the trained generator; ``gan.seed`` decides on them."""
    latents = LatentGenerator(settings.latent_type, settings.gen_shape[0])
    generator = trained_generator(settings, gan)
    points: npt.NDArray[np.float32] = generator(latents.seeded(count, _key(gan.seed, 1))).numpy()
    return points


def _widen(
    settings: ToySettings, generator: keras.Model, critic: keras.Model, latent_generator: LatentGenerator, seed: int
) -> None:
    width = generator.layers[1].units
    if settings.generator_gain != 1:
        latents = latent_generator.seeded(width, _key(seed, 0))
        widen_first_layer(generator, settings.generator_gain, latents.numpy())
    if settings.critic_gain != 1:
        units, dim = critic.layers[1].units, settings.gen_shape[-1]
        places = np.random.default_rng(seed).uniform(size=(units, dim))
        widen_first_layer(critic, settings.critic_gain, places)


def _key(seed: int, use: int) -> tf.Tensor:
    # Negative: other draws of the same seed have a number ≥ 0 here.
    return tf.constant([seed, -1 - use], tf.int64)


def widen_first_layer(network: keras.Model, gain: float, bends: npt.NDArray[Any]) -> None:
    """Give a dense network a steeper first layer, whose units bend in different places.

    With Keras's initial weights, networks are nearly linear on a square of side 1 and learn fine detail slowly.

    Args:
        network: its first layer is dense.
        gain: factor for the first layer's kernel.
        bends: the zero of each unit of the first layer, ``(units, inputs)``.
    """
    kernel, _ = network.layers[1].get_weights()
    kernel = gain * kernel
    network.layers[1].set_weights([kernel, -np.sum(kernel * bends.T, axis=0)])
