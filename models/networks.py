"""The two network pairs of the exercise: fully connected (task 0) and convolutional (task 3)."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from models.catalogue import discriminator_widths
from models.latents import LatentGenerator

FACE_SHAPE = (16, 16, 1)
FACE_LATENT_DIM = 16


def fully_connected_GenDiscr(
    gen_shape: Sequence[int], real_examples: Any = None, latent_type: str = "normal"
) -> tuple[keras.Model, keras.Model, LatentGenerator]:
    """Build a dense generator, a dense discriminator and their latent generator (task 0).

    Args:
        gen_shape: widths of the generator from latent to output, at least three positive integers.
            ``[1, 100, 100, 2]`` gives 10,502 and 10,501 parameters.
        real_examples: not used; the exercise passes it.
        latent_type: ``normal``, ``uniform`` or ``spheric``.

    Returns:
        ``(generator, discriminator, latent_generator)``. The generator maps ``(batch, gen_shape[0])`` to
        ``(batch, gen_shape[-1])`` in (0, 1); the discriminator maps that to ``(batch, 1)`` in (-1, 1).

    Raises:
        ValueError: ``gen_shape`` or ``latent_type`` is not as described.
    """
    widths = _checked_widths(gen_shape)
    latent_generator = LatentGenerator(latent_type, widths[0])
    generator = _dense("generator", widths, "sigmoid")
    # The exercise's text asks for a sigmoid; its code and its targets of +1 and -1 need tanh.
    discriminator = _dense("discriminator", discriminator_widths(widths), "tanh")
    return generator, discriminator, latent_generator


def _dense(name: str, widths: Sequence[int], last_activation: str) -> keras.Model:
    inputs = hidden = keras.Input(shape=(widths[0],))
    for width in widths[1:-1]:
        hidden = layers.Dense(width, activation="tanh")(hidden)
    outputs = layers.Dense(widths[-1], activation=last_activation)(hidden)
    return keras.Model(inputs, outputs, name=name)


def _checked_widths(gen_shape: Sequence[int]) -> list[int]:
    try:
        widths = [int(width) for width in gen_shape]
        whole = all(width == given for width, given in zip(widths, gen_shape, strict=True))
    except (TypeError, ValueError, OverflowError):
        whole, widths = False, []
    if not whole or len(widths) < 3 or min(widths) < 1:
        raise ValueError(
            "gen_shape: expected at least three positive integers (latent, hidden ..., output), "
            f"for example [1, 100, 100, 2], got {gen_shape!r}"
        )
    return widths


def convolutional_GenDiscr() -> tuple[keras.Model, keras.Model]:
    """Build the generator and the discriminator of 16×16 grey faces (task 3).

    Returns:
        ``(generator, discriminator)``: ``(batch, 16)`` → ``(batch, 16, 16, 1)`` in (-1, 1), with 339,493
        parameters (339,331 trainable), and ``(batch, 16, 16, 1)`` → ``(batch, 1)`` in (-1, 1), with 388,097.
    """

    def get_generator() -> keras.Model:
        inputs = keras.Input(shape=(FACE_LATENT_DIM,))
        hidden = layers.Dense(2048, activation="tanh")(inputs)
        hidden = layers.Reshape((2, 2, 512))(hidden)
        for filters in (64, 16, 1):
            hidden = layers.UpSampling2D()(hidden)
            hidden = layers.Conv2D(filters, 3, padding="same")(hidden)
            hidden = layers.BatchNormalization()(hidden)
            hidden = layers.Activation("tanh")(hidden)
        return keras.Model(inputs, hidden, name="generator")

    def get_discriminator() -> keras.Model:
        inputs = keras.Input(shape=FACE_SHAPE)
        hidden = inputs
        for filters in (32, 64, 128, 256):
            hidden = layers.Conv2D(filters, 3, padding="same")(hidden)
            hidden = layers.MaxPooling2D()(hidden)
            hidden = layers.Activation("tanh")(hidden)
        hidden = layers.Flatten()(hidden)
        outputs = layers.Dense(1, activation="tanh")(hidden)
        return keras.Model(inputs, outputs, name="discriminator")

    return get_generator(), get_discriminator()
