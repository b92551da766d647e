"""Small GANs for tests."""

from typing import Any

import keras
import numpy as np

from models import WGAN_GP, Simple_GAN, WGAN_clip, fully_connected_GenDiscr
from models.gan import GAN

CLASSES: tuple[type[GAN], ...] = (Simple_GAN, WGAN_clip, WGAN_GP)


def small_gan(gan_class: type[GAN] = WGAN_GP, *, latents: Any = None, seed: int = 0, **arguments: Any) -> GAN:
    """Build a GAN on 64 points in the plane, with networks initialised from ``seed``."""
    keras.utils.set_random_seed(seed)
    generator, discriminator, latent_generator = fully_connected_GenDiscr([2, 4, 3, 2])
    points = np.random.default_rng(0).uniform(size=(64, 2))
    arguments = {"batch_size": 8, "learning_rate": 0.01} | arguments
    gan = gan_class(generator, discriminator, latents or latent_generator, points, **arguments)
    gan.seed = seed
    return gan


def weights_of(gan: GAN) -> list[np.ndarray]:
    """Return both networks' weights."""
    return [*gan.generator.get_weights(), *gan.discriminator.get_weights()]
