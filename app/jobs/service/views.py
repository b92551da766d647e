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
    """The job and the step that a fork started from."""

    id: str
    step: int


class _Progress(BaseModel):
    id: str
    name: str | None
    owner: str | None
    status: State
    phase: Phase | None = Field(
        description="What a worker does with the job now: `starting` (the process starts and builds the networks), "
        "`compiling` (the training step, which takes seconds, unless the process has trained such networks before) or "
        "`training`."
    )
    step: int = Field(description="Training steps done.")
    steps: int = Field(description="All training steps: epochs × steps_per_epoch.")
    half: bool = Field(description="The discriminator has made its updates of the next step, the generator not.")
    steps_per_second: float | None
    estimated_finish: datetime | None = Field(description="Only while the job runs.")
    seconds: float = Field(description="Time spent training.")
    losses: dict[str, float] | None = Field(description="Losses of the last step.")
    figures: dict[str, int | float | None] | None = Field(
        description="Quality of the generator at the last snapshot. For mixtures: `modes_covered` (as in VEEGAN, "
        "Srivastava et al. 2017: modes with at least one sample within 3 sigma), `modes_fairly_covered` (modes with at "
        "least a quarter of their share of the 2,500 samples within 3 sigma), `high_quality` (share of the samples "
        "within 3 sigma of a mode), `reverse_kl`. For the corner cloud: squared distances. For other data: "
        "`sliced_wasserstein`."
    )
    warnings: dict[str, str] = Field(
        description="Problems of the training at the last snapshot, by name. `discriminator_saturated`: its scores are "
        "±1, and its gradient is zero. `generator_constant`: it maps all latent vectors to the same point."
    )
    error: str | None = Field(description="Why the job failed.")
    recoveries: int = Field(description="How often the job was resumed after its process or worker had died.")
    queue_position: int | None = Field(description="Number of jobs that are queued before it.")
    estimated_start: datetime | None = Field(
        description="Only while the job is queued: when it is likely to start, by the speed of similar jobs, if there "
        "were any."
    )
    weights_step: int | None = Field(description="Step of the networks that can be downloaded: that of the last stop.")
    checkpoints: list[int] = Field(description="Steps from which the job can be forked.")
    parent: Parent | None = Field(description="The job that this one was forked from, if any.")
    first_step: int = Field(description="Steps that were trained by the parent of a fork.")
    request_id: str | None = Field(description="Id of the request that submitted the job; the log has it, too.")
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
    """A training job: its progress and its settings."""

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
    final_rate: Stored[float]
    beta_1: Stored[float]
    beta_2: Stored[float]
    ema: Stored[float]
    critic_activation: Stored[str]
    generator_gain: Stored[float]
    critic_gain: Stored[float]
    preset: Stored[str]
    views: Stored[list[str]]


class JobPage(BaseModel):
    """Some of the jobs, newest first."""

    jobs: list[Job]
    next: str | None = Field(description="Value of `after` for the next page; null on the last page.")


class DeletedJobs(BaseModel):
    """Jobs that were deleted."""

    deleted: list[str] = Field(description="Their ids.")


class EventView(BaseModel):
    """An event of a job."""

    id: int = Field(description="Counts from 1 without gaps.")
    event: str = Field(description="state, phase, data, progress, snapshot or warnings.")
    at: datetime
    data: dict[str, Any]


class Events(BaseModel):
    """Events of a job, in order."""

    events: list[EventView]
    last: int = Field(description="Value of `after` for the next request.")
    ended: bool = Field(description="The job has ended, and there are no later events.")


def view(row: JobRow, queue_position: int | None = None, wait: float | None = None) -> Job:
    """Return a job as clients see it; ``wait`` is the time until it is likely to start, in seconds."""
    speed = row["steps_per_second"]
    left = (row["steps"] - row["step"]) / speed if row["state"] == State.RUNNING and speed else None
    parent = (row["parent"], row["parent_step"])
    same = ["id", "name", "owner", "metadata", "first_step", "step", "steps", "half", "steps_per_second", "seconds"]
    same += ["losses", "figures", "error", "recoveries", "weights_step", "request_id"]
    return Job.model_validate(
        _settings(row["specification"])
        | {name: row[name] for name in same}
        | {name: _time(row[name]) for name in ("created", "started", "ended")}
        | {
            "status": row["state"],
            "phase": row["phase"] if row["state"] in HELD else None,
            "warnings": row["warnings"] or {},
            "estimated_finish": None if left is None else _time(time.time() + left),
            "queue_position": queue_position,
            "estimated_start": None if wait is None else _time(time.time() + wait),
            "parent": None if None in parent else dict(zip(("id", "step"), parent, strict=True)),
            "checkpoints": sorted(checkpoints_of(row)),
        }
    )


def _settings(stored: dict[str, Any]) -> dict[str, Any]:
    """Return stored settings; those of a release that did not have them yet are the defaults."""
    fields = Specification.model_fields.items()
    return {name: stored.get(name, None if field.is_required() else field.default) for name, field in fields}


def iso_time(seconds: float) -> str:
    """Return a time in the format of these models; the beginning of 1970 if it cannot be read."""
    moment = _time(seconds) or datetime.fromtimestamp(0, UTC)
    return moment.isoformat().replace("+00:00", "Z")


def _time(seconds: float | None) -> datetime | None:
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, TypeError):  # outside of the calendar, or not a number
        return None
