"""Jobs and events as clients see them."""

import time
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, JsonValue, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from app.jobs.record.values import JobRow, checkpoints_of
from app.jobs.specification import Specification, StoredData, ToyData
from app.jobs.states import HELD, Phase, State

T = TypeVar("T")


class Parent(BaseModel):
    """Where a fork comes from."""

    id: str
    step: int


class _Progress(BaseModel):
    id: str
    name: str | None
    status: State
    phase: Phase | None = Field(
        description="What it is at while a worker has it: `starting` (its process starts and builds the networks), "
        "`compiling` (the training step, for seconds, where the process has trained no such networks before) or "
        "`training`."
    )
    step: int = Field(description="Training steps done.")
    steps: int = Field(description="Training steps in all: epochs × steps_per_epoch.")
    steps_per_second: float | None
    estimated_finish: datetime | None = Field(description="While it runs.")
    seconds: float = Field(description="Spent training.")
    losses: dict[str, float] | None = Field(description="Of the last step.")
    figures: dict[str, int | float | None] | None = Field(
        description="Of the last snapshot's generator. For mixtures: `modes_covered` (of VEEGAN, Srivastava et al. "
        "2017: modes with a sample within 3 sigma; one is enough), `modes_fairly_covered` (modes with at least a "
        "quarter of their part of the 2,500 samples within 3 sigma), `high_quality` (share of the samples within "
        "3 sigma of a mode), `reverse_kl`. For the corner cloud: squared distances. For other data: "
        "`sliced_wasserstein`."
    )
    warnings: dict[str, str] = Field(
        description="What is wrong with the training, by name, as of the last snapshot. `discriminator_saturated`: "
        "its scores are ±1, so that its gradient is zero. `generator_constant`: it makes one and the same point of "
        "all random numbers."
    )
    error: str | None = Field(description="Why it failed.")
    recoveries: int = Field(description="How often it was taken up again after its process or worker had died.")
    queue_position: int | None = Field(description="Jobs that wait before it.")
    weights_step: int | None = Field(description="Step of the networks that can be taken away: that of the last stop.")
    checkpoints: list[int] = Field(description="Steps from which it can be forked.")
    parent: Parent | None = Field(description="The job that it was forked from, if any.")
    first_step: int = Field(description="Steps that a fork took over from its parent.")
    created: datetime
    started: datetime | None
    ended: datetime | None
    metadata: dict[str, JsonValue]


def _or_null(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


#: A stored setting, not checked against the limits of new jobs; null if it cannot be read.
Stored = Annotated[T | None, WrapValidator(_or_null)]


class Job(_Progress):
    """A training job: where it stands, and what it trains."""

    model: Stored[str]
    data: Stored[ToyData | StoredData | dict[str, JsonValue]] = Field(union_mode="left_to_right")
    gen_shape: Stored[list[int]]
    latent_type: Stored[str]
    seed: Stored[int]
    epochs: Stored[int]
    steps_per_epoch: Stored[int]
    batch_size: Stored[int]
    disc_iter: Stored[int]
    learning_rate: Stored[float]
    lambda_gp: Stored[float]
    clip: Stored[float]


class JobPage(BaseModel):
    """Some of the jobs, newest first."""

    jobs: list[Job]
    next: str | None = Field(description="What to give as `after` for the page that follows; null at the end.")


class EventView(BaseModel):
    """Something that happened to a job."""

    id: int = Field(description="Counts from 1 without a gap.")
    event: str = Field(description="state, phase, data, progress, snapshot or warnings.")
    at: datetime
    data: dict[str, Any]


class Events(BaseModel):
    """What happened to a job, in order."""

    events: list[EventView]
    last: int = Field(description="What to give as `after` next time.")
    ended: bool = Field(description="Nothing more will come after these.")


def view(row: JobRow, queue_position: int | None) -> Job:
    """Return a job as clients see it."""
    speed = row["steps_per_second"]
    left = (row["steps"] - row["step"]) / speed if row["state"] == State.RUNNING and speed else None
    parent = (row["parent"], row["parent_step"])
    same = ("id", "name", "metadata", "first_step", "step", "steps", "steps_per_second", "seconds", "losses")
    return Job.model_validate(
        {name: row["specification"].get(name) for name in Specification.model_fields}
        | {name: row[name] for name in (*same, "figures", "error", "recoveries", "weights_step")}
        | {name: _time(row[name]) for name in ("created", "started", "ended")}
        | {
            "status": row["state"],
            "phase": row["phase"] if row["state"] in HELD else None,
            "warnings": row["warnings"] or {},
            "estimated_finish": None if left is None else _time(time.time() + left),
            "queue_position": queue_position,
            "parent": None if None in parent else dict(zip(("id", "step"), parent, strict=True)),
            "checkpoints": sorted(checkpoints_of(row)),
        }
    )


def iso_time(seconds: float) -> str:
    """Return a time in the format of these models; the beginning of 1970 if it cannot be read."""
    moment = _time(seconds) or datetime.fromtimestamp(0, UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _time(seconds: float | None) -> datetime | None:
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, TypeError):  # outside of the calendar, or not a number
        return None
