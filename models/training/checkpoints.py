"""The whole state of a training run in one file: both networks, both optimizers and the seed."""

import os

import numpy as np

from models.files.arrays import DamagedFileError, read_arrays
from models.files.atomic import atomic_path
from models.training.protocol import Trainable


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged or of another model."""


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
        state = read_arrays(path)
    except (OSError, DamagedFileError) as error:
        raise CheckpointError(f"{path}: expected a training checkpoint, got {error}") from error
    seed = state.pop("seed", None)
    expected = {name: tuple(variable.shape) for name, variable in variables.items()}
    found = {name: values.shape for name, values in state.items()}
    if seed is None or expected != found:
        differing = sorted(name for name in expected | found if expected.get(name) != found.get(name)) or ["seed"]
        raise CheckpointError(
            f"{path}: the checkpoint is of another model: {differing[0]} is expected as "
            f"{expected.get(differing[0])} and found as {found.get(differing[0])}"
        )
    gan.seed = int(seed)
    for name, variable in variables.items():
        variable.assign(state[name])
