"""What a worker knows of a job that it holds, and what it publishes about it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.jobs import file_names
from app.jobs.plan import Plan
from app.jobs.specification import Specification
from app.jobs.states import State


@dataclass
class Lease:
    """The right to write about a job until another worker acquires it, and the job as this worker knows it."""

    number: int
    job_id: str
    run: int
    attempt: int
    revision: int
    specification: Specification
    state: State
    first_step: int
    step: int
    pause_at: int | None
    half: bool
    snapshot: int
    warnings: dict[str, str]
    checkpoint: str | None
    checkpoint_step: int  # ``first_step`` without a checkpoint
    kept: set[str]  # file names of the kept checkpoints
    seconds: float
    stalls: int  # this acquisition included
    request_id: str | None = None  # of the request that submitted the job
    last_failure: str | None = None  # why the training process ended, as far as it said


@dataclass
class Publication:
    """News of a job since the last publication."""

    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    blocks: list[tuple[int, npt.NDArray[np.float32]]] = field(default_factory=list)  # last step and losses
    values: dict[str, Any] = field(default_factory=dict)  # of the job's row
    kept_checkpoints: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)  # new ones, by name: where they lie on the worker's disk

    def __bool__(self) -> bool:
        return bool(self.events or self.blocks or self.values)

    def superseded(self, names: Iterable[str], lease: Lease) -> list[str]:
        """Return which of a job's files make way for the new ones, given the names of all that there are."""
        names, found = list(names), []
        if "checkpoint" in self.values:
            found += file_names.earlier_checkpoints(names, self.values["checkpoint"], lease.kept)
        if "weights" in self.values:
            found += file_names.earlier_weights(names, self.values["weights"], lease.attempt)
        if any(kind == "snapshot" for kind, _ in self.events):
            found += file_names.outdated_snapshots(names, Plan(lease.specification.total_steps, lease.first_step))
        return found
