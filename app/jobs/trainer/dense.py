"""Calls of small dense networks, without the overhead of Keras: it is most of the time of a snapshot."""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

Singles = npt.NDArray[np.float32]


class Layer(NamedTuple):
    """A dense layer as it was at one moment, whatever has become of its network."""

    kernel: Singles
    bias: Singles
    activation: Callable[[tf.Tensor], tf.Tensor]


def layers_of(network: keras.Model) -> list[Layer]:
    """Return the layers of a chain of dense layers as they are now."""
    return [Layer(layer.kernel.numpy(), layer.bias.numpy(), layer.activation) for layer in network.layers[1:]]


def outputs(network: list[Layer], inputs: tf.Tensor | Singles) -> Singles:
    """Return what Keras returns, bit for bit, in a third of its time."""
    values = tf.convert_to_tensor(inputs)
    for layer in network:
        values = layer.activation(tf.matmul(values, layer.kernel) + layer.bias)
    numbers: Singles = values.numpy()
    return numbers


def pull(discriminator: list[Layer], loss: Callable[[tf.Tensor], tf.Tensor], points: Singles) -> Singles:
    """Return minus the gradient of the generator's loss by each point, ``(count, coordinates)``.

    The loss is that of one point, not divided by the number of points: it is the same for every batch size. The chain
    rule is written out, because TensorFlow's tape takes three times as long.

    Args:
        discriminator: with tanh at all layers; the last one may be linear.
        loss: of the generator, by the discriminator's scores.
        points: ``(count, coordinates)``, in the units of the networks.
    """
    values, slopes = points, []
    for layer in discriminator:
        values = values @ layer.kernel + layer.bias
        if layer.activation is keras.activations.linear:
            slopes.append(np.ones_like(values))
        else:
            values = np.tanh(values)
            slopes.append(1 - np.square(values))
    scores = tf.constant(values)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        result = loss(scores)
    pulls: Singles = -len(points) * tape.gradient(result, scores).numpy()
    for layer, slope in zip(reversed(discriminator), reversed(slopes), strict=True):
        pulls = (pulls * slope) @ layer.kernel.T
    return pulls
