"""Toy trainings that are known to work: data, networks and settings by name."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.gan import GAN
from models.latents import LatentGenerator
from models.networks import fully_connected_GenDiscr
from models.optimizers import adam
from models.simple_gan import Simple_GAN
from models.toys.datasets import make
from models.wgan_clip import WGAN_clip
from models.wgan_gp import WGAN_GP

GAN_CLASSES: dict[str, type[GAN]] = {kind.__name__: kind for kind in (Simple_GAN, WGAN_clip, WGAN_GP)}


@dataclass(frozen=True)
class Preset:
    """A toy training; the defaults are the exercise's.

    Args:
        data: a name of :data:`models.toys.datasets.NAMES`.
        size: how many real examples are drawn.
        gen_shape: see :func:`models.networks.fully_connected_GenDiscr`.
        steps: training steps of a whole run.
        gan: ``Simple_GAN``, ``WGAN_clip`` or ``WGAN_GP``.
        latent_type: ``normal``, ``uniform`` or ``spheric``.
        batch_size: of a step.
        disc_iter: discriminator updates to each generator update.
        learning_rate: of both networks, at the start.
        final_rate: share of the learning rate to which it falls along half a cosine; 1 keeps it.
        lambda_gp: weight of the gradient penalty, for ``WGAN_GP``.
        beta_1: of both Adam optimizers; None for the GAN class's.
        ema: momentum of a moving average of the generator's weights, for :meth:`trained_generator`.
        linear_critic: drop the critic's final tanh, which bounds the measured distance.
        generator_gain: widens the generator's first layer, see :func:`widen_first_layer`.
        critic_gain: the same for the critic.

    Raises:
        ValueError: the GAN's name is unknown. :meth:`build` checks the rest.
    """

    data: str
    size: int
    gen_shape: tuple[int, ...]
    steps: int
    gan: str = "WGAN_GP"
    latent_type: str = "normal"
    batch_size: int = 200
    disc_iter: int = 2
    learning_rate: float = 0.005
    final_rate: float = 1.0
    lambda_gp: float = 10.0
    beta_1: float | None = None
    ema: float | None = None
    linear_critic: bool = False
    generator_gain: float = 1.0
    critic_gain: float = 1.0

    def __post_init__(self) -> None:
        if self.gan not in GAN_CLASSES:
            raise ValueError(f"unknown gan: expected one of {', '.join(GAN_CLASSES)}, got {self.gan!r}")

    def with_gan(self, gan: str) -> "Preset":
        """Return the same training for another GAN; its critic keeps the exercise's tanh."""
        return self if gan == self.gan else replace(self, gan=gan, linear_critic=False)

    def build(self, seed: int) -> GAN:
        """Build the GAN, ready for ``train(gan, preset.steps)``; ``seed`` decides on data, weights and training.

        Sets the global seeds of Python, NumPy and TensorFlow, from which Keras draws initial weights.
        """
        keras.utils.set_random_seed(seed)
        generator, critic, latent_generator = fully_connected_GenDiscr(self.gen_shape, latent_type=self.latent_type)
        if self.linear_critic:
            critic.layers[-1].activation = keras.activations.linear
        self._widen(generator, critic, latent_generator, seed)
        names = ("batch_size", "disc_iter", "learning_rate", *(["lambda_gp"] if self.gan == "WGAN_GP" else []))
        real = make(self.data, self.size, seed=seed)
        settings = {name: getattr(self, name) for name in names}
        gan = GAN_CLASSES[self.gan](generator, critic, latent_generator, real, **settings)
        fading = partial(
            adam,
            self.learning_rate,
            beta_1=gan.beta_1 if self.beta_1 is None else self.beta_1,
            beta_2=gan.beta_2,
            final_rate=self.final_rate,
        )
        gan.set_optimizers(fading(updates=self.steps, average=self.ema), fading(updates=self.steps * self.disc_iter))
        gan.seed = seed
        return gan

    def trained_generator(self, gan: GAN) -> keras.Model:
        """Return a copy of the generator of ``gan``, with averaged weights if the preset averages them."""
        copy, _, _ = fully_connected_GenDiscr(self.gen_shape)
        copy.set_weights(gan.generator.get_weights())
        gan.generator.optimizer.finalize_variable_values(copy.trainable_variables)
        return copy

    def generate(self, gan: GAN, count: int) -> npt.NDArray[np.float32]:
        """Generate points, ``(count, dim)``, with the trained generator; ``gan.seed`` decides on them."""
        latents = LatentGenerator(self.latent_type, self.gen_shape[0])
        points: npt.NDArray[np.float32] = self.trained_generator(gan)(latents.seeded(count, _key(gan.seed, 1))).numpy()
        return points

    def _widen(self, generator: keras.Model, critic: keras.Model, latent_generator: LatentGenerator, seed: int) -> None:
        width = generator.layers[1].units
        if self.generator_gain != 1:
            latents = latent_generator.seeded(width, _key(seed, 0))
            widen_first_layer(generator, self.generator_gain, latents.numpy())
        if self.critic_gain != 1:
            units, dim = critic.layers[1].units, self.gen_shape[-1]
            places = np.random.default_rng(seed).uniform(size=(units, dim))
            widen_first_layer(critic, self.critic_gain, places)


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


#: One recipe for the plane. Distances in the unit square are small, so the penalty's weight is small, too.
#: It finds all modes of both mixtures; 98 % (ring8) and 95 % (grid25) of 2,500 samples are of high quality.
_PLANE = Preset(
    data="ring8",
    size=100_000,
    gen_shape=(2, 128, 128, 128, 2),
    steps=20_000,
    batch_size=256,
    learning_rate=0.003,
    final_rate=0.1,
    lambda_gp=0.1,
    beta_1=0.0,
    ema=0.9995,
    linear_critic=True,
    generator_gain=10.0,
    critic_gain=20.0,
)

#: Task 2 of the exercise as it stands: 100 epochs of 250 steps.
_CORNER_CLOUD = Preset(data="corner_cloud", size=10_000, gen_shape=(49, 98, 98, 49), steps=25_000, learning_rate=3e-5)

# Curves and broad clouds need less precision, so fewer steps, and a shorter average that forgets the start in time.
_BROAD = replace(_PLANE, steps=4_000, ema=0.998)

PRESETS: dict[str, Preset] = {
    "ring8": _PLANE,
    "grid25": replace(_PLANE, data="grid25"),
    "circle": replace(_BROAD, data="circle"),
    "swiss_roll": replace(_BROAD, data="swiss_roll"),
    "moons": replace(_BROAD, data="moons"),
    "four_clouds": replace(_BROAD, data="four_clouds", gen_shape=(2, 128, 128, 128, 5)),
    # At a high rate, averaged weights contract the cloud; so the rate falls to 0.
    "corner_cloud": replace(
        _CORNER_CLOUD, learning_rate=3e-4, final_rate=0.0, lambda_gp=1.0, beta_1=0.0, ema=0.999, linear_critic=True
    ),
    "corner_cloud_exercise": _CORNER_CLOUD,
}
