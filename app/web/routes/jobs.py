"""Training jobs: submit, steer, watch, take away."""

import io
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np
from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.jobs.service import sampling
from app.jobs.service.csv_cells import short
from app.jobs.service.events import stream
from app.jobs.service.examples import Table
from app.jobs.service.service import JobService
from app.jobs.service.uploads import read_table
from app.jobs.service.views import Events, Job, JobPage, view
from app.jobs.specification import DATA_TAGS, MAX_SEED, ForkRequest, JobRequest
from app.jobs.states import Request as Wish
from app.jobs.states import State
from app.web.dependencies import Jobs
from app.web.errors import PROBLEM_CONTENT
from app.web.routes.job_form import job_form
from app.web.routes.rendering import prefers
from models.catalogue import LOSS_NAMES

if TYPE_CHECKING:  # a service that is never asked for a job does not load a database
    from app.jobs.record.rows import JobRow
    from app.jobs.record.store import JobStore

router = APIRouter(prefix="/jobs", tags=["jobs"])

_MAX_SAMPLES = 100_000
_MAX_VALUES = 2_000_000
_MAX_MISTAKES = 100
_EVENTS_AT_ONCE = 200
_T = TypeVar("_T", bound=BaseModel)

JobId = Annotated[str, Path(description="The job's `id`.", examples=["76cd927a59c4550b"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        examples=["monday"],
        description="A repetition of the request under the same key gives the same job.",
    ),
]

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "The job's state does not allow it; `detail` names the state.", "content": PROBLEM_CONTENT}
}
_FULL: dict[int | str, dict[str, Any]] = {
    429: {"description": "The queue is full; `Retry-After` says when to try again.", "content": PROBLEM_CONTENT}
}


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    """Return a JSON schema without references: this one stands where OpenAPI would not find them."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
        return {key: _inlined(value, definitions) for key, value in schema.items() if key != "$defs"}
    return [_inlined(item, definitions) for item in schema] if isinstance(schema, list) else schema


_JOB_SCHEMA = JobRequest.model_json_schema()
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _inlined(_JOB_SCHEMA, _JOB_SCHEMA["$defs"])},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["job", "data"],
                    "properties": {
                        "job": {"type": "string", "description": "The JSON body, without `data`."},
                        "data": {"type": "string", "format": "binary", "description": "A CSV or .npy file of rows."},
                    },
                }
            },
        },
    }
}


def _look(jobs: JobService, job_id: str) -> Job:
    with jobs.store() as store:
        row = store.get(job_id)
        return _views(store, [row])[0]


def _views(store: "JobStore", rows: Sequence["JobRow"]) -> list[Job]:
    waiting = any(row["state"] == State.QUEUED for row in rows)
    positions = store.positions() if waiting else {}
    # A job that a worker takes at this moment waits for nobody.
    return [view(row, positions.get(row["id"], 0) if row["state"] == State.QUEUED else None) for row in rows]


def _accepted(jobs: JobService, job_id: str, response: Response) -> Job:
    response.headers["Location"] = f"/jobs/{job_id}"
    return _look(jobs, job_id)


@router.post("", status_code=202, responses=_FULL, openapi_extra=_BODY)
async def submit(request: Request, response: Response, jobs: Jobs, idempotency_key: IdempotencyKey = None) -> Job:
    """Train one of the toy GANs, on toy data or on your own points. The answer comes at once, the training goes on.

    Own points come in the body, or as a file: `curl -F 'job={"model":"wgan_gp"}' -F data=@points.csv`.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        job, table = await jobs.heavily(_parsed, JobRequest, await request.body()), None
    elif kind == "multipart/form-data":
        job, table = await _uploaded(request, jobs)
    else:
        raise HTTPException(415, f"expected application/json or multipart/form-data, got {kind or 'none'}")
    row = await jobs.heavily(jobs.submit, job, table, idempotency_key)
    return await run_in_threadpool(_accepted, jobs, row["id"], response)


