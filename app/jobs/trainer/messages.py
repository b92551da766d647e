"""Messages between a worker and a training process: plain values, so that neither loads the other's libraries."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from app.jobs.plan import MOST_CHECKPOINTS
from models.presets import ToySettings


class TrainCommand(NamedTuple):
    """To the training process: train this job, from a checkpoint if there is one.

    It stops at the step ``pause_at``, with ``half`` after showing the discriminator's updates of the next step.
    """

    specification: dict[str, Any]
    folder: Path
    attempt: int
    first_step: int
    checkpoint: str | None
    pause_at: int | None = None
    half: bool = False
    request_id: str | None = None  # for the log
    kept_checkpoints: int = MOST_CHECKPOINTS


class WarmCommand(NamedTuple):
    """To an idle training process: compile the training step of this architecture, for jobs to come."""

    architecture: ToySettings


class Warmed(NamedTuple):
    """The answer to a :class:`WarmCommand`. ``over``: false if another command came first, and it may be sent again."""

    architecture: ToySettings
    over: bool


class Started(NamedTuple):
    """The command was received. ``memory`` is the resident size in bytes; what is added to it belongs to the job."""

    memory: int


class Phase(NamedTuple):
    """A phase begins: ``compiling`` or ``training``."""

    name: str


class Progress(NamedTuple):
    """Losses of the steps up to ``step``, float32 ``(steps, names)``, and their duration in seconds.

    ``paced``: the duration tells the speed of training; false if it includes compilation.
    """

    step: int
    losses: npt.NDArray[np.float32]
    seconds: float
    paced: bool = True


class Snapshot(NamedTuple):
    """A snapshot file was written, with the figures and warnings of :class:`app.jobs.trainer.snapshots.Findings`."""

    step: int
    figures: dict[str, float | None] | None
    warnings: dict[str, str]
    half: bool = False


class Checkpoint(NamedTuple):
    """A checkpoint file was written. A ``kept`` one stays for forks; the next checkpoint replaces any other.

    ``last``: the session ends with it.
    """

    step: int
    file: str
    kept: bool
    last: bool = False


class Done(NamedTuple):
    """The command is completed, or was stopped on request after saving."""

    finished: bool
    weights: str  # folder of the networks, below the job's
    step: int  # of these networks


class Failed(NamedTuple):
    """The job cannot be trained, for a reason of its own."""

    reason: str


class Interrupted(NamedTuple):
    """The process ends for a reason that may pass, such as a full disk; the job is tried again."""

    reason: str


Message = Warmed | Started | Phase | Progress | Snapshot | Checkpoint | Done | Failed | Interrupted
