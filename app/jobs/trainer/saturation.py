"""Detects a GAN that trains without learning: a saturated discriminator, a constant generator."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models import Simple_GAN
from models.gan import GAN

#: Scores this close to ±1 are at the ends of the discriminator's tanh.
_END = 1e-4
#: Adam's epsilon: its steps vanish if gradients are smaller.
_NO_GRADIENT = 1e-7
#: Generated points are equal if their spread is a smaller share of the real points' spread.
_CONSTANT = 1e-3
#: Real examples used for gradients, and for the scores that decide whether gradients are computed.
_EXAMPLES, _FEW = 2_500, 100

Singles = npt.NDArray[np.float32]


class LearningCheck:
    """Detects that a GAN no longer learns.

    Args:
        real_examples: ``(count, dim)``, in the units of the networks.
    """

    def __init__(self, real_examples: tf.Tensor) -> None:
        # From the whole range: a file may be sorted.
        count = len(real_examples)
        places = np.linspace(0, count - 1, min(_EXAMPLES, count)).astype(int)
        self._real: Singles = tf.gather(real_examples, places).numpy()
        self._spread = float(np.std(self._real, axis=0).max())

    def points(self, generated: Singles) -> Singles:
        """Return some real and some generated examples; :meth:`warnings` takes their scores."""
        return np.concatenate([some[:: max(1, len(some) // _FEW)] for some in (self._real, generated)])

    def warnings(self, gan: GAN, generated: Singles, scores: Singles) -> dict[str, str]:
        """Return the reasons why the networks do not learn, one sentence each.

        Args:
            gan: with tanh at the end of its discriminator.
            generated: examples of its generator, at least 2.
            scores: of its discriminator for :meth:`points`.

        Returns:
            ``discriminator_saturated``: its scores are at the ends of the tanh, and the gradient of its loss is too
            small for Adam; so is the generator's, which passes through the discriminator. ``generator_constant``: the
            generator makes the same example of all latent vectors.
        """
        found = {}
        if (np.abs(scores) >= 1 - _END).all() and self._largest_gradient(gan, generated) <= _NO_GRADIENT:
            name = "discriminator" if isinstance(gan, Simple_GAN) else "critic"
            remedy = "a smaller clip or learning_rate" if hasattr(gan, "clip") else "a smaller learning_rate"
            found["discriminator_saturated"] = (
                f"the {name} is saturated since step {gan.steps_done:,} and learns nothing: its scores of real and "
                "generated points are all ±1, the ends of its tanh, so its gradient is zero, and with it the "
                f"generator's; try {remedy}"
            )
        if self._spread > 0 and np.std(generated, axis=0).max() < _CONSTANT * self._spread:
            found["generator_constant"] = (
                f"the generator makes one and the same point of all random numbers since step {gan.steps_done:,}"
            )
        return found

    def _largest_gradient(self, gan: GAN, generated: Singles) -> float:
        """Return the largest absolute derivative of the discriminator's objective by one of its weights."""
        count = min(len(self._real), len(generated))
        places = np.linspace(0, len(self._real) - 1, count).astype(int)
        weights = [variable.value for variable in gan.discriminator.trainable_variables]
        with tf.GradientTape() as tape:
            objective, _ = gan.discriminator_objective(tf.constant(self._real[places]), tf.constant(generated[:count]))
        gradients = tape.gradient(objective, weights, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        return max(float(tf.reduce_max(tf.abs(gradient))) for gradient in gradients)
