"""The WGAN-GP that learns faces: one generator against two critics, which see all faces disturbed alike."""

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

#: Smallest variance, as a share of the mean one, of a direction that the quadratic critic stretches to that of others.
_FLOOR = 0.05

#: How faces are disturbed: the shares that are mirrored and shifted, and the noise as a share of what they vary.
MIRRORED, SHIFTED, NOISE = 0.2, 0.5, 0.2


class FaceGAN(WGAN_GP):
    """A WGAN-GP on 16×16 faces whose generator faces two critics.

    ``critic`` is that of ``convolutional_GenDiscr``, without the tanh at its end, which would bound the distance that
    it can show. ``quadratic`` is a quadratic function of the pixels: it sees every mean and every covariance at once,
    of which the convolutional critic overlooks the faint ones. Each has a gradient penalty of its own, so that the
    one's slope takes nothing from the other's. ``discriminator`` is both, with scores of shape ``(batch, 2)``.

    Args:
        faces: float32 ``(count, 16, 16)`` in [-1, 1].
        disturb: whether the critics see real and generated faces disturbed, see :class:`Disturbance`.
        quadratic_weight: how much the quadratic critic counts, the convolutional one being 1, where the generator
            learns from them.
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
        # Forced to a slope of 1 it would go on pushing, with its great weight, once it has nothing left to say.
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
    """Build a critic ``xᵀAx + bᵀx``, float ``(batch, 16, 16, 1)`` → ``(batch, 1)``; A and b are to be learnt, from 0.

    Args:
        faces: ``(count, 16, 16)``; x are a face's principal components among them, stretched to about equal variance.
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
    """Changes faces at random, in ways that the critic is to see in real and generated faces alike.

    Some are mirrored, some are shifted by a pixel, all get noise that is coloured as the real faces vary. Each of
    these can be undone in distribution, as less than half are mirrored and half stay in place: the changed faces
    agree only where the unchanged ones do, so nothing of it leaks into what the generator draws (Karras et al. 2020,
    "Training Generative Adversarial Networks with Limited Data").

    Args:
        gan: whose real faces give the noise its colour, and whose seed and updates so far decide on the changes.
    """

    def __init__(self, gan: WGAN_GP) -> None:
        self._gan = gan
        _, variances, directions = _principal_components(gan.real_examples.numpy())
        colour = NOISE * np.sqrt(variances)[:, np.newaxis] * directions.T
        self._colour = tf.constant(colour, tf.float32)

    def __call__(self, faces: tf.Tensor, draw: int) -> tf.Tensor:
        """Change faces, float32 ``(count, 16, 16, 1)``; ``draw`` tells apart the draws of one update."""
        count = faces.shape[0]
        seed = self._seed(draw)
        # For each face: whether it is mirrored, whether it is shifted, and by -1, 0 or 1 pixel down and right.
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
        """Return what no other draw of the run has, and a resumed run has again."""
        networks = (self._gan.discriminator, self._gan.generator)
        updates = [tf.cast(tf.convert_to_tensor(network.optimizer.iterations), tf.int64) for network in networks]
        key = tf.stack([tf.constant(self._gan.seed, tf.int64), updates[0]])
        return tf.random.experimental.stateless_fold_in(key, 2 * updates[1] + draw)
