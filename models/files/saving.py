"""Writes weights files, in the layout that every Keras reads."""

import json
import os
from collections.abc import Mapping
from importlib.metadata import version as version_of
from typing import Any

import h5py
import numpy as np

from models.files.atomic import atomic_path
from models.files.contents import METADATA
from models.files.layouts import Network
from models.files.weights import FORMAT_VERSION


def save_weights(network: Network, path: str | os.PathLike[str], metadata: Mapping[str, Any]) -> None:
    """Write the weights of ``network`` in the legacy layout, which ``load_weights`` reads in Keras 2 and 3.

    Args:
        network: a functional model without nested models.
        path: file to write, atomically; it should end in ``.h5``.
        metadata: JSON values to store with the numbers (pixel transform, architecture, training settings).
    """
    layers = [layer for layer in network.layers if layer.weights]
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["layer_names"] = np.array([layer.name.encode() for layer in layers])
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = version_of("keras").encode()
        file.attrs[METADATA] = json.dumps({"format_version": FORMAT_VERSION, **metadata})
        for layer in layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{variable.name}:0" for variable in layer.weights]
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for name, variable in zip(names, layer.weights, strict=True):
                group[name] = np.asarray(variable, np.float32)
