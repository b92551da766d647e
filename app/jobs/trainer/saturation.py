"""What ends the learning although the training goes on: a saturated discriminator, a constant generator."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models import Simple_GAN
from models.gan import GAN

#: Scores this close to ±1 stand at the end of the discriminator's tanh.
_END = 1e-4
#: Adam's epsilon: its steps vanish where gradients are smaller.
_NO_GRADIENT = 1e-7
#: Generated points whose spread is this share of the real ones' are one and the same.
_CONSTANT = 1e-3
#: Examples that the gradient is computed from.
_EXAMPLES = 2_500

Singles = npt.NDArray[np.float32]


def warnings_of(gan: GAN, generated: Singles, scores: Singles) -> dict[str, str]:
    """Say what keeps the networks from learning, in one sentence each.

    Args:
        gan: with tanh at the end of its discriminator.
        generated: examples of its generator, at least 2.
        scores: of its discriminator, for some real and some generated examples, ``(count, 1)``.

    Returns:
        ``discriminator_saturated``: all scores stand at the ends of the tanh, and the gradient of the discriminator's
        loss is too small for Adam; the generator's, which passes through the discriminator, is so, too.
        ``generator_constant``: the generator makes one and the same example of all random numbers.
    """
    found = {}
    if (np.abs(scores) >= 1 - _END).all() and _largest_gradient(gan, generated) <= _NO_GRADIENT:
        name = "discriminator" if isinstance(gan, Simple_GAN) else "critic"
        remedy = "a smaller clip or learning_rate" if hasattr(gan, "clip") else "a smaller learning_rate"
        found["discriminator_saturated"] = (
            f"the {name} is saturated since step {gan.steps_done:,} and learns nothing: its scores of real "
            "and generated points are all ±1, the ends of its tanh, so its gradient is zero, and with it the "
            f"generator's; try {remedy}"
        )
    real_spread = np.std(gan.real_examples.numpy(), axis=0).max()
    if real_spread > 0 and np.std(generated, axis=0).max() < _CONSTANT * real_spread:
        found["generator_constant"] = (
            f"the generator makes one and the same point of all random numbers since step {gan.steps_done:,}"
        )
    return found


def _largest_gradient(gan: GAN, generated: Singles) -> float:
    """Return the largest derivative of the discriminator's objective by one of its weights, in absolute value."""
    count = min(_EXAMPLES, len(gan.real_examples), len(generated))
    real = tf.gather(gan.real_examples, np.linspace(0, len(gan.real_examples) - 1, count).astype(int))
    weights = [variable.value for variable in gan.discriminator.trainable_variables]
    with tf.GradientTape() as tape:
        objective, _ = gan.discriminator_objective(real, tf.constant(generated[:count]))
    gradients = tape.gradient(objective, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return max(float(tf.reduce_max(tf.abs(gradient))) for gradient in gradients)
