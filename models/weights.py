"""Weights in ``.h5`` files: reads Keras 2 (legacy) and Keras 3 layouts, writes the legacy one, trusts neither.

Only this module knows what such files look like. It reads datasets with h5py and never builds a model from a file, so
a file can neither execute code nor reach outside itself. Keras 2 files are matched by layer order; the checks on
numbering, variable names and shapes are there because Keras itself would load equal shapes in a wrong order silently.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any, NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from models.files import atomic_path
from models.layouts import Layout, layout_of

if TYPE_CHECKING:
    import keras

FORMAT_VERSION = 1
_METADATA = "nobody"

Arrays = list[npt.NDArray[np.float32]]


class WeightsError(ValueError):
    """A weights file is missing, damaged or not of the expected network; the message says which file and why."""


class _Layer(NamedTuple):
    name: str
    variables: list[tuple[str, h5py.Dataset]]


def read_weights(path: str | os.PathLike[str], network: "keras.Model | Layout") -> Arrays:
    """Read the weights of ``network`` from a file, without changing the network.

    Args:
        path: a Keras 2 ``.h5`` or a Keras 3 ``.weights.h5`` file.
        network: the network, or the layout of the one, whose layers, shapes and order the file must have.

    Returns:
        Finite float32 arrays in the order of ``network.weights``, ready for ``set_weights``.

    Raises:
        WeightsError: the file is not there, not HDF5, truncated, a full model, or its layers do not fit.
    """
    layout = network if isinstance(network, tuple) else layout_of(network)
    with _opened(path) as file:
        layers = _keras3_layers(path, file, layout) if "layers" in file else _legacy_layers(path, file)
        _check_layers(path, layers, layout)
        return [_read(path, f"{layer.name}/{name}", dataset) for layer in layers for name, dataset in layer.variables]


def load_together(*networks: "tuple[keras.Model, str | os.PathLike[str]]") -> None:
    """Load each network's weights from the file beside it, all of them or none.

    Raises:
        WeightsError: a file is missing or does not fit.
    """
    values = [read_weights(path, network) for network, path in networks]
    for (network, _), arrays in zip(networks, values, strict=True):
        network.set_weights(arrays)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read what :func:`save_weights` stored beside the numbers; None for weights from elsewhere.

    Raises:
        WeightsError: the file cannot be read, or its format version is newer than this code.
    """
    with _opened(path) as file:
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


def save_weights(network: "keras.Model", path: str | os.PathLike[str], metadata: Mapping[str, Any]) -> None:
    """Write the weights of ``network`` in the legacy layout, which ``load_weights`` reads in Keras 2 and 3.

    Args:
        network: a functional model without nested models.
        path: file to write, atomically; it should end in ``.h5``.
        metadata: JSON values to travel with the numbers (pixel transform, architecture, training settings).
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


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    try:
        if not os.path.isfile(path):
            raise WeightsError(f"{path}: expected an .h5 weights file, found no such file")
        with h5py.File(path, "r") as file:
            if "model_weights" in file or "model_config" in file.attrs:
                raise WeightsError(f"{path}: expected weights only, found a full model; write it with save_weights")
            yield file
    except WeightsError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"{path}: expected a whole HDF5 weights file; it is damaged or not HDF5 ({error})"
        ) from error


def _legacy_layers(path: str | os.PathLike[str], file: h5py.File) -> list[_Layer]:
    if "layer_names" not in file.attrs:
        raise WeightsError(f"{path}: expected Keras weights, found HDF5 with neither layer_names nor layers")
    layers = []
    for layer_name in _texts(file.attrs["layer_names"]):
        group = _group(file, layer_name)
        names = _texts(group.attrs["weight_names"])
        if names:
            # "dense_1/kernel:0" → "kernel"
            variables = [(name.rsplit("/", 1)[-1].removesuffix(":0"), _dataset(group, name)) for name in names]
            layers.append(_Layer(layer_name, variables))
    return layers


def _keras3_layers(path: str | os.PathLike[str], file: h5py.File, layout: Layout) -> list[_Layer]:
    """Return the layers in the network's order; this file layout has none, but numbers the layers of each class."""
    stored = {name: _group(file, f"layers/{name}/vars") for name in _group(file, "layers")}
    layers = []
    for layer in layout:
        group = stored.pop(layer.stored_as, {})
        variables = [(name, _dataset(group, str(i))) for i, (name, _) in enumerate(layer.variables) if group]
        layers.append(_Layer(layer.stored_as, variables))
    surplus = [name for name, group in stored.items() if len(group)]
    missing = [layer.name for layer in layers if not layer.variables]
    if surplus or missing:
        raise WeightsError(
            f"{path}: expected the layers {', '.join(layer.name for layer in layers)}; "
            f"missing: {', '.join(missing) or 'none'}, not expected: {', '.join(surplus) or 'none'}"
        )
    return layers


def _texts(values: Any) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _child(group: Any, path: str) -> Any:
    """Follow a path inside the file; a link to anywhere else is refused."""
    for name in path.split("/"):
        if not isinstance(group, h5py.Group) or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise KeyError(f"{name!r} is missing or is a link")
        group = group[name]
    return group


def _dataset(group: Any, path: str) -> h5py.Dataset:
    """Follow a path to numbers that lie in this very file."""
    dataset = _child(group, path)
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise KeyError(f"{path!r} holds no numbers of its own")
    return dataset


def _group(parent: Any, path: str) -> h5py.Group:
    group = _child(parent, path)
    if not isinstance(group, h5py.Group):
        raise KeyError(f"{path!r} is not a group")
    return group


def _check_layers(path: str | os.PathLike[str], found: list[_Layer], layout: Layout) -> None:
    """Compare the number of layers, their order, and the names and shapes of their variables with the network's."""
    if len(found) != len(layout):
        raise WeightsError(
            f"{path}: expected {len(layout)} layers with weights ({', '.join(layer.name for layer in layout)}), "
            f"found {len(found)} ({', '.join(layer.name for layer in found)})"
        )
    _check_order(path, [layer.name for layer in found])
    for stored, layer in zip(found, layout, strict=True):
        has = [(name, tuple(dataset.shape)) for name, dataset in stored.variables]
        needs = list(layer.variables)
        if has != needs:
            raise WeightsError(f"{path}: layer {stored.name}: expected {needs}, found {has}")


def _check_order(path: str | os.PathLike[str], names: list[str]) -> None:
    """Refuse default names (``dense``, ``dense_1``) whose numbers do not ascend: equal shapes would load swapped."""
    last: dict[str, int] = {}
    for name in names:
        kind, _, suffix = name.rpartition("_")
        kind, number = (kind, int(suffix)) if kind and suffix.isdigit() else (name, 0)
        if number < last.get(kind, 0):
            raise WeightsError(f"{path}: expected the {kind} layers in order, found {', '.join(names)}")
        last[kind] = number


def _read(path: str | os.PathLike[str], name: str, dataset: h5py.Dataset) -> npt.NDArray[np.float32]:
    if dataset.dtype.kind != "f":
        raise WeightsError(f"{path}: expected floating-point numbers in {dataset.name}, found {dataset.dtype}")
    values = np.asarray(dataset[()], np.float32)
    if not np.isfinite(values).all():
        raise WeightsError(f"{path}: expected finite weights, found {values[~np.isfinite(values)][0]} in {name}")
    return values
