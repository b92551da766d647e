"""Weights files that are written to do harm: each edit changes an open file, by the numbers that it draws."""

import math
import zlib
from collections.abc import Callable

import h5py
import numpy as np

from models.files.layouts import FACE_GENERATOR

_Random = np.random.Generator


def variables(file: h5py.File) -> list[str]:
    """Return the paths of the variables in the layout's order."""
    if "layers" in file:
        return [f"layers/{layer.name}/vars/{i}" for layer in FACE_GENERATOR for i in range(len(layer.variables))]
    return [f"{layer.name}/{layer.name}/{name}:0" for layer in FACE_GENERATOR for name, _ in layer.variables]


def _pick(rng: _Random, file: h5py.File, ending: tuple[str, ...] = ("",)) -> str:
    paths = [path for path in variables(file) if path.endswith(ending)]
    return str(rng.choice(paths))


def _put(file: h5py.File, path: str, values: object, **options: object) -> None:
    del file[path]
    file.create_dataset(path, data=values, **options)


def _swap(rng: _Random, file: h5py.File) -> None:
    one, two = (str(path) for path in rng.choice(variables(file), 2, replace=False))
    file.move(one, "between")
    file.move(two, one)
    file.move("between", two)


def _large_chunk(rng: _Random, file: h5py.File) -> None:
    path = _pick(rng, file)
    shape = file[path].shape
    many = int(10 ** rng.uniform(0, 8.8)) // math.prod(shape[1:]) + 1
    _put(
        file, path, None, shape=shape, dtype="f4", maxshape=(None, *shape[1:]), chunks=(many, *shape[1:]), compression=1
    )
    file[path].id.write_direct_chunk((0,) * len(shape), _packed(4 * many * math.prod(shape[1:])))


def _bomb(rng: _Random, file: h5py.File) -> None:
    """Let a small chunk unpack into gigabytes."""
    path = _pick(rng, file, ("dense/kernel:0", "conv2d/kernel:0", "dense/vars/0", "conv2d/vars/0"))
    values = file[path][()]
    _put(file, path, values, chunks=values.shape, compression=1)
    file[path].id.write_direct_chunk((0,) * values.ndim, _packed(int(10 ** rng.uniform(6, 9.6))))


def _packed(size: int) -> bytes:
    """Return about so many zeros, compressed; the checksum at their end is missing."""
    packer = zlib.compressobj()
    start = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    more = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)  # may be repeated
    return start + more * (size // 2**24)


def _other_shape(rng: _Random, file: h5py.File) -> None:
    path, count = _pick(rng, file), int(10 ** rng.uniform(0, 15))
    shape = (count,) if rng.random() < 0.5 else (*file[path].shape[1:], count)
    del file[path]
    file.create_dataset(path, shape, "f4", chunks=(1,) * len(shape))  # without numbers it takes no room


def _no_numbers(rng: _Random, file: h5py.File) -> None:
    path = _pick(rng, file)
    _change(rng, file, path, rng.choice([np.nan, np.inf, -np.inf]))


def _large_numbers(rng: _Random, file: h5py.File) -> None:
    _change(rng, file, _pick(rng, file), rng.choice([-1, 1]) * 10 ** rng.uniform(4, 38.5))


def _change(rng: _Random, file: h5py.File, path: str, value: float) -> None:
    values = file[path][()].ravel()
    values[rng.integers(values.size, size=int(rng.integers(1, 5)))] = value
    file[path][...] = values.reshape(file[path].shape)


def _negative_variance(rng: _Random, file: h5py.File) -> None:
    path = _pick(rng, file, ("moving_variance:0", "_1/vars/3", "_2/vars/3", "normalization/vars/3"))
    _change(rng, file, path, -(10 ** rng.uniform(-30, 30)))


def _all_equal(rng: _Random, file: h5py.File) -> None:
    for path in [_pick(rng, file)] if rng.random() < 0.7 else variables(file):
        file[path][...] = rng.choice([0, 1, 1e-20, 0.1])


def _other_type(rng: _Random, file: h5py.File) -> None:
    path = _pick(rng, file)
    values = file[path][()]
    one = rng.integers(8)
    if one < 5:
        _put(file, path, values.astype(["f2", "f8", ">f4", "i4", "c8"][one]))
    elif one == 5:
        _put(file, path, np.full(values.shape, b"number"))
    elif one == 6:
        _put(file, path, np.zeros(values.shape, [("a", "f4"), ("b", "f4")]))
    else:
        del file[path]
        file.create_dataset(path, values.shape, h5py.vlen_dtype(np.float32))


def _link(rng: _Random, file: h5py.File) -> None:
    path, one = _pick(rng, file), rng.integers(4)
    if one < 3:
        del file[path]
        file[path] = [h5py.SoftLink("/"), h5py.ExternalLink("/etc/passwd", "/"), file["/"]][one]
    else:
        layout = h5py.VirtualLayout((64,), "f4")
        layout[:] = h5py.VirtualSource("/dev/zero", "x", (64,))
        del file[path]
        file.create_virtual_dataset(path, layout)


def _attributes(rng: _Random, file: h5py.File) -> None:
    owner, name = file, str(rng.choice(["layer_names", "nobody"]))
    if "layers" not in file and rng.random() < 0.4:
        owner, name = file[_pick(rng, file)].parent.parent, "weight_names"
    values = (
        "",
        "[]",
        "{}",
        '{"format_version": 1, "pixel_transform": {"name": "", "scale": 1e300, "offset": 0}}',
        7,
        b"\xff",
        "[" * 50_000,
        ["a"] * 3_000,
        np.zeros((0, 3)),
        '{"format_version": 1, "training": {"a": NaN}}',
        '{"format_version": 1, "training": {"a": "\\ud800"}}',
        '{"format_version": 1, "pixel_transform": 3}',
    )
    owner.attrs.pop(name, None)
    if rng.random() < 0.8:
        owner.attrs[name] = values[rng.integers(len(values))]


#: By what they do.
EDITS: dict[str, Callable[[_Random, h5py.File], None]] = {
    "datasets swapped": _swap,
    "large chunks": _large_chunk,
    "gigabytes in a chunk": _bomb,
    "other shapes": _other_shape,
    "NaN and infinity": _no_numbers,
    "large numbers": _large_numbers,
    "negative variances": _negative_variance,
    "equal weights": _all_equal,
    "other types": _other_type,
    "links": _link,
    "attributes": _attributes,
}
