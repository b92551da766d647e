"""The whole state of a training run in one file: both networks, both optimizers and the seed."""

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from models.files.arrays import DamagedFileError, read_arrays
from models.files.atomic import atomic_path
from models.training.protocol import Trainable


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged or of another model; ``reason`` says so without its path."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.reason = reason


def save_checkpoint(gan: Trainable, path: str | os.PathLike[str]) -> None:
    """Write the training state of ``gan`` to ``path`` (``.npz``), atomically.

    It includes the number of steps done: the update count of the generator's optimizer.
    """
    state = {name: np.asarray(variable) for name, variable in gan.state.items()}
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, seed=np.int64(gan.seed), **state)


def load_checkpoint(gan: Trainable, path: str | os.PathLike[str]) -> None:
    """Restore what :func:`save_checkpoint` wrote into a GAN built with the same networks and optimizers.

    Raises:
        CheckpointError: the file cannot be read, or belongs to another model; then ``gan`` is unchanged.
    """
    variables = gan.state
    try:
        with open(path, "rb") as file:
            state = read_arrays(file)
    except OSError as error:
        raise CheckpointError(path, f"expected a training checkpoint, got none ({error.strerror})") from error
    except DamagedFileError as error:
        raise CheckpointError(path, "expected a training checkpoint, got a damaged file") from error
    expected = {"seed": ((), "i"), **{name: _kind(np.asarray(variable)) for name, variable in variables.items()}}
    found = {name: _kind(values) for name, values in state.items()}
    if expected != found:
        name = min(name for name in expected | found if expected.get(name) != found.get(name))
        raise CheckpointError(
            path,
            f"the checkpoint is of another model: {name} is expected as {expected.get(name)} and found as "
            f"{found.get(name)}",
        )
    gan.seed = int(state["seed"])
    for name, variable in variables.items():
        variable.assign(state[name])


def _kind(values: npt.NDArray[Any]) -> tuple[tuple[int, ...], str]:
    """Return shape and kind of an array: ``f`` of floats, ``i`` of integers."""
    return tuple(values.shape), values.dtype.kind
