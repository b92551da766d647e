"""The layout of a network's weights: layers in order, each with its variables' names and shapes. Needs no Keras."""

import json
import math
import re
from typing import Any, NamedTuple

Shape = tuple[int, ...]
Network = Any  # a keras.Model: naming the type would need Keras, which has no types for mypy either


class LayerLayout(NamedTuple):
    """A layer with weights of its own.

    Args:
        name: for messages.
        kind: its class, as Keras writes it in files and in the names that it gives by itself: ``conv2d``.
        variables: names and shapes, in the layer's order.
    """

    name: str
    kind: str
    variables: tuple[tuple[str, Shape], ...]

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The variables' shapes alone."""
        return tuple(shape for _, shape in self.variables)


Layout = tuple[LayerLayout, ...]


def layout_of(network: Network) -> Layout:
    """Return the layout of a network in the order of ``network.weights``; of nested models, the layers inside."""
    # Outer layers come first, so that the innermost owner of a variable remains.
    owners = {id(variable): layer for layer in network._flatten_layers() for variable in layer.weights}
    layers: list[LayerLayout] = []
    last = None
    for variable in network.weights:
        owner, described = owners[id(variable)], (variable.name, tuple(variable.shape))
        if owner is last:
            layers[-1] = layers[-1]._replace(variables=(*layers[-1].variables, described))
        else:
            layers.append(LayerLayout(owner.name, kind_of(owner), (described,)))
        last = owner
    return tuple(layers)


def numbers_in(layout: Layout) -> int:
    """Return how many numbers all variables hold."""
    return sum(math.prod(shape) for layer in layout for shape in layer.shapes)


def layout_to_json(layout: Layout) -> str:
    """Return a text for :func:`layout_from_json`."""
    return json.dumps(layout)


def layout_from_json(text: str) -> Layout:
    """Rebuild a layout."""
    return tuple(
        LayerLayout(name, kind, tuple((variable, tuple(shape)) for variable, shape in variables))
        for name, kind, variables in json.loads(text)
    )


def kind_of(layer: Any) -> str:
    """Return the name of a layer's class in snake case, cut into words as Keras does: ``conv2d_transpose``."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", type(layer).__name__))
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _face_generator() -> Layout:
    layers = [LayerLayout("dense", "dense", (("kernel", (16, 2048)), ("bias", (2048,))))]
    for suffix, inputs, filters in (("", 512, 64), ("_1", 64, 16), ("_2", 16, 1)):
        kernel_and_bias = (("kernel", (3, 3, inputs, filters)), ("bias", (filters,)))
        per_filter = tuple((name, (filters,)) for name in ("gamma", "beta", "moving_mean", "moving_variance"))
        layers.append(LayerLayout(f"conv2d{suffix}", "conv2d", kernel_and_bias))
        layers.append(LayerLayout(f"batch_normalization{suffix}", "batch_normalization", per_filter))
    return tuple(layers)


#: Of the generator that ``convolutional_GenDiscr`` builds.
FACE_GENERATOR = _face_generator()
