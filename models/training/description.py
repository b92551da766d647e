"""What a compiled training step depends on.

A compiled step is valid as long as nothing changes that was traced into it: layers, their attributes, which of them are
trained, losses, optimizers, settings. :func:`describe` collects all of it. GANs of equal, complete descriptions take
the same step. Complete are only descriptions of Keras's own layers, in a chain, with Keras's own functions and
optimizers.
"""

import argparse
import dataclasses
import hashlib
import sys
import types
from collections.abc import Container, Hashable, Iterable
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from models.training.copies import SmallMapConv2D, chain_of, is_keras
from models.training.protocol import STEP_PARTS, Trainable

#: Layers that XLA makes faster on a CPU; it makes convolutions far slower.
_XLA_LAYERS = {
    layers.Dense,
    layers.Activation,
    layers.LeakyReLU,
    layers.ReLU,
    layers.ELU,
    layers.Flatten,
    layers.Reshape,
}
#: Layers without randomness that their attributes and variables describe completely.
_PLAIN_LAYERS = _XLA_LAYERS | {
    *(layers.Conv2D, layers.Conv2DTranspose, layers.UpSampling2D, layers.MaxPooling2D, layers.AveragePooling2D),
    *(layers.BatchNormalization, layers.LayerNormalization),
}

#: Settings of a GAN that are part of its step.
_SETTINGS = ("batch_size", "disc_iter", "lambda_gp", "clip", "loss_names", "scores_order", "uses_xla", "run_eagerly")
#: Modules whose classes do not change.
_LIBRARIES = ("builtins", "keras.", "tensorflow.", "models.")
_STANDARD_MODULES = ("models.simple_gan", "models.wgan_clip", "models.wgan_gp")

#: Attributes that Keras keeps for itself and that do not change what a layer computes.
_INTERNAL = {*vars(layers.Layer()), *vars(keras.Model())} - {"autocast"} | {
    *("_compile_config", "_compiled_trainable_state", "_functional", "_inputs", "_inputs_struct", "_nodes"),
    *("_nodes_by_depth", "_operations", "_operations_by_depth", "_outputs", "_outputs_struct", "optimizer"),
    *("output_names", "stop_training"),
}
#: What Keras sets in a layer that it loads from a file; a layer without them is the same as one where they are False.
_CALIBRATED = ("is_awq_calibrated", "is_gptq_calibrated")
_OPTIMIZER_INTERNAL = {
    *("_distribution_strategy", "_lock", "_tracker", "_trainable_variables", "_trainable_variables_indices"),
    *("_variables", "built", "name"),
}
#: Attributes that a GAN keeps for its training, and those that are described by other means.
_GAN_INTERNAL = _INTERNAL | {
    *("step_draws", "history", "private_loop", "randomness", "traced_with", "_measured"),
    *("generator", "discriminator", "latent_generator", "_real_examples"),
}
#: Classes of objects that only hold the caller's attributes.
_HOLDERS = (types.SimpleNamespace, argparse.Namespace)


class Description(NamedTuple):
    """What a training step depends on.

    Args:
        key: equal for GANs with the same networks, losses, optimizers and settings.
        complete: whether every GAN of this key takes the same step.
        own: of this GAN alone; it changes with anything that its step was traced with, variables included.
        plain: all attributes that are a number, a text or None, as ``(object, name, value)``. A step that changes one
            cannot be compiled: tracing would change it once.
    """

    key: Hashable
    complete: bool
    own: Hashable
    plain: tuple[tuple[Any, str, Any], ...]


def describe(gan: Trainable) -> Description:
    """Describe all that the graph of a training step depends on."""
    walk = _Walk(gan.state.values())
    networks = (gan.generator, gan.discriminator)
    key: Hashable = (
        type(gan),
        tuple(getattr(type(gan), part, None) for part in STEP_PARTS),
        tuple(walk.value(getattr(gan, name, None)) for name in _SETTINGS),
        tuple((part, walk.value(vars(gan)[part])) for part in STEP_PARTS if part in vars(gan)),
        tuple(walk.network(network) for network in networks),
        tuple(walk.optimizer(network.optimizer) for network in networks),
        tuple(
            network.loss is own or walk.value(network.loss)
            for network, own in zip(networks, gan.own_losses, strict=True)
        ),
    )
    if type(gan).__module__ not in _STANDARD_MODULES:
        key = (key, walk.own_class(gan, _GAN_INTERNAL))
    complete = walk.complete and takes_standard_steps(gan)
    # Steps of the caller's own may hold these, too.
    data = () if takes_standard_steps(gan) else (gan.real_examples, gan.latent_generator)
    return Description(key, complete, (key, *map(_Same, (*data, *gan.state.values()))), tuple(walk.plain))


def takes_standard_steps(gan: Trainable) -> bool:
    """Whether the training step is that of one of the three GANs, though maybe of a subclass."""
    cls = type(gan)
    standard = next((base for base in cls.__mro__ if base.__module__ in _STANDARD_MODULES), None)
    return not vars(gan).keys() & {*STEP_PARTS} and all(
        getattr(cls, part, None) is getattr(standard, part, None) for part in STEP_PARTS
    )


