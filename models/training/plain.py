"""The same operations as Keras's, without what slows down their compilation.

Keras computes Adam's factor anew for every variable, and adds biases by an operation of their own. For such operations
TensorFlow has no direct translation into XLA's: it sets up a compiler for each of them, which takes 5 ms. Besides, each
operation goes through layers of Python. The numbers are the same, bit for bit.
"""

from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from models.training.copies import chain_of
from models.training.protocol import Trainable

#: Settings of an optimizer with which Adam is what the paper says.
_OFF = ("amsgrad", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "gradient_accumulation_steps")


def simplify(twin: Trainable) -> None:
    """Let dense networks and Adam optimizers of a copy compute by fewer operations."""
    for network in (twin.generator, twin.discriminator):
        chain = chain_of(network) or []
        if len(network.inputs[0].shape) == 2 and all(map(_is_plain_dense, chain)):
            network.call = partial(_dense_call, chain)
        optimizer = network.optimizer
        if type(optimizer) is keras.optimizers.Adam and not any(getattr(optimizer, name) for name in _OFF):
            optimizer._backend_update_step = partial(_adam_step, optimizer)


def _is_plain_dense(layer: keras.Layer) -> bool:
    return (
        type(layer) is layers.Dense
        and layer.use_bias
        and layer.dtype_policy.name == "float32"
        and not (layer.lora_enabled or layer.quantization_mode)
    )


def _dense_call(chain: list[keras.Layer], inputs: tf.Tensor, training: Any = None, mask: Any = None) -> tf.Tensor:
    values = inputs
    for layer in chain:
        # Not tf.nn.bias_add: its gradient is one of the operations without a kernel.
        values = layer.activation(tf.matmul(values, layer.kernel.value) + layer.bias.value)
    return values


def _adam_step(optimizer: Any, gradients: Any, variables: list[keras.Variable], learning_rate: Any) -> None:
    """Take the step of ``keras.optimizers.Adam.update_step`` for all variables, with one common factor."""
    step = tf.cast(optimizer.iterations.value + 1, tf.float32)
    powers = [tf.pow(tf.constant(beta, tf.float32), step) for beta in (optimizer.beta_1, optimizer.beta_2)]
    factor = tf.cast(learning_rate, tf.float32) * tf.sqrt(1 - powers[1]) / (1 - powers[0])
    for gradient, variable in zip(gradients, variables, strict=True):
        index = optimizer._get_variable_index(variable.value)
        mean, square = optimizer._momentums[index].value, optimizer._velocities[index].value
        mean.assign_add((gradient - mean) * (1 - optimizer.beta_1))
        square.assign_add((tf.square(gradient) - square) * (1 - optimizer.beta_2))
        variable.value.assign_sub(mean * factor / (tf.sqrt(square) + optimizer.epsilon))
