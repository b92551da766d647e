"""Convolutions of very small maps as one matrix product, which takes fewer operations and wastes fewer of them."""

import itertools
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

#: Largest side of a map for which one matrix product over the whole map is cheaper.
LARGEST = 2


class SmallMapConv2D(keras.layers.Conv2D):
    """A ``Conv2D`` that multiplies the whole map by one matrix.

    On a 2×2 map a 3×3 kernel reaches beyond the border with 5 of its 9 weights at every place, and on one that was
    enlarged to 4×4 by repeating pixels it multiplies the same pixel several times.

    Args:
        enlarged: how many times the map was enlarged, along each side.
        options: those of ``Conv2D``; the padding is ``same`` and the stride is 1.
    """

    def __init__(self, enlarged: int, **options: Any) -> None:
        super().__init__(**options)
        self.enlarged = enlarged

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolve ``(batch, side, side, channels)``, as Keras asks a layer to."""
        places = inputs.shape[1] * inputs.shape[2]
        pixels = inputs[:, :: self.enlarged, :: self.enlarged]
        weights = tf.constant(_weights_between(inputs.shape[1:3], kernel.shape[:2], self.enlarged))
        channels, filters = kernel.shape[2:]
        matrix = tf.tensordot(weights, tf.reshape(kernel, (-1, channels, filters)), 1)  # pixel, place, channel, filter
        matrix = tf.reshape(tf.transpose(matrix, (0, 2, 1, 3)), (-1, places * filters))
        outputs = tf.matmul(tf.reshape(pixels, (-1, matrix.shape[0])), matrix)
        return tf.reshape(outputs, (-1, *inputs.shape[1:3], filters))


def _weights_between(sides: tuple[int, int], kernel: tuple[int, int], enlarged: int) -> npt.NDArray[np.float32]:
    """Count how often each weight of a kernel joins each pixel to each place, ``(pixels, places, weights)``."""
    height, width = sides
    counts = np.zeros((height // enlarged, width // enlarged, height, width, *kernel), np.float32)
    for i, j, a, b in itertools.product(range(height), range(width), range(kernel[0]), range(kernel[1])):
        y, x = i + a - (kernel[0] - 1) // 2, j + b - (kernel[1] - 1) // 2
        if 0 <= y < height and 0 <= x < width:
            counts[y // enlarged, x // enlarged, i, j, a, b] += 1
    return counts.reshape(-1, height * width, kernel[0] * kernel[1])


def enlarged_by(network: keras.Model, layer: keras.Layer) -> int:
    """Return how many times a convolution's map was enlarged; 0 if its map is not small."""
    simple = {
        "strides": (1, 1),
        "dilation_rate": (1, 1),
        "padding": "same",
        "groups": 1,
        "data_format": "channels_last",
    }
    if type(layer) is not keras.layers.Conv2D or any(getattr(layer, name) != value for name, value in simple.items()):
        return 0
    enlarged = 2 if any(_doubles(before) and before.output is layer.input for before in network.layers) else 1
    sides = layer.input.shape[1:3]
    return enlarged if None not in sides and max(sides) <= LARGEST * enlarged else 0


def _doubles(layer: keras.Layer) -> bool:
    return (
        isinstance(layer, keras.layers.UpSampling2D)
        and layer.interpolation == "nearest"
        and tuple(layer.size) == (2, 2)
        and layer.data_format == "channels_last"
    )