def uses_only_dense_layers(network: keras.Model) -> bool:
    """Whether the network has only layers that XLA makes faster on a CPU."""
    return all(type(layer) in _XLA_LAYERS for layer in network.layers if not isinstance(layer, layers.InputLayer))


class _Same:
    """Stands for an object in a description: equal to itself alone."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    def __hash__(self) -> int:
        return id(self._value)


class _Anything:
    """Stands for a value that the step itself left in an attribute; the next step replaces it, so any is equal."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


class _Walk:
    """Collects a description; ``complete`` turns False at anything that a description may miss."""

    def __init__(self, state: Iterable[keras.Variable]) -> None:
        self.complete = True
        self.plain: list[tuple[Any, str, Any]] = []
        self._state = {id(variable) for variable in state}
        self._seen: dict[int, int] = {}

    def network(self, network: keras.Model) -> Hashable:
        chain = chain_of(network)
        if chain is None:
            return self._extended(network)
        (source,) = network.inputs
        return (
            *(source.shape, source.dtype, source.sparse, network.trainable, network.dtype_policy.name),
            *(self._layer(layer) for layer in chain),
            *(self.value(variable) for variable in network.variables),
        )

    def optimizer(self, optimizer: keras.Optimizer) -> Hashable:
        kind = type(optimizer)
        if getattr(keras.optimizers, kind.__name__, None) is not kind:
            self.complete = False
        return (kind, self._attributes(optimizer, _OPTIMIZER_INTERNAL))

    def value(self, value: Any) -> Any:
        if _is_plain(value):
            return (type(value), repr(value))
        if isinstance(value, list | tuple):
            return (tuple, *map(self.value, value))
        if isinstance(value, dict):
            return (dict, *map(self.value, value.items()))
        if isinstance(value, set | frozenset):
            return frozenset(map(self.value, value))
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            return (value.shape, value.dtype.str, hashlib.blake2b(np.ascontiguousarray(value).data).digest())
        if isinstance(value, keras.Variable) and id(value) in self._state:
            return (tuple(value.shape), value.dtype, value.trainable, self.value(value.constraint))
        if isinstance(value, keras.Initializer):
            return keras.Initializer  # unused once the variables exist
        if isinstance(value, layers.Layer):
            return self._layer(value)
        if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type):
            return self._function(value)
        if is_keras(type(value)):
            return (type(value), self._attributes(value))
        if tf.is_symbolic_tensor(value):
            self.complete = False
            return _Anything()
        if any(map(is_keras, type(value).__mro__)):
            return self._extended(value)
        if dataclasses.is_dataclass(value) or isinstance(value, _HOLDERS):
            return self.own_class(value)
        return self._foreign(value)

    def _layer(self, layer: keras.Layer) -> Any:
        kind = layers.Conv2D if type(layer) is SmallMapConv2D else type(layer)
        if kind not in _PLAIN_LAYERS:
            return self._extended(layer)
        without = {"enlarged", *(name for name in _CALIBRATED if not getattr(layer, name, False))}
        return (kind, layer.trainable, layer.dtype_policy.name, self._attributes(layer, _INTERNAL | without))

    def _function(self, function: Any) -> Hashable:
        home = sys.modules.get(function.__module__ or "")
        if not is_keras(function) or getattr(home, function.__qualname__, None) is not function:
            self.complete = False
        return _Same(function)

    def _extended(self, value: Any) -> Hashable:
        """Describe an object of a class that extends one of Keras's: itself, and what may change about it."""
        if id(value) in self._seen:
            return self._seen[id(value)]
        described = [self.own_class(value, _INTERNAL)]
        if isinstance(value, layers.Layer):
            described += [value.trainable, *(self.value(variable) for variable in value.variables)]
            described += [self._layer(part) for part in value._flatten_layers(include_self=False, recursive=False)]
        return tuple(described)

    def own_class(self, value: Any, without: Container[str] = ()) -> Hashable:
        """Describe an object of the caller's own class: itself, its attributes and those of its class."""
        classes = [cls for cls in type(value).__mro__ if not cls.__module__.startswith(_LIBRARIES)]
        shared = [
            (cls.__name__, name, self.value(item))
            for cls in classes
            for name, item in vars(cls).items()
            if not name.startswith("_")
        ]
        return (self._foreign(value), self._attributes(value, without), *shared)

    def _foreign(self, value: Any) -> Hashable:
        self.complete = False
        return _Same(value)

    def _attributes(self, value: Any, without: Container[str] = ()) -> Hashable:
        if id(value) in self._seen:
            return self._seen[id(value)]
        self._seen[id(value)] = len(self._seen)
        described = []
        for name, item in getattr(value, "__dict__", {}).items():
            if name not in without and not name.startswith("_self_"):
                described.append((name, self.value(item)))
                if _is_plain(item):
                    self.plain.append((value, name, item))
        return tuple(described)


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | complex | str | bytes | np.generic | np.dtype)
