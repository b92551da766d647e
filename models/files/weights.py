"""Reads weights from the files of every Keras.

Files are not trusted. They can neither execute code nor reach other files: only datasets are read, and no model is
built from them. They are read in a process of their own, so they can neither hang this one nor take its memory.
"""

import json
import os
import signal
import subprocess
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from models.files.layouts import Layout, Network, layout_of, layout_to_json
from models.files.plain_json import plain_json
from models.files.reading import ask_reader
from models.files.weight_files import WeightsError as WeightsError

FORMAT_VERSION = 1

Arrays = list[npt.NDArray[np.float32]]


class WeightsFile(NamedTuple):
    """What a file holds.

    Args:
        weights: finite float32 arrays in the order of ``network.weights``, ready for ``set_weights``.
        metadata: what :func:`models.files.saving.save_weights` stored; None for weights from elsewhere.
        sha256: of the file.
    """

    weights: Arrays
    metadata: dict[str, Any] | None
    sha256: str


def read_file(path: str | os.PathLike[str], network: Network | Layout) -> WeightsFile:
    """Read the weights of ``network`` and their metadata from a file, without changing the network.

    Args:
        path: an ``.h5`` file of Keras 2 or 3, of weights or of a full model; a ``.weights.h5``; a ``.keras`` archive.
        network: the network, or its layout; the file must have its layers, shapes and order, in nested models or not.

    Raises:
        WeightsError: the file is missing, not a weights file, damaged, its layers do not fit, or its format version is
            newer than this code.
    """
    weights, header = _read_weights(path, network)
    return WeightsFile(weights, _parsed(path, header["metadata"]), header["sha256"])


def read_weights(path: str | os.PathLike[str], network: Network | Layout) -> Arrays:
    """Read the weights alone; see :func:`read_file`."""
    return _read_weights(path, network)[0]


def read_metadata(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read the metadata alone; see :func:`read_file`."""
    return _parsed(path, _read(path, ())[0]["metadata"])


def load_together(*networks: tuple[Network, str | os.PathLike[str]]) -> None:
    """Load each network's weights from the file beside it, all of them or none.

    Raises:
        WeightsError: a file is missing or does not fit.
    """
    values = [read_weights(path, network) for network, path in networks]
    for (network, _), arrays in zip(networks, values, strict=True):
        network.set_weights(arrays)


def _read_weights(path: str | os.PathLike[str], network: Network | Layout) -> tuple[Arrays, dict[str, Any]]:
    layout = network if isinstance(network, tuple) else layout_of(network)
    if not layout:
        raise WeightsError(f"{path}: expected a network with weights to load into, got one without; call it once first")
    header, numbers = _read(path, layout)
    values = np.frombuffer(numbers, np.float32).copy()  # a copy may be written to
    shapes = [shape for layer in layout for shape in layer.shapes]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(values, ends[:-1]), shapes, strict=True)], header


def _parsed(path: str | os.PathLike[str], text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        metadata = plain_json(text)
        version = metadata["format_version"]
    except (TypeError, ValueError, KeyError) as error:
        raise WeightsError(f"{path}: expected metadata as JSON with a format_version, got {error!r}") from error
    if type(version) is not int or version != FORMAT_VERSION:
        raise WeightsError(f"{path}: expected format version {FORMAT_VERSION}, got {version}; update nobody")
    return dict(metadata)


# the process that reads


def _read(path: str | os.PathLike[str], layout: Layout) -> tuple[dict[str, Any], bytes]:
    """Return the reader's answer: sha256 and metadata, and the bytes of the layout's numbers."""
    try:
        done = ask_reader(os.fsdecode(path), layout_to_json(layout))
    except TypeError as error:
        raise WeightsError(f"{path}: expected the path of a file ({error})") from error
    if done.returncode:
        raise WeightsError(f"{path}: {_why_it_ended(done)}")
    line, _, numbers = done.stdout.partition(b"\n")
    header = json.loads(line)
    if "error" in header:
        raise WeightsError(header["error"])
    return header, numbers


def _why_it_ended(reader: subprocess.CompletedProcess[bytes]) -> str:
    if reader.returncode == -signal.SIGALRM:
        return "expected weights, but reading them does not end; the file is damaged, or its disk too slow"
    if reader.returncode < 0:
        cause = f"the reader ended with {signal.Signals(-reader.returncode).name}"
    else:
        cause = reader.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    return f"expected a whole HDF5 weights file; it is damaged ({cause})"
