"""Task 1: the Wasserstein GAN with clipped weights (Arjovsky et al. 2017, "Wasserstein GAN")."""

from typing import ClassVar

import tensorflow as tf

from models import losses
from models.gan import GAN, Logs


class WGAN_clip(GAN):
    """The critic's mean score of real minus fake estimates a distance; clipping bounds the critic's slope.

    The bound ``clip`` is 1, as the exercise has it (the paper takes .01).
    """

    clip: float = 1.0
    scores_order: ClassVar[tuple[str, str]] = ("fake_scores", "real_scores")
    generator_loss = staticmethod(losses.wasserstein_generator_loss)
    discriminator_loss = staticmethod(losses.wasserstein_discriminator_loss)

    def update_discriminator(self) -> Logs:
        """Apply one gradient descent to the critic, then clip its weights and biases to [-clip, clip]."""
        logs = super().update_discriminator()
        for variable in self.discriminator.trainable_variables:
            variable.assign(tf.clip_by_value(variable.value, -self.clip, self.clip))
        return logs
