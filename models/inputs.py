"""Checks of what callers hand in: numbers, real examples, networks, losses."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.latents import LatentCallable, as_latents

Shape = tuple[int, ...]


def at_least_one(name: str, value: Any) -> int:
    """Return a count as an int.

    Raises:
        ValueError: it is not a whole number of at least 1.
    """
    number = finite_number(name, value)
    if number != int(number) or number < 1:
        raise ValueError(f"{name}: expected a whole number of at least 1, got {value!r}")
    return int(number)


def finite_number(name: str, value: Any) -> float:
    """Return a number as a float.

    Raises:
        ValueError: it is not a finite number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {value!r}")
    return number


def as_real_examples(data: Any, example_shape: Shape) -> tf.Tensor:
    """Convert real examples to a finite float32 tensor ``(count, *example_shape)``.

    Raises:
        ValueError: the data is not numeric, not finite, or of another shape.
    """
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"real_examples: expected an array of real numbers, got a ragged one ({error})") from error
    if array.dtype.kind not in "fiub":
        raise ValueError(f"real_examples: expected an array of real numbers, got dtype {array.dtype}")
    if array.shape[1:] == example_shape[:-1] and example_shape[-1:] == (1,):
        array = array[..., np.newaxis]  # the exercise's faces come without their channel axis
    if array.shape[1:] != example_shape or array.ndim != len(example_shape) + 1:
        raise ValueError(
            f"real_examples: expected shape (count, {', '.join(map(str, example_shape))}), as the generator's output "
            f"has it, got {np.shape(data)}"
        )
    with np.errstate(over="ignore"):
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)][0]
        raise ValueError(f"real_examples: expected finite numbers that fit float32, got {bad} among them")
    return tf.convert_to_tensor(array)


def build_networks(
    generator: keras.Model, discriminator: keras.Model, latent_generator: LatentCallable, batch_size: int
) -> tuple[Shape, Shape]:
    """Create the variables of both networks where they do not exist yet.

    A batch is passed through networks that do not know their shapes: subclassed models, and those without ``Input``.

    Returns:
        The shapes of one latent vector and of one example.

    Raises:
        ValueError: one of them is not a Keras model, or has several inputs or outputs; or they do not fit each other.
    """
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, keras.Model):
            raise ValueError(f"{name}: expected a keras.Model, got {type(network).__module__}.{type(network).__name__}")
    if not callable(latent_generator):
        raise ValueError(f"latent_generator: expected a function of a number of vectors, got {latent_generator!r}")
    latent_shape, example_shape = _own_shape(generator, "input_shape"), _own_shape(generator, "output_shape")
    if latent_shape is None or example_shape is None:
        latents = as_latents(latent_generator(batch_size))
        latent_shape = tuple(latents.shape[1:])
        example_shape = _passed_through("generator", generator, latents)
    elif not _wholly_built(generator):
        _passed_through("generator", generator, tf.zeros((batch_size, *latent_shape)))
    if _own_shape(discriminator, "input_shape") != example_shape or not _wholly_built(discriminator):
        _passed_through("discriminator", discriminator, tf.zeros((batch_size, *example_shape)))
    return latent_shape, example_shape


def _own_shape(network: keras.Model, which: str) -> Shape | None:
    """Return the shape of one input or output; None if the network does not know all of it."""
    shape = getattr(network, which, None)
    if not isinstance(shape, tuple) or not all(isinstance(side, int) for side in shape[1:]):
        return None
    return shape[1:]


def _wholly_built(network: keras.Model) -> bool:
    """Whether all variables exist; activations that are layers create some later than the layer around them."""
    return all(layer.built for layer in network._flatten_layers())


def _passed_through(name: str, network: keras.Model, inputs: tf.Tensor) -> Shape:
    if isinstance(network, keras.Sequential) and not network.built:
        network.build((None, *inputs.shape[1:]))
    try:
        outputs = network(inputs)
    except Exception as error:
        raise ValueError(f"{name}: expected a network of inputs {tuple(inputs.shape)}, got {error}") from error
    if not tf.is_tensor(outputs):
        raise ValueError(f"{name}: expected one tensor as output, got {type(outputs).__name__}")
    return tuple(outputs.shape[1:])


def untracked_variables(network: keras.Model) -> list[keras.Variable | tf.Variable]:
    """Return the layers' variables that Keras does not list: TensorFlow's own, states of RNNs."""
    counted = {id(variable) for variable in network.variables}
    found = {}
    for layer in network._flatten_layers():
        for item in vars(layer).values():
            for value in item if isinstance(item, list | tuple) else (item,):
                if isinstance(value, keras.Variable | tf.Variable) and id(value) not in counted:
                    found[id(value)] = value
    return list(found.values())


def scalar_loss(name: str, loss: Any, *scores: tf.Tensor) -> tf.Tensor:
    """Return the value of the caller's own loss.

    Raises:
        ValueError: it is not a function, or gives no scalar.
    """
    if not callable(loss):
        raise ValueError(f"{name}.loss: expected a function of the discriminator's scores, got {loss!r}")
    value = loss(*scores)
    value = None if value is None else tf.convert_to_tensor(value)
    if value is None or value.shape.rank != 0:
        shape = None if value is None else tuple(value.shape)
        raise ValueError(f"{name}.loss: expected a scalar, got shape {shape}; take the mean of it with tf.reduce_mean")
    return value