def _parsed(model: type[_T], text: bytes | str) -> _T:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        if error.error_count() > _MAX_MISTAKES:
            raise HTTPException(422, f"expected a job, got a body with {error.error_count():,} mistakes") from None
        # Shown as FastAPI shows those of the bodies that it reads itself.
        errors = [
            {**item, "loc": ("body", *(part for part in item["loc"] if part not in DATA_TAGS))}
            for item in error.errors(include_url=False, include_context=False)
        ]
        raise RequestValidationError(errors) from None


async def _uploaded(request: Request, jobs: JobService) -> tuple[JobRequest, Table]:
    async with job_form(request) as (text, file):
        job = _job_in_form(text)
        if "data" in job.model_fields_set:
            raise HTTPException(422, "job.data: expected it in one place, the file; leave it out of job")
        return job, await jobs.heavily(_read_upload, file, jobs.settings.max_rows)


def _job_in_form(text: str) -> JobRequest:
    try:
        return _parsed(JobRequest, text)
    except RequestValidationError as error:
        if error.errors()[0]["type"] != "json_invalid":
            raise
        raise HTTPException(400, f'job: expected JSON such as {{"model":"wgan_gp"}}, got {short(repr(text))}') from None


def _read_upload(file: UploadFile, max_rows: int) -> Table:
    with tempfile.NamedTemporaryFile() as copy:
        while chunk := file.file.read(2**20):
            copy.write(chunk)
        copy.flush()
        return read_table(FilePath(copy.name), file.filename or "data", max_rows=max_rows)


class JobsQuery(BaseModel):
    """Which jobs."""

    model_config = ConfigDict(extra="forbid")

    status: list[State] = Field([], description="Only these; may be given several times.")
    limit: int = Field(20, ge=1, le=100, description="Jobs on a page.")
    after: str | None = Field(None, examples=["76cd927a59c4550b"], description="The `next` of the page before.")


@router.get("")
def list_jobs(query: Annotated[JobsQuery, Query()], jobs: Jobs) -> JobPage:
    """List the jobs, newest first."""
    with jobs.store() as store:
        rows = store.page(query.status, query.limit + 1, query.after)
        shown = rows[: query.limit]
        return JobPage(
            jobs=_views(store, shown),
            next=shown[-1]["id"] if len(rows) > len(shown) else None,
        )


@router.get("/{job_id}")
def show(job_id: JobId, jobs: Jobs) -> Job:
    """Show a job: where it stands, how fast it is, its last losses and figures."""
    return _look(jobs, job_id)


def _ask(wish: Wish, job_id: str, jobs: JobService, response: Response) -> Job:
    with jobs.store() as store:
        store.ask(job_id, wish)
    return _accepted(jobs, job_id, response)


@router.post("/{job_id}/cancel", status_code=202, responses=_CONFLICT)
def cancel(job_id: JobId, jobs: Jobs, response: Response) -> Job:
    """Cancel a job. It is `cancelling` until its process is gone; its last checkpoint is kept."""
    return _ask(Wish.CANCEL, job_id, jobs, response)


@router.post("/{job_id}/pause", status_code=202, responses=_CONFLICT)
def pause(job_id: JobId, jobs: Jobs, response: Response) -> Job:
    """Pause a job. It is `pausing` until it is saved, then `paused` until it is resumed."""
    return _ask(Wish.PAUSE, job_id, jobs, response)


@router.post("/{job_id}/resume", status_code=202, responses=_CONFLICT)
def resume(job_id: JobId, jobs: Jobs, response: Response) -> Job:
    """Go on with a paused job, exactly where it stopped."""
    return _ask(Wish.RESUME, job_id, jobs, response)


@router.post("/{job_id}/fork", status_code=202, responses=_CONFLICT | _FULL)
def fork(
    job_id: JobId, changes: ForkRequest, jobs: Jobs, response: Response, idempotency_key: IdempotencyKey = None
) -> Job:
    """Start a new job from a checkpoint of this one, with changed settings."""
    return _accepted(jobs, jobs.fork(job_id, changes, idempotency_key)["id"], response)


