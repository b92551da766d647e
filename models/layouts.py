"""What a network's weights look like: layers in order, each with its variables' names and shapes. Needs no Keras."""

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import keras

Shape = tuple[int, ...]


class LayerLayout(NamedTuple):
    """A layer with weights.

    Args:
        name: for messages.
        stored_as: what Keras 3 calls the layer in files: its class, numbered from the second of that class on.
        variables: names and shapes, in the layer's order.
    """

    name: str
    stored_as: str
    variables: tuple[tuple[str, Shape], ...]


Layout = tuple[LayerLayout, ...]


def layout_of(network: "keras.Model") -> Layout:
    """Return the layout of a functional model without nested models."""
    counts: dict[str, int] = {}
    layers = []
    for layer in network.layers:
        kind = _keras_kind(layer)
        number = counts[kind] = counts.get(kind, -1) + 1
        if layer.weights:
            variables = tuple((variable.name, tuple(variable.shape)) for variable in layer.weights)
            layers.append(LayerLayout(layer.name, f"{kind}_{number}" if number else kind, variables))
    return tuple(layers)


def _keras_kind(layer: "keras.layers.Layer") -> str:
    """Return the snake-case name of a layer's class, as Keras uses it in files: ``conv2d``, ``dense``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", type(layer).__name__).lower()


def _face_generator() -> Layout:
    def layer(name: str, **variables: Shape) -> LayerLayout:
        return LayerLayout(name, name, tuple(variables.items()))

    layers = [layer("dense", kernel=(16, 2048), bias=(2048,))]
    for suffix, inputs, filters in (("", 512, 64), ("_1", 64, 16), ("_2", 16, 1)):
        layers.append(layer(f"conv2d{suffix}", kernel=(3, 3, inputs, filters), bias=(filters,)))
        per_filter = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), (filters,))
        layers.append(layer(f"batch_normalization{suffix}", **per_filter))
    return tuple(layers)


#: Of the generator that ``convolutional_GenDiscr`` builds.
FACE_GENERATOR = _face_generator()
