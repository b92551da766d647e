"""Writes weights files, in the layout that every Keras reads."""

import json
import os
import re
from collections.abc import Mapping
from importlib.metadata import version as version_of
from itertools import chain, count
from typing import Any

import h5py
import numpy as np

from models.files.atomic import atomic_path
from models.files.contents import METADATA
from models.files.layouts import Network, kind_of
from models.files.weights import FORMAT_VERSION


def save_weights(network: Network, path: str | os.PathLike[str], metadata: Mapping[str, Any]) -> None:
    """Write the weights of ``network`` in the legacy layout, which ``load_weights`` reads in Keras 2 and 3.

    Args:
        network: a functional model without nested models.
        path: file to write, atomically; it should end in ``.h5``.
        metadata: JSON values to store with the numbers (pixel transform, architecture, training settings).
    """
    layers = [layer for layer in network.layers if layer.weights]
    names_of = _names(network)
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["layer_names"] = np.array([names_of[layer.name].encode() for layer in layers])
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = version_of("keras").encode()
        file.attrs[METADATA] = json.dumps({"format_version": FORMAT_VERSION, **metadata})
        for layer in layers:
            layer_name = names_of[layer.name]
            group = file.create_group(layer_name)
            names = [f"{layer_name}/{variable.name}:0" for variable in layer.weights]
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for name, variable in zip(names, layer.weights, strict=True):
                group[name] = np.asarray(variable, np.float32)


def _names(network: Network) -> dict[str, str]:
    """Return the name in the file of each layer with weights: those that Keras gives count from the network's first.

    Keras counts all layers that a process has ever made: the same network would give another file in each process.
    """
    layers = [layer for layer in network.layers if layer.weights]
    kinds = {layer.name: kind_of(layer) for layer in layers}
    given = {name for name, kind in kinds.items() if not re.fullmatch(rf"{re.escape(kind)}(_\d+)?", name)}
    names = {name: name for name in given}
    for name, kind in kinds.items():
        if name not in given:
            counted = chain([kind], (f"{kind}_{i}" for i in count(1)))
            names[name] = next(free for free in counted if free not in names.values())
    return names
