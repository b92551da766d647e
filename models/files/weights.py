"""Weights in files: reads the files of every Keras, and writes the layout that every Keras reads.

Files are not trusted. They can neither execute code nor reach other files: only datasets are read, and no model is
built from them.
"""

import json
import os
from collections.abc import Mapping
from importlib.metadata import version as version_of
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from models.files.atomic import atomic_path
from models.files.layouts import Layout, Network, layout_of
from models.files.stored_layers import layers_in_order
from models.files.weight_files import WeightsError as WeightsError
from models.files.weight_files import open_weights

FORMAT_VERSION = 1
_METADATA = "nobody"

Arrays = list[npt.NDArray[np.float32]]


def read_weights(path: str | os.PathLike[str], network: Network | Layout) -> Arrays:
    """Read the weights of ``network`` from a file, without changing the network.

    Args:
        path: an ``.h5`` file of Keras 2 or 3, of weights or of a full model; a ``.weights.h5``; a ``.keras`` archive.
        network: the network, or its layout; the file must have its layers, shapes and order, in nested models or not.

    Returns:
        Finite float32 arrays in the order of ``network.weights``, ready for ``set_weights``.

    Raises:
        WeightsError: the file is missing, not a weights file, damaged, or its layers do not fit.
    """
    layout = network if isinstance(network, tuple) else layout_of(network)
    if not layout:
        raise WeightsError(f"{path}: expected a network with weights to load into, got one without; call it once first")
    with open_weights(path) as file:
        layers = layers_in_order(path, file, layout)
        return [_read(path, f"{layer.path}/{name}", dataset) for layer in layers for name, dataset in layer.variables]


def load_together(*networks: tuple[Network, str | os.PathLike[str]]) -> None:
    """Load each network's weights from the file beside it, all of them or none.

    Raises:
        WeightsError: a file is missing or does not fit.
    """
    values = [read_weights(path, network) for network, path in networks]
    for (network, _), arrays in zip(networks, values, strict=True):
        network.set_weights(arrays)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read the metadata that :func:`save_weights` stored; None for weights from elsewhere.

    Raises:
        WeightsError: the file cannot be read, or its format version is newer than this code.
    """
    with open_weights(path) as file:
        text = file.attrs.get(_METADATA)
    if text is None:
        return None
    try:
        metadata = json.loads(text)
        version = metadata["format_version"]
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise WeightsError(f"{path}: expected metadata as JSON with a format_version, got {error!r}") from error
    if type(version) is not int or version != FORMAT_VERSION:
        raise WeightsError(f"{path}: expected format version {FORMAT_VERSION}, got {version}; update nobody")
    return dict(metadata)


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
        file.attrs[_METADATA] = json.dumps({"format_version": FORMAT_VERSION, **metadata})
        for layer in layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{variable.name}:0" for variable in layer.weights]
            group.attrs["weight_names"] = np.array([name.encode() for name in names])
            for name, variable in zip(names, layer.weights, strict=True):
                group[name] = np.asarray(variable, np.float32)


def _read(path: str | os.PathLike[str], name: str, dataset: h5py.Dataset) -> npt.NDArray[np.float32]:
    stored = dataset.dtype
    with np.errstate(over="ignore"):  # numbers too large for float32 become infinite, and are refused below
        if stored.kind == "f":
            values = np.asarray(dataset[()], np.float32)
        elif stored.kind == "V" and stored.itemsize == 2 and stored.names is None:
            # bfloat16, for which HDF5 has no type: the upper half of a float32.
            values = (np.asarray(dataset[()]).view("<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            raise WeightsError(f"{path}: expected floating-point numbers in {name}, found {stored}")
    if not np.isfinite(values).all():
        raise WeightsError(f"{path}: expected finite weights, found {values[~np.isfinite(values)][0]} in {name}")
    return values
