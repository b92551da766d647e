"""Finds a network's layers in a file, in the network's order.

Legacy files (Keras 2's ``.h5``, full models in ``.h5``) list their layers, and are matched in that order. Files in
Keras 3's layout number the layers of each class, and are matched by class, number and shapes. Ambiguous matches are
refused: Keras itself would silently load layers of equal shapes in a wrong order.
"""

import os
import re
from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import h5py

from models.files.layouts import LayerLayout, Layout, Shape
from models.files.weight_files import WeightsError

#: Groups of a Keras 3 file that hold other numbers than weights.
_NO_WEIGHTS = {"optimizer", "metrics", "_metrics", "loss_tracker", "_loss_tracker", "seed_generator"}
_MOST_GROUPS = 10_000


class StoredLayer(NamedTuple):
    """A layer in a file: its group, its name in the group, and its variables."""

    container: str
    name: str
    variables: list[tuple[str, h5py.Dataset]]

    @property
    def path(self) -> str:
        """The layer's place in the file."""
        return f"{self.container}/{self.name}".strip("/")

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The variables' shapes, in their order."""
        return tuple(tuple(dataset.shape) for _, dataset in self.variables)


def layers_in_order(path: str | os.PathLike[str], file: h5py.File, layout: Layout) -> list[StoredLayer]:
    """Return the file's layers in the network's order.

    Raises:
        WeightsError: they are not those of the layout, or there is more than one way to match them.
        KeyError: the file lists an object that is missing or lies elsewhere.
    """
    root = _group(file, "model_weights") if "model_weights" in file else file  # of a full model
    listed = _listed(root, "layer_names")
    if listed is None:
        return _in_layout_order(path, _keras3_layers(root), layout)
    return _in_legacy_order(path, list(_legacy_layers(root, listed)), layout)


# legacy files: the listed layers, in order


def _listed(group: h5py.Group, name: str) -> list[str] | None:
    """Return an attribute's texts; Keras cuts long ones into ``name0``, ``name1``, … ."""
    if name in group.attrs:
        return _texts(group.attrs[name])
    parts: list[str] = []
    number = 0
    while f"{name}{number}" in group.attrs:
        parts += _texts(group.attrs[f"{name}{number}"])
        number += 1
    return parts if number else None


def _texts(values: Any) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _legacy_layers(root: h5py.Group, names: list[str]) -> Iterator[StoredLayer]:
    if "top_level_model_weights" in root:  # of a subclassed model
        names = [*names, "top_level_model_weights"]
    for name in names:
        group = _group(root, name)
        inside: dict[str, list[tuple[str, h5py.Dataset]]] = {}  # several layers if this one is a model itself
        for variable in _listed(group, "weight_names") or []:
            owner, _, short = variable.rpartition("/")  # "dense_1/kernel:0"
            inside.setdefault(owner, []).append((short.removesuffix(":0"), _dataset(group, variable)))
        for owner, variables in inside.items():
            yield StoredLayer(name if len(inside) > 1 else "", (owner or name).rpartition("/")[2], variables)


def _in_legacy_order(path: str | os.PathLike[str], found: list[StoredLayer], layout: Layout) -> list[StoredLayer]:
    """Compare the number of layers, and the names and shapes of their variables, with the network's."""
    if len(found) != len(layout):
        raise WeightsError(
            f"{path}: expected {len(layout)} layers with weights ({', '.join(layer.name for layer in layout)}), "
            f"found {len(found)} ({', '.join(layer.name for layer in found)}); it is of another network"
        )
    last: dict[tuple[object, ...], int] = {}
    for stored, layer in zip(found, layout, strict=True):
        has = [(name, tuple(dataset.shape)) for name, dataset in stored.variables]
        needs = list(layer.variables)
        if has != needs:
            raise WeightsError(f"{path}: layer {stored.path}: expected {needs}, found {has}")
        # Keras numbers the layers of a class as they are made, so equal layers that count down would load swapped.
        # Names that somebody chose may be in any order.
        number = _number_of(stored.name, layer.kind)
        if number is None:
            continue
        alike = (stored.container, layer.kind, layer.shapes)
        if number <= last.get(alike, -1):
            names = ", ".join(other.name for other in found)
            raise WeightsError(f"{path}: expected the {layer.kind} layers in order, found {names}")
        last[alike] = number
    return found


def _number_of(name: str, kind: str) -> int | None:
    """Return the number in a name that Keras gave, 0 for the first: ``dense``, ``dense_1``; None for other names."""
    match = re.fullmatch(rf"{re.escape(kind)}(?:_([1-9][0-9]*))?", name)
    return None if match is None else int(match[1] or 0)


# Keras 3's layout: a tree of groups, each with its numbers in "vars"

_Queues = dict[tuple[str, str], deque[StoredLayer]]


