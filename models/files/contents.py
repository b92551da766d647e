"""What a weights file holds: numbers, in the network's order, and metadata.

On a damaged file the HDF5 library may hang or crash, or take all memory. So the program reads a file in the process of
``models.files.reader``, which has limits; only tests call this module directly.
"""

import hashlib
import math
import os
from typing import NamedTuple

import h5py
import numpy as np
import numpy.typing as npt

from models.files.layouts import Layout
from models.files.opening import open_weights
from models.files.stored_layers import layers_in_order
from models.files.weight_files import WeightsError

#: The attribute of a file that holds our metadata.
METADATA = "nobody"

#: HDF5 reads whole chunks. This many bytes are fine; larger ones must not be larger than the numbers in them.
_LARGE_CHUNK = 2**20
_FLOATS = [getattr(h5py.h5t, f"IEEE_F{bits}{order}") for bits in (16, 32, 64) for order in ("LE", "BE")]

Arrays = list[npt.NDArray[np.float32]]


class Contents(NamedTuple):
    """What was read.

    Args:
        weights: finite arrays in the layout's order.
        metadata: the text of our metadata; None if there is none.
        sha256: of the file.
    """

    weights: Arrays
    metadata: str | None
    sha256: str


def read_contents(path: str | os.PathLike[str], layout: Layout) -> Contents:
    """Read what is needed to fill a network of this layout; an empty layout reads the metadata alone.

    Raises:
        WeightsError: the file is missing, not a weights file, damaged, or does not fit.
    """
    with open_weights(path) as file:
        stored = layers_in_order(path, file, layout) if layout else []
        weights = [_read(path, layer.path, name, dataset) for layer in stored for name, dataset in layer.variables]
        metadata = _metadata(path, file)
        with open(path, "rb") as whole:
            sha256 = hashlib.file_digest(whole, "sha256").hexdigest()
    return Contents(weights, metadata, sha256)


def _metadata(path: str | os.PathLike[str], file: h5py.File) -> str | None:
    text = file.attrs.get(METADATA)
    if isinstance(text, bytes):
        text = text.decode()
    if text is not None and not isinstance(text, str):
        raise WeightsError(f"{path}: expected metadata as JSON, got {type(text).__name__} in its place")
    return text


def _read(path: str | os.PathLike[str], layer: str, variable: str, dataset: h5py.Dataset) -> npt.NDArray[np.float32]:
    name, stored = f"{layer}/{variable}", dataset.dtype
    # HDF5 has no type for bfloat16, the upper half of a float32.
    halves = stored.kind == "V" and stored.itemsize == 2 and stored.names is None
    if not halves and dataset.id.get_type() not in _FLOATS:
        raise WeightsError(f"{path}: expected floating-point numbers in {name}, found {stored}")
    _check_storage(path, name, dataset)
    with np.errstate(over="ignore"):  # numbers too large for float32 become infinite, and are refused below
        if halves:
            values = (np.asarray(dataset[()]).view("<u2").astype(np.uint32) << 16).view(np.float32)
        else:
            values = np.asarray(dataset[()], np.float32)
    if not np.isfinite(values).all():
        raise WeightsError(f"{path}: expected finite weights, found {values[~np.isfinite(values)][0]} in {name}")
    if variable == "moving_variance" and (values < 0).any():
        raise WeightsError(f"{path}: expected variances of 0 or more, found {values.min():g} in {name}")
    return values


def _check_storage(path: str | os.PathLike[str], name: str, dataset: h5py.Dataset) -> None:
    """Refuse numbers that are not in the file, and chunks that take much more memory than the numbers in them."""
    chunks = dataset.chunks
    if chunks is None:
        whole = dataset.id.get_storage_size() == dataset.nbytes
    else:
        chunk = math.prod(chunks) * dataset.dtype.itemsize
        if chunk > max(dataset.nbytes, _LARGE_CHUNK):
            raise WeightsError(
                f"{path}: expected chunks of at most {max(dataset.nbytes, _LARGE_CHUNK):,} bytes in {name}, which has "
                f"{dataset.nbytes:,}; found {chunk:,}"
            )
        number = math.prod(-(-side // step) for side, step in zip(dataset.shape, chunks, strict=True))
        whole = dataset.id.get_num_chunks() == number
    if not whole:  # HDF5 would fill in zeros
        raise WeightsError(f"{path}: expected {dataset.size:,} numbers in {name}, but some of them are missing")
