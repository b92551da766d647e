"""The WGAN-GP that learns faces: one generator against two critics, which see disturbed faces."""

import os
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import layers

from models import losses
from models.files.weights import load_together
from models.inputs import finite_number
from models.latents import LatentGenerator
from models.networks import FACE_LATENT_DIM, FACE_SHAPE, convolutional_GenDiscr
from models.wgan_gp import WGAN_GP

_SIDE = 16
_PIXELS = _SIDE * _SIDE

#: Directions of less variance than this share of the mean one are not stretched to full variance.
_FLOOR = 0.05

#: How faces are disturbed: the shares that are mirrored and shifted, and the noise as a share of the faces' variation.
MIRRORED, SHIFTED, NOISE = 0.2, 0.5, 0.2


class FaceGAN(WGAN_GP):
    """A WGAN-GP on 16×16 faces whose generator faces two critics.

    ``critic`` is that of ``convolutional_GenDiscr``, without its final tanh, which would bound the measured distance.
    ``quadratic`` is a quadratic function of the pixels: it sees all means and covariances, also the faint ones that the
    convolutional critic misses. Each has its own gradient penalty, so that they do not share one slope.
    ``discriminator`` is both, with scores of shape ``(batch, 2)``.

    Args:
        faces: float32 ``(count, 16, 16)`` in [-1, 1].
        disturb: whether the critics see real and generated faces disturbed, see :class:`Disturbance`.
        quadratic_weight: weight of the quadratic critic in the generator's loss; the convolutional one weighs 1.
        settings: ``batch_size``, ``disc_iter``, ``learning_rate`` and ``lambda_gp``, as ``WGAN_GP`` has them.
    """

    def __init__(
        self, faces: npt.NDArray[np.float32], *, disturb: bool = True, quadratic_weight: float = 10.0, **settings: Any
    ) -> None:
        generator, critic = convolutional_GenDiscr()
        critic.layers[-1].activation = keras.activations.linear
        quadratic = quadratic_critic(faces)
        inputs = keras.Input(FACE_SHAPE)
        both = keras.Model(inputs, layers.Concatenate()([critic(inputs), quadratic(inputs)]), name="critics")
        super().__init__(generator, both, LatentGenerator("normal", FACE_LATENT_DIM), faces, **settings)
        self.critic, self.quadratic = critic, quadratic
        self.quadratic_weight = finite_number("quadratic_weight", quadratic_weight)
        self._disturbance = Disturbance(self) if disturb else None

    def generator_loss(self, fake_scores: tf.Tensor) -> tf.Tensor:
        """Return the Wasserstein losses of both critics' scores, the quadratic one's times its weight."""
        return losses.wasserstein_generator_loss(tf.linalg.matvec(fake_scores, [1.0, self.quadratic_weight]))

    def discriminator_loss(self, fake_scores: tf.Tensor, real_scores: tf.Tensor) -> tf.Tensor:
        """Return the sum of both critics' Wasserstein losses."""
        sums = (tf.reduce_sum(scores, axis=1) for scores in (fake_scores, real_scores))
        return losses.wasserstein_discriminator_loss(*sums)

    def gradient_penalty(self, interpolated_sample: tf.Tensor) -> tf.Tensor:
        """Return the sum of both critics' penalties."""
        convolutional = losses.gradient_penalty(self.critic, interpolated_sample)
        # One-sided: a two-sided penalty keeps the critic active after the distributions match.
        return convolutional + losses.gradient_penalty(self.quadratic, interpolated_sample, one_sided=True)

    def get_real_sample(self, size: int | None = None) -> tf.Tensor:
        """Draw real faces as the critics see them."""
        return self._seen(super().get_real_sample(size), 0)

    def get_fake_sample(self, size: int | None = None, training: bool = False) -> tf.Tensor:
        """Generate faces as the critics see them."""
        return self._seen(super().get_fake_sample(size, training), 1)

    def _seen(self, faces: tf.Tensor, draw: int) -> tf.Tensor:
        return faces if self._disturbance is None else self._disturbance(faces, draw)

    def replace_weights(self, gen_h5: str | os.PathLike[str], disc_h5: str | os.PathLike[str]) -> None:
        """Load the generator's and the convolutional critic's weights; the quadratic critic stays as it is.

        Raises:
            WeightsError: a file is missing or does not fit; then neither network has changed.
        """
        load_together((self.generator, gen_h5), (self.critic, disc_h5))