def _keras3_layers(root: h5py.Group) -> _Queues:
    """Return the layers by place, without numbers, and class; each queue in its own order.

    The members of a list are named by class and numbered in the list's order (``layers/conv2d``, ``layers/conv2d_1``).
    The name of an attribute tells neither: such a layer has a queue of its own, under the class "".
    """
    places = {place.replace("\\", "/"): place for place in _places(root)}  # Keras on Windows wrote backslashes
    numbered = []
    for place, original in places.items():
        *owner, last = place.split("/")
        group = _group(root, original)
        if last != "vars" or not len(group) or _NO_WEIGHTS.intersection(owner):
            continue
        key, kind, numbers = "", "", []
        for i, name in enumerate(owner):
            in_list = i > 0 and f"{'/'.join(owner[:i])}/vars" not in places  # lists have no numbers of their own
            kind, number = _kind_and_number(name) if in_list else ("", 0)
            key += f"/{kind or name}"
            numbers.append(number)
        variables = [(str(i), _dataset(group, str(i))) for i in range(len(group))]
        numbered.append(((key, kind), numbers, StoredLayer("/".join(owner[:-1]), "".join(owner[-1:]), variables)))
    queues: _Queues = defaultdict(deque)
    for where, _, layer in sorted(numbered, key=lambda one: one[:2]):
        queues[where].append(layer)
    return queues


def _kind_and_number(name: str) -> tuple[str, int]:
    kind, _, number = name.rpartition("_")
    return (kind, int(number)) if kind and number.isdecimal() else (name, 0)


def _places(root: h5py.Group) -> Iterator[str]:
    """Yield the paths of all groups, each group once: hard links can form circles."""
    waiting, seen = [""], set()
    while waiting:
        place = waiting.pop()
        group = _group(root, place) if place else root
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:
            continue
        seen.add(address)
        if len(seen) > _MOST_GROUPS:
            raise ValueError(f"more than {_MOST_GROUPS} groups")
        if place:
            yield place
        inside = [name for name in group if isinstance(group.get(name, getlink=True), h5py.HardLink)]
        waiting += [f"{place}/{name}".strip("/") for name in inside if isinstance(group[name], h5py.Group)]


def _in_layout_order(path: str | os.PathLike[str], queues: _Queues, layout: Layout) -> list[StoredLayer]:
    """Match each of the network's layers with the next one in a queue that has its class and shapes."""
    stored = [(kind, layer) for (_, kind), queue in queues.items() for layer in queue]
    if not stored:
        raise WeightsError(f"{path}: expected Keras weights, found HDF5 with neither layer_names nor layers")
    ordered = []
    for layer in layout:
        fitting = [queue for (_, kind), queue in queues.items() if queue and _fits(layer, kind, queue[0])]
        if len(fitting) > 1:
            both = " or ".join(queue[0].path for queue in fitting)
            raise WeightsError(
                f"{path}: cannot tell which of its layers is {layer.name}: {both}; save it as legacy .h5"
            )
        if not fitting:
            raise _other_layers(path, stored, layout)
        datasets = [dataset for _, dataset in fitting[0].popleft().variables]
        named = [(name, dataset) for (name, _), dataset in zip(layer.variables, datasets, strict=True)]
        ordered.append(StoredLayer("", layer.name, named))
    if len(ordered) < len(stored):
        raise _other_layers(path, stored, layout)
    return ordered


def _fits(layer: LayerLayout, kind: str, stored: StoredLayer) -> bool:
    return kind in ("", layer.kind) and stored.shapes == layer.shapes


def _other_layers(path: str | os.PathLike[str], stored: list[tuple[str, StoredLayer]], layout: Layout) -> WeightsError:
    """Name the network's layers that are missing in the file, and the file's that are not expected."""
    missing = []
    for layer in layout:
        match = next((one for one in stored if _fits(layer, *one)), None)
        if match is None:
            missing.append(f"{layer.name} {layer.shapes}")
        else:
            stored = [one for one in stored if one is not match]
    surplus = [f"{layer.path} {layer.shapes}" for _, layer in stored]
    return WeightsError(
        f"{path}: expected the layers {', '.join(layer.name for layer in layout)}, in this order; "
        f"missing: {', '.join(missing) or 'none'}; not expected: {', '.join(surplus) or 'none'}"
    )


# objects of a file that is not trusted


def _child(group: Any, path: str) -> Any:
    """Follow a path inside the file; links to other places are refused."""
    for name in path.split("/"):
        if not isinstance(group, h5py.Group) or not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise KeyError(f"{name!r} is missing or is a link")
        group = group[name]
    return group


def _dataset(group: Any, path: str) -> h5py.Dataset:
    """Return a dataset whose numbers lie in this very file."""
    dataset = _child(group, path)
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise KeyError(f"{path!r} holds no numbers of its own")
    return dataset


def _group(parent: Any, path: str) -> h5py.Group:
    group = _child(parent, path)
    if not isinstance(group, h5py.Group):
        raise KeyError(f"{path!r} is not a group")
    return group
