"""The losses of the three GANs. Scores are a discriminator's outputs, float of shape ``(batch, 1)``.

The exercise passes a discriminator's loss (real, fake) in task 0 and (fake, real) in the Wasserstein tasks. Both
orders are kept for callers; inside the project the arguments go by name.
"""

from collections.abc import Callable

import tensorflow as tf


def least_squares_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """Return ``mean((D(fake) - 1)²)``, in [0, 4] for a tanh discriminator (Mao et al. 2017; task 0)."""
    return tf.reduce_mean(tf.square(fake_scores - 1.0))


def least_squares_discriminator_loss(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """Return ``mean((D(real) - 1)²) + mean((D(fake) + 1)²)``, in [0, 8] (Mao et al. 2017; task 0)."""
    return tf.reduce_mean(tf.square(real_scores - 1.0)) + tf.reduce_mean(tf.square(fake_scores + 1.0))


def wasserstein_generator_loss(fake_scores: tf.Tensor) -> tf.Tensor:
    """Return ``-mean(D(fake))`` (Arjovsky et al. 2017; task 1)."""
    return -tf.reduce_mean(fake_scores)


def wasserstein_discriminator_loss(fake_scores: tf.Tensor, real_scores: tf.Tensor) -> tf.Tensor:
    """Return ``mean(D(fake)) - mean(D(real))``, which the critic minimises (Arjovsky et al. 2017; task 1)."""
    return tf.reduce_mean(fake_scores) - tf.reduce_mean(real_scores)


def gradient_penalty(
    critic: Callable[[tf.Tensor], tf.Tensor], samples: tf.Tensor, *, one_sided: bool = False
) -> tf.Tensor:
    """Return ``mean((‖∇ₓ critic(x)‖ - 1)²)`` over the samples (Gulrajani et al. 2017; task 2).

    Args:
        critic: maps samples to scores.
        samples: float of shape ``(batch, ...)``; the norm runs over all axes but the first.
        one_sided: penalise only norms above 1 (Petzka et al. 2018), so that the critic of equal distributions may be
            flat.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(samples)
        scores = critic(samples)
    gradients = tape.gradient(scores, samples)
    squares = tf.reduce_sum(tf.square(gradients), axis=list(range(1, len(samples.shape))))
    # A saturated critic has a zero gradient, where the square root's own derivative is infinite.
    norms = tf.sqrt(tf.maximum(squares, 1e-12))
    excess = tf.maximum(norms - 1.0, 0.0) if one_sided else norms - 1.0
    return tf.reduce_mean(tf.square(excess))
