"""The results of a training job: losses, pictures, samples, networks."""

import secrets
import threading
from typing import Annotated, get_args

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.faces.imaging import MEDIA_TYPES
from app.jobs.service import results, scripts
from app.jobs.service.pictures import FilmFormat
from app.jobs.service.results import SamplesFormat, TableFormat
from app.jobs.service.scripts import ScriptFormat
from app.jobs.specification import MAX_SEED
from app.web.caching import NO_STORE
from app.web.dependencies import Jobs, while_connected
from app.web.negotiation import preferred
from app.web.routes.jobs import CONFLICT
from app.web.schemas.jobs import FilmQuery, HistoryQuery, JobId, JobSamplesQuery, PictureQuery, ScriptQuery

router = APIRouter(prefix="/jobs", tags=["jobs"])

_HISTORY_TYPES: dict[TableFormat, str] = {"json": "application/json", "csv": "text/csv"}
_SAMPLES_TYPES: dict[SamplesFormat, str] = {
    "json": "application/json",
    "csv": "text/csv",
    "npy": "application/octet-stream",
}
_SCRIPT_TYPES: dict[ScriptFormat, str] = {"python": "text/x-python", "curl": "text/x-shellscript"}


@router.get(
    "/{job_id}/history",
    responses={200: {"description": "One value per step.", "content": {"text/csv": {}, "application/json": {}}}},
    summary="Get the losses of all steps",
)
async def history(job_id: JobId, query: Annotated[HistoryQuery, Query()], request: Request, jobs: Jobs) -> Response:
    """Return the losses of every step, as JSON or CSV."""
    form = query.format or preferred(request, _HISTORY_TYPES)
    pieces = await jobs.results.run(results.history, jobs, job_id, form)
    return StreamingResponse(jobs.results.pieces(pieces), media_type=_HISTORY_TYPES[form])


@router.get(
    "/{job_id}/picture.png",
    response_class=Response,
    responses=CONFLICT | {200: {"description": "The job in one picture.", "content": {"image/png": {}}}},
    summary="Get the picture of a job",
)
async def picture(job_id: JobId, query: Annotated[PictureQuery, Query()], jobs: Jobs) -> Response:
    """Draw real and generated points, the discriminator and the losses, as the exercise does."""
    png = await jobs.results.run(results.picture, jobs, job_id, query.step, query.size)
    return Response(png, media_type="image/png", headers=NO_STORE)


@router.get(
    "/{job_id}/film",
    response_class=Response,
    responses=CONFLICT
    | {
        200: {
            "description": "The animation.",
            "content": {MEDIA_TYPES[form]: {} for form in get_args(FilmFormat)},
        }
    },
    summary="Get the film of a job",
)
async def film(job_id: JobId, query: Annotated[FilmQuery, Query()], request: Request, jobs: Jobs) -> Response:
    """Draw the pictures of a job's snapshots as an animation, up to 100 of them, evenly chosen. It plays for ever.

    A running job is shown up to its last snapshot. Films are drawn one after the other, which takes seconds.
    """
    gone = threading.Event()
    drawn = jobs.films.run(results.film, jobs, job_id, query.format, query.size, query.fps, gone)
    try:
        body = await while_connected(request, drawn)
    finally:
        gone.set()
    return Response(body, media_type=MEDIA_TYPES[query.format], headers=NO_STORE)


@router.get(
    "/{job_id}/samples",
    response_class=Response,
    responses=CONFLICT
    | {
        200: {
            "description": "One row per sample.",
            "content": {"application/json": {}, "text/csv": {}, "application/octet-stream": {}},
        }
    },
    summary="Sample the job's generator",
)
async def samples(job_id: JobId, query: Annotated[JobSamplesQuery, Query()], request: Request, jobs: Jobs) -> Response:
    """Draw fresh samples from the trained generator."""
    seed = secrets.randbelow(MAX_SEED + 1) if query.seed is None else query.seed
    form = query.format or preferred(request, _SAMPLES_TYPES)
    pieces = await jobs.results.run(results.samples, jobs, job_id, query.count, seed, form)
    headers = {"X-Seed": str(seed), **NO_STORE}
    return StreamingResponse(jobs.results.pieces(pieces), media_type=_SAMPLES_TYPES[form], headers=headers)


@router.get(
    "/{job_id}/points",
    response_class=Response,
    responses=CONFLICT
    | {200: {"description": "A `.npy` of float32, one row per example.", "content": {"application/octet-stream": {}}}},
    summary="Download the job's own points",
)
async def points(job_id: JobId, jobs: Jobs) -> Response:
    """Download the points that came with the job, as its networks get them: scaled to 0 … 1.

    `data.transform` of the job maps them to your units. Toy distributions are drawn by `models.toys.datasets.make`.
    """
    size, pieces = await jobs.results.run(results.points, jobs, job_id)
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="job-{job_id}-points.npy"',
    }
    return StreamingResponse(jobs.results.pieces(pieces), media_type="application/octet-stream", headers=headers)


@router.get(
    "/{job_id}/script",
    response_class=Response,
    responses=CONFLICT
    | {200: {"description": "The program.", "content": {kind: {} for kind in _SCRIPT_TYPES.values()}}},
    summary="Get a job as a script",
)
async def script(job_id: JobId, query: Annotated[ScriptQuery, Query()], request: Request, jobs: Jobs) -> Response:
    """Return a program that trains the job anew, to the same losses.

    A Python script on `models`, which needs no service, or a `curl` command. The script of a fork is the command only:
    it starts from the weights of another job.
    """
    address = str(request.base_url).rstrip("/")
    text = await jobs.results.run(scripts.script, jobs, job_id, query.format, address)
    return Response(text, media_type=_SCRIPT_TYPES[query.format])


@router.get(
    "/{job_id}/weights",
    response_class=Response,
    responses=CONFLICT | {200: {"description": "A zip.", "content": {"application/zip": {}}}},
    summary="Download the networks",
)
async def weights(job_id: JobId, jobs: Jobs) -> Response:
    """Download the networks: `generator.h5` and `discriminator.h5`, which plain Keras loads, and `job.json`.

    They are those of `weights_step`: the networks are written whenever the training stops.
    """
    pieces = await jobs.results.run(results.networks, jobs, job_id)
    headers = {"Content-Disposition": f'attachment; filename="job-{job_id}.zip"'}
    return StreamingResponse(jobs.results.pieces(pieces), media_type="application/zip", headers=headers)
