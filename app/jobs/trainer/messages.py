"""What a worker and a training process say to each other; plain values, so neither loads the other's libraries."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class Order(NamedTuple):
    """Train this."""

    specification: dict[str, Any]
    folder: Path
    attempt: int
    first_step: int
    checkpoint: str | None


class Started(NamedTuple):
    """The order is being carried out; what the process takes from now on, on top of ``memory`` bytes, is the job's."""

    memory: int


class Phase(NamedTuple):
    """What the process is at from now on: ``compiling`` or ``training``."""

    name: str


class Progress(NamedTuple):
    """Losses of the steps up to ``step``, float32 ``(steps, names)``, and the seconds that they took.

    ``paced``: these seconds tell how fast the training is; those in which the step was compiled do not.
    """

    step: int
    losses: npt.NDArray[np.float32]
    seconds: float
    paced: bool = True


class Snapshot(NamedTuple):
    """A snapshot file was written; ``figures`` judge the generator, as far as the data allow it.

    ``warnings`` say what is wrong with the training at this step: sentences by their names.
    """

    step: int
    figures: dict[str, float | None] | None
    warnings: dict[str, str]


class Checkpoint(NamedTuple):
    """A checkpoint file was written; ``kept`` ones stay for forks, the others make way for the next."""

    step: int
    file: str
    kept: bool


class Done(NamedTuple):
    """The process is through with the order: all steps, or as far as it came when it was told to stop."""

    finished: bool
    weights: str  # the folder they were written to, below the job's
    step: int  # of these weights


class Failed(NamedTuple):
    """The order cannot be carried out, for a reason that lies in it."""

    reason: str


class Interrupted(NamedTuple):
    """The process ends, for a reason that may pass: a full disk, say. It is tried again."""

    reason: str


Message = Started | Phase | Progress | Snapshot | Checkpoint | Done | Failed | Interrupted