class EventsQuery(BaseModel):
    """Which events."""

    model_config = ConfigDict(extra="forbid")

    after: int | None = Field(
        None, ge=0, lt=2**63, examples=[42], description="The last event that you have; the header Last-Event-ID wins."
    )


@router.get(
    "/{job_id}/events",
    response_model=Events,
    responses={
        200: {
            "description": "Server-sent events, or with `Accept: application/json` those there are by now.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "The job has ended and you have all its events."},
    },
)
async def events(
    job_id: JobId,
    query: Annotated[EventsQuery, Query()],
    request: Request,
    jobs: Jobs,
    last_event_id: Annotated[str | None, Header(examples=["42"], description="The last event that you have.")] = None,
) -> Any:
    """Follow a job until it has ended.

    The events: `state`, `phase` (what it is at while it runs), `data` (the real examples), `progress`, `snapshot`, and
    `warnings` (what keeps it from learning from then on; none where that is over).

    A client that comes back with `Last-Event-ID` gets what it missed, nothing twice.
    """
    after = _last_event(last_event_id, query.after)

    job = await run_in_threadpool(_row, jobs, job_id)
    if after > job["last_event"]:
        raise HTTPException(422, f"expected an event that there is, at most {job['last_event']}, got {after}")
    if prefers(request.headers.get("accept", ""), "application/json", "text/event-stream"):
        text = await run_in_threadpool(jobs.events_text, job, after, _EVENTS_AT_ONCE)
        return Response(text, media_type="application/json", headers={"Cache-Control": "no-store"})
    if State(job["state"]).ended and after == job["last_event"]:
        return Response(status_code=204)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if request.scope.get("head"):
        return Response(headers=headers, media_type="text/event-stream")
    return StreamingResponse(stream(jobs, job, after), media_type="text/event-stream", headers=headers)


def _row(jobs: JobService, job_id: str) -> Any:
    with jobs.store() as store:
        return store.get(job_id)


def _last_event(header: str | None, after: int | None) -> int:
    if header is None:
        return after or 0
    if not header.isascii() or not header.isdigit() or len(header) > 18:
        raise HTTPException(422, f"Last-Event-ID: expected the id of an event, a whole number, got {header[:80]!r}")
    return int(header)


class FormatQuery(BaseModel):
    """In which form."""

    model_config = ConfigDict(extra="forbid")

    format: Literal["json", "csv"] | None = Field(
        None, examples=["csv"], description="Left out, the header Accept decides."
    )


@router.get(
    "/{job_id}/history",
    responses={200: {"description": "One value a step.", "content": {"text/csv": {}, "application/json": {}}}},
)
async def history(job_id: JobId, query: Annotated[FormatQuery, Query()], request: Request, jobs: Jobs) -> Response:
    """Give the losses of every step, as JSON or CSV."""
    form = _as(query.format, request, "csv", "json")
    text = await jobs.heavily(_history, jobs, job_id, form)
    return Response(text, media_type="text/csv" if form == "csv" else "application/json")


def _history(jobs: JobService, job_id: str, form: str) -> str:
    with jobs.store() as store:
        job = store.get(job_id)
        losses = store.losses_of(job)
    names = LOSS_NAMES[job["specification"]["model"]]
    first = job["first_step"]
    if form == "csv":
        rows = np.column_stack([np.arange(first + 1, first + 1 + len(losses)), losses.astype(np.float64)])
        text = io.StringIO()
        np.savetxt(text, rows, ["%d"] + ["%.9g"] * len(names), ",", header=",".join(("step", *names)), comments="")
        return text.getvalue()
    values = (f'"{name}":{sampling.as_json(column)}' for name, column in zip(names, losses.T, strict=True))
    return f'{{"first_step":{first},"losses":{{{",".join(values)}}}}}'


def _as(wanted: str | None, request: Request, *known: str) -> str:
    """Return the form that the query names, or that the Accept header likes better than the last one."""
    types = {"csv": "text/csv", "json": "application/json", "npy": "application/octet-stream"}
    accept = request.headers.get("accept", "")
    return wanted or next((form for form in known[:-1] if prefers(accept, types[form], types[known[-1]])), known[-1])


class PictureQuery(BaseModel):
    """Which picture."""

    model_config = ConfigDict(extra="forbid")

    step: int | None = Field(None, ge=0, examples=[800], description="Of a snapshot; the newest by default.")
    size: int = Field(900, ge=300, le=2_000, description="Width, in pixels.")


@router.get(
    "/{job_id}/picture.png",
    response_class=Response,
    responses=_CONFLICT | {200: {"description": "The job in one picture.", "content": {"image/png": {}}}},
)
async def picture(job_id: JobId, query: Annotated[PictureQuery, Query()], jobs: Jobs) -> Response:
    """Draw real and generated points, the discriminator and the losses, as the exercise does."""
    drawn = await jobs.heavily(jobs.picture, job_id, query.step, query.size)
    return Response(drawn, media_type="image/png", headers={"Cache-Control": "no-store"})


class SamplesQuery(BaseModel):
    """How many samples, and how."""

    model_config = ConfigDict(extra="forbid")

    count: int = Field(500, ge=1, le=_MAX_SAMPLES, description="How many samples.")
    seed: int | None = Field(None, ge=0, le=MAX_SEED, examples=[0], description="Makes them repeatable.")
    format: Literal["json", "csv", "npy"] | None = Field(
        None, examples=["csv"], description="Left out, the header Accept decides."
    )


@router.get(
    "/{job_id}/samples",
    response_class=Response,
    responses=_CONFLICT
    | {
        200: {
            "description": "One row a sample.",
            "content": {"application/json": {}, "text/csv": {}, "application/octet-stream": {}},
        }
    },
)
async def samples(job_id: JobId, query: Annotated[SamplesQuery, Query()], request: Request, jobs: Jobs) -> Response:
    """Draw fresh samples from the trained generator."""
    seed = secrets.randbelow(MAX_SEED + 1) if query.seed is None else query.seed
    form = _as(query.format, request, "csv", "npy", "json")
    body = await jobs.heavily(_samples, jobs, job_id, query.count, seed, form)
    media_type = {"csv": "text/csv", "npy": "application/octet-stream", "json": "application/json"}[form]
    return Response(body, media_type=media_type, headers={"X-Seed": str(seed), "Cache-Control": "no-store"})


def _samples(jobs: JobService, job_id: str, count: int, seed: int, form: str) -> bytes | str:
    drawn = jobs.samples(job_id, count, seed)
    if form == "csv":
        return sampling.as_csv(drawn)
    if form == "npy":
        return sampling.as_npy(drawn.points)
    return f'{{"seed":{seed},"samples":{sampling.as_json(drawn.points, drawn.formats)}}}'


@router.get(
    "/{job_id}/weights",
    response_class=Response,
    responses=_CONFLICT | {200: {"description": "A zip.", "content": {"application/zip": {}}}},
)
async def weights(job_id: JobId, jobs: Jobs) -> Response:
    """Take the networks away: `generator.h5` and `discriminator.h5`, which plain Keras loads, and `job.json`.

    They are those of `weights_step`: networks are written whenever the training stops.
    """
    archive = await jobs.heavily(jobs.archive, job_id)
    headers = {"Content-Disposition": f'attachment; filename="job-{job_id}.zip"'}
    return Response(archive, media_type="application/zip", headers=headers)


@router.delete("/{job_id}", status_code=204, responses=_CONFLICT)
def delete(job_id: JobId, jobs: Jobs) -> None:
    """Forget a job that has ended, and its files."""
    jobs.delete(job_id)
