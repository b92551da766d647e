"""Samples of a trained dense generator, in NumPy: the service does not load Keras."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from app.jobs.specification import StoredData
from models.files.arrays import read_arrays

Singles = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.floating]

#: Nine digits represent every float32 exactly.
_SINGLE = "%.9g"

#: Rows that are computed at a time, and numbers that are formatted at a time, which bounds the memory.
_BLOCK = 4_096
_PIECE = 2**16


def sample(weights_npz: BinaryIO, latent_type: str, count: int, seed: int) -> Singles:
    """Draw samples of a trained generator; the same seed gives the same samples.

    Args:
        weights_npz: ``generator.npz`` of the trainer: ``layer_000``, ``layer_001``, … are kernel ``(inputs, outputs)``
            and bias ``(outputs,)`` of each layer in turn. Hidden layers have tanh, the last one a sigmoid.
        latent_type: ``normal``, ``uniform`` (on ``[0, 1)``) or ``spheric`` (on the unit sphere).
        count: number of samples, at least 1.
        seed: not negative.

    Returns:
        float32 of shape ``(count, dimensions)``, in [0, 1].

    Raises:
        ValueError: an argument is not as described.
        OSError: the file cannot be read.
    """
    if count < 1:
        raise ValueError(f"count: expected at least 1, got {count}")
    layers = _read_layers(weights_npz)
    samples = np.empty((count, layers[-1][1].shape[0]), np.float32)
    for number, latents in enumerate(_latents(latent_type, count, layers[0][0].shape[0], seed)):
        start = number * _BLOCK
        samples[start : start + len(latents)] = _generate(layers, latents)
    return samples


def draw_latents(latent_type: str, count: int, dimensions: int, seed: int) -> Singles:
    """Draw latent vectors, float32 ``(count, dimensions)``. A larger count of the same seed begins with the same ones.

    Raises:
        ValueError: the type is unknown, or the seed negative.
    """
    return np.concatenate([*_latents(latent_type, count, dimensions, seed)])


def _latents(latent_type: str, count: int, dimensions: int, seed: int) -> Iterator[Singles]:
    """Draw latent vectors in blocks; where one ends does not show in the numbers."""
    random = np.random.Generator(np.random.PCG64(seed))
    for start in range(0, count, _BLOCK):
        yield _draw(random, latent_type, (min(_BLOCK, count - start), dimensions))


def _draw(random: np.random.Generator, latent_type: str, shape: tuple[int, int]) -> Singles:
    match latent_type:
        case "normal":
            return random.standard_normal(shape, dtype=np.float32)
        case "uniform":
            return random.random(shape, dtype=np.float32)
        case "spheric":
            vectors = random.standard_normal(shape, dtype=np.float32)
            # As in training: the 1e-8 keeps a vector of zeros from becoming NaN.
            lengths: Singles = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True) + np.float32(1e-8))
            return vectors / lengths
    raise ValueError(f"unknown latent_type: expected normal, uniform or spheric, got {latent_type!r}")


class Samples(NamedTuple):
    """Samples in the units of the examples, ``(count, dimensions)``, and their format.

    ``points`` are float32, or float64 if the outputs were scaled back.
    """

    points: Numbers
    titles: Sequence[str]
    formats: Sequence[str]  # for ``%``, by column


def in_units(outputs: Singles, stored: StoredData | None) -> Samples:
    """Return a generator's outputs in the units of its training data; ``stored`` is None for a toy distribution."""
    columns = outputs.shape[1]
    titles = (stored and stored.titles) or [f"x{i}" for i in range(columns)]
    if stored is None or stored.transform is None:
        return Samples(outputs, titles, [_SINGLE] * columns)
    return Samples(stored.transform.to_values(outputs), titles, stored.transform.formats())


def as_csv(samples: Samples) -> Iterator[bytes]:
    """Return samples as CSV with a header line, piece by piece."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(samples.titles)
    yield text.getvalue().encode()
    row = ",".join(samples.formats) + "\n"
    for block in _blocks(samples.points):
        yield (row * len(block) % tuple(block.ravel().tolist())).encode()


def as_json(numbers: Numbers, formats: Sequence[str] | None = None) -> Iterator[bytes]:
    """Return numbers, or rows of numbers, as a JSON list, with nine digits or in the formats of the columns.

    In pieces: Python's encoder would hold the interpreter lock to its end, and another thread serves faces.
    """
    item = _SINGLE if numbers.ndim == 1 else "[" + ",".join(formats or [_SINGLE] * numbers.shape[1]) + "]"
    before = "["
    for block in _blocks(numbers):
        yield (before + ",".join([item] * len(block)) % tuple(block.ravel().tolist())).encode()
        before = ","
    yield b"[]" if before == "[" else b"]"


def as_npy(samples: Numbers) -> Iterator[bytes]:
    """Return samples as a ``.npy`` file, piece by piece."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(samples))
    yield header.getvalue()
    for block in _blocks(samples):
        yield block.tobytes()


def losses_as_csv(losses: Numbers, names: Sequence[str], first_step: int) -> Iterator[bytes]:
    """Return the losses of the steps after ``first_step``, ``(steps, names)``, as CSV."""
    yield (",".join(("step", *names)) + "\n").encode()
    row = ",".join(["%d", *[_SINGLE] * len(names)]) + "\n"
    step = first_step
    for block in _blocks(losses):
        steps = range(step + 1, step + 1 + len(block))
        yield "".join([row % (at, *values) for at, values in zip(steps, block.tolist(), strict=True)]).encode()
        step += len(block)


def losses_as_json(losses: Numbers, names: Sequence[str], first_step: int) -> Iterator[bytes]:
    """Return the losses of the steps after ``first_step``, ``(steps, names)``, as JSON: a list for each name."""
    before = f'{{"first_step":{first_step},"losses":{{'
    for name, column in zip(names, losses.T, strict=True):
        yield f'{before}"{name}":'.encode()
        yield from as_json(column)
        before = ","
    yield b"}}"


def _read_layers(file: BinaryIO) -> list[tuple[Singles, Singles]]:
    """Return kernel and bias of each layer."""
    arrays = read_arrays(file)
    values = [arrays[name] for name in sorted(arrays)]
    return list(zip(values[::2], values[1::2], strict=True))


def _generate(layers: list[tuple[Singles, Singles]], latents: Singles) -> Singles:
    *hidden_layers, (kernel, bias) = layers
    values = latents
    for hidden_kernel, hidden_bias in hidden_layers:
        values = np.tanh(values @ hidden_kernel + hidden_bias)
    # The sigmoid through tanh, which cannot overflow.
    half = np.float32(0.5)
    outputs: Singles = half + half * np.tanh(half * (values @ kernel + bias))
    return outputs


def _blocks(rows: Numbers) -> Iterator[Numbers]:
    size = max(1, _PIECE // max(1, math.prod(rows.shape[1:])))
    return (rows[start : start + size] for start in range(0, len(rows), size))
