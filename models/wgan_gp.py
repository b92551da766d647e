"""Task 2: the Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, "Improved Training of WGANs")."""

from typing import Any, ClassVar

import keras
import tensorflow as tf

from models import losses
from models.catalogue import LOSS_NAMES
from models.gan import GAN, Logs
from models.inputs import finite_number
from models.latents import LatentCallable


class WGAN_GP(GAN):
    """A penalty instead of a clip pulls the critic's slope between real and fake examples towards 1.

    Args:
        lambda_gp: weight of the gradient penalty in the critic's loss. The others are those of ``GAN``.
    """

    beta_1: float = 0.3
    loss_names: ClassVar[tuple[str, ...]] = LOSS_NAMES["wgan_gp"]
    scores_order: ClassVar[tuple[str, str]] = ("fake_scores", "real_scores")
    generator_loss = staticmethod(losses.wasserstein_generator_loss)
    discriminator_loss = staticmethod(losses.wasserstein_discriminator_loss)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: LatentCallable,
        real_examples: Any,
        batch_size: int = 200,
        disc_iter: int = 2,
        learning_rate: float = 0.005,
        lambda_gp: float = 10,
    ) -> None:
        super().__init__(
            generator, discriminator, latent_generator, real_examples, batch_size, disc_iter, learning_rate
        )
        self.lambda_gp = finite_number("lambda_gp", lambda_gp)
        if self.lambda_gp < 0:
            raise ValueError(f"lambda_gp: expected a number of at least 0, got {lambda_gp!r}")
        # The exercise's helpers: the axes of one example, and a shape that gives each example one number.
        self.dims = self.real_examples.shape
        self.len_dims = tf.size(self.dims)
        self.axis = tf.range(1, self.len_dims)
        self.scal_shape = tf.constant([self.batch_size] + [1] * (len(self.dims) - 1))

    def get_interpolated_sample(self, real_sample: tf.Tensor, fake_sample: tf.Tensor) -> tf.Tensor:
        """Draw one point on the segment between each real example and its fake one, uniformly.

        Raises:
            ValueError: the two samples differ in shape.
        """
        real_sample, fake_sample = (tf.cast(sample, tf.float32) for sample in (real_sample, fake_sample))
        if real_sample.shape != fake_sample.shape:
            raise ValueError(
                f"expected real and fake samples of one shape, got {real_sample.shape} and {fake_sample.shape}"
            )
        u = self.randomness.uniform(
            tf.concat([tf.shape(real_sample)[:1], tf.ones(len(real_sample.shape) - 1, tf.int32)], axis=0)
        )
        return u * real_sample + (1 - u) * fake_sample

    def gradient_penalty(self, interpolated_sample: tf.Tensor) -> tf.Tensor:
        """Return the mean squared distance from 1 of the critic's gradient norm at the given points."""
        points = tf.cast(interpolated_sample, tf.float32)
        return losses.gradient_penalty(lambda x: self.discriminator(x, training=True), points)

    def discriminator_objective(self, real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, Logs]:
        """Return the critic's Wasserstein loss plus ``lambda_gp`` times the penalty; log both."""
        loss, logs = super().discriminator_objective(real, fake)
        gp = self.gradient_penalty(self.get_interpolated_sample(real, fake))
        return loss + tf.cast(self.lambda_gp * gp, loss.dtype), logs | {"gp": gp}
