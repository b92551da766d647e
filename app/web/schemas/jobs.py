"""Parameters of the job routes.

The bodies are in ``app.jobs.specification``, the answers in ``app.jobs.service.views``.
"""

from typing import Annotated, Self

from fastapi import Header, Path
from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.jobs.service.pictures import FilmFormat
from app.jobs.service.results import SamplesFormat, TableFormat
from app.jobs.service.scripts import ScriptFormat
from app.jobs.specification import MAX_SEED, MAX_SIZE, MAX_STEP, StoredData
from app.jobs.states import State
from app.jobs.texts import Owner

MAX_SAMPLES = 100_000

JobId = Annotated[str, Path(description="The job's `id`.", examples=["76cd927a59c4550b"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        examples=["monday"],
        description="A repeated request with the same key returns the same job.",
    ),
]
LastEventId = Annotated[str | None, Header(examples=["42"], description="The last event that you have.")]


_FORMAT = Field(None, examples=["csv"], description="Without it, the header Accept decides.")


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")


class JobsQuery(_Query):
    """Which jobs."""

    status: list[State] = Field([], description="Only jobs in this state; may be given several times.")
    owner: Owner | None = Field(None, examples=["table-3"], description="Only jobs of this owner.")
    search: str = Field(
        "",
        max_length=200,
        examples=["wgan ring"],
        description="Only jobs with all of these words, or parts of words, in their name, their model or the name of "
        "their data. Capitals do not matter.",
    )
    limit: int = Field(20, ge=1, le=100, description="Jobs per page.")
    after: str | None = Field(None, examples=["76cd927a59c4550b"], description="`next` of the previous page.")


class DeleteQuery(_Query):
    """Which jobs to delete: those of an owner, or single ones."""

    owner: Owner | None = Field(None, examples=["table-3"], description="All jobs of this owner.")
    id: list[str] = Field([], max_length=100, description="This job; may be given up to 100 times, without an owner.")

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.owner is None) == (not self.id):
            raise ValueError(f"expected either owner or id, got {'neither' if self.owner is None else 'both'}")
        return self


class OutlineQuery(_Query):
    """How many points of one's own will come with a job."""

    rows: int | None = Field(None, ge=1, le=MAX_SIZE, examples=[300], description="Points that will come with the job.")
    dimensions: int = Field(2, ge=1, le=MAX_SIZE, examples=[2], description="Numbers of such a point.")

    @property
    def outline(self) -> StoredData | None:
        """Facts about these points."""
        return None if self.rows is None else StoredData(rows=self.rows, dimensions=self.dimensions)


class EventsQuery(_Query):
    """Which events."""

    after: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        examples=[42],
        description="The last event that you have; Last-Event-ID takes precedence.",
    )


class HistoryQuery(_Query):
    """The format of the losses."""

    format: TableFormat | None = _FORMAT


class PictureQuery(_Query):
    """Which picture."""

    step: int | None = Field(
        None, ge=0, le=MAX_STEP, examples=[800], description="Step of a snapshot; the newest by default."
    )
    size: int = Field(900, ge=300, le=2_000, description="Width, in pixels.")


class FilmQuery(_Query):
    """Which film."""

    format: FilmFormat = Field(
        "gif", description="`gif` plays anywhere; `webp` is the smallest; `apng` is as sharp as `gif`, and smaller."
    )
    size: int = Field(
        480,
        ge=300,
        le=900,
        description="Width, in pixels. Below 600 the plots stand below each other, for phones; else beside each "
        "other, for slides.",
    )
    fps: int = Field(
        12, ge=1, le=30, description="Frames per second; GIF rounds the duration of a frame to hundredths of a second."
    )


class ScriptQuery(_Query):
    """Which language."""

    format: ScriptFormat = Field("python", description="A Python script on `models`, or a `curl` command.")


class JobSamplesQuery(_Query):
    """How many samples, and how."""

    count: int = Field(500, ge=1, le=MAX_SAMPLES, description="Number of samples.")
    seed: int | None = Field(None, ge=0, le=MAX_SEED, examples=[0], description="Makes the samples repeatable.")
    format: SamplesFormat | None = _FORMAT