def quadratic_critic(faces: npt.NDArray[np.float32]) -> keras.Model:
    """Build a critic ``xᵀAx + bᵀx``, float ``(batch, 16, 16, 1)`` → ``(batch, 1)``; training learns A and b, from 0.

    Args:
        faces: ``(count, 16, 16)``; x are a face's principal components in them, scaled to about equal variance.
    """
    mean, variances, directions = _principal_components(faces)
    floor = _FLOOR * variances.mean() + 1e-12
    stretched = directions * np.sqrt(variances.mean() / (variances + floor))

    inputs = keras.Input(FACE_SHAPE)
    components = layers.Dense(_PIXELS, trainable=False)
    x = components(layers.Flatten()(inputs))
    components.set_weights([stretched, -mean @ stretched])
    slopes = layers.Dense(_PIXELS, kernel_initializer="zeros")(x)
    return keras.Model(inputs, layers.Dot(axes=1)([x, slopes]), name="quadratic")


def _principal_components(faces: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the mean face ``(256,)``, the variances ``(256,)`` and the directions ``(256, 256)``, one a column."""
    rows = np.asarray(faces, np.float64).reshape(-1, _PIXELS)
    variances, directions = np.linalg.eigh(np.cov(rows, rowvar=False, bias=True))
    return rows.mean(axis=0), np.maximum(variances, 0.0), directions


class Disturbance:
    """Augments real and generated faces alike, at random.

    Some faces are mirrored, some are shifted by a pixel, all get noise with the covariance of the real faces. Less than
    half are mirrored and half stay in place, so each change is invertible in distribution: the changed faces agree only
    if the unchanged ones do, and no augmentation leaks into the generator (Karras et al. 2020, "Training Generative
    Adversarial Networks with Limited Data").

    Args:
        gan: its real faces give the covariance of the noise; its seed and update counts decide on the changes.
    """

    def __init__(self, gan: WGAN_GP) -> None:
        self._gan = gan
        _, variances, directions = _principal_components(gan.real_examples.numpy())
        colour = NOISE * np.sqrt(variances)[:, np.newaxis] * directions.T
        self._colour = tf.constant(colour, tf.float32)

    def __call__(self, faces: tf.Tensor, draw: int) -> tf.Tensor:
        """Change faces, float32 ``(count, 16, 16, 1)``; ``draw`` distinguishes the draws of one update."""
        count = faces.shape[0]
        seed = self._seed(draw)
        # Of each face: whether it is mirrored, whether it is shifted, and by -1, 0 or 1 pixel down and right.
        chances = tf.random.stateless_uniform((count, 4), seed)
        mirrored, moved = chances[:, :1] < MIRRORED, tf.cast(chances[:, 1:2] < SHIFTED, tf.int32)
        shift = moved * (tf.cast(3.0 * chances[:, 2:], tf.int32) - 1)
        places = tf.range(_SIDE)
        rows = tf.clip_by_value(places + shift[:, :1], 0, _SIDE - 1)
        columns = tf.clip_by_value(tf.where(mirrored, _SIDE - 1 - places, places) + shift[:, 1:], 0, _SIDE - 1)
        pixels = tf.reshape(rows[:, :, tf.newaxis] * _SIDE + columns[:, tf.newaxis], (count, -1))
        noise = tf.random.stateless_normal((count, _PIXELS), seed + 1) @ self._colour
        changed = tf.gather(tf.reshape(faces, (count, -1)), pixels, batch_dims=1) + noise
        return tf.reshape(changed, faces.shape)

    def _seed(self, draw: int) -> tf.Tensor:
        """Return a seed that no other draw of the run has, and that a resumed run repeats."""
        networks = (self._gan.discriminator, self._gan.generator)
        updates = [tf.cast(tf.convert_to_tensor(network.optimizer.iterations), tf.int64) for network in networks]
        key = tf.stack([tf.constant(self._gan.seed, tf.int64), updates[0]])
        return tf.random.experimental.stateless_fold_in(key, 2 * updates[1] + draw)
