"""Training jobs: submit, list, show, steer, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.jobs.service import manage
from app.jobs.service import submit as submission
from app.jobs.service.previews import Estimate, Preview, estimate, preview
from app.jobs.service.views import DeletedJobs, Job, JobPage
from app.jobs.specification import ForkRequest, RenameRequest, StepRequest
from app.jobs.states import Action
from app.web.dependencies import Jobs
from app.web.errors import problem_response
from app.web.job_body import FILE_BODY, JOB_BODY, read_file, read_job
from app.web.schemas.jobs import DeleteQuery, IdempotencyKey, JobId, JobsQuery, OutlineQuery

router = APIRouter(prefix="/jobs", tags=["jobs"])

CONFLICT = problem_response(409, "The job's state does not allow it; `detail` names the state.")
_FULL = problem_response(429, "The queue is full, or a quota of the key; `Retry-After` says when to try again.")


def _accepted(job: Job, response: Response) -> Job:
    response.headers["Location"] = f"/jobs/{job.id}"
    return job


@router.post("", status_code=202, responses=_FULL, openapi_extra=JOB_BODY, summary="Submit a job")
async def submit(request: Request, response: Response, jobs: Jobs, idempotency_key: IdempotencyKey = None) -> Job:
    """Train one of the toy GANs on toy data or on your own points. The answer comes before the training.

    Send your own points in the body, or as a file: `curl -F 'job={"model":"wgan_gp"}' -F data=@points.csv`.
    A picture is a file of points, too: up to 100,000 of them lie where it is dark. `{"job": "…"}` as `data` learns the
    data of another job.
    """
    job, table = await read_job(request, jobs)
    return _accepted(await jobs.submissions.run(submission.submit, jobs, job, table, idempotency_key), response)


@router.post("/data", openapi_extra=FILE_BODY, summary="Look at a file of points")
async def look_at_file(request: Request, jobs: Jobs) -> Preview:
    """Say what a job would learn from a file, and store nothing: `curl -F data=@points.csv`."""
    table = await read_file(request, jobs)
    return await jobs.submissions.run(preview, table)


@router.post("/check", openapi_extra=JOB_BODY, summary="Check a job")
async def check(request: Request, query: Annotated[OutlineQuery, Query()], jobs: Jobs) -> Estimate:
    """Say how large a job would be, or why it would be refused: the body is that of `POST /jobs`. Nothing is stored.

    Points that are not sent for that can be described by `rows` and `dimensions`.
    """
    job, table = await read_job(request, jobs)
    return await jobs.submissions.run(estimate, jobs, job, table, query.outline)


@router.get("", summary="List the jobs")
async def list_jobs(query: Annotated[JobsQuery, Query()], jobs: Jobs) -> JobPage:
    """List the jobs, newest first."""
    return await jobs.calls.run(manage.page, jobs, query.status, query.limit, query.after, query.owner, query.search)


@router.delete("", summary="Delete several jobs")
async def delete_all(query: Annotated[DeleteQuery, Query()], jobs: Jobs) -> DeletedJobs:
    """Delete all jobs of an owner, or those with these ids, as far as they have ended, and their files."""
    if query.owner is None:
        return DeletedJobs(deleted=await jobs.calls.run(manage.delete_each, jobs, query.id))
    return DeletedJobs(deleted=await jobs.calls.run(manage.delete_all, jobs, query.owner))


@router.get("/{job_id}", summary="Get a job")
async def show(job_id: JobId, jobs: Jobs) -> Job:
    """Show a job: its state, progress, speed, last losses and figures."""
    return await jobs.calls.run(manage.show, jobs, job_id)


@router.patch("/{job_id}", summary="Rename a job")
async def rename(job_id: JobId, wanted: RenameRequest, jobs: Jobs) -> Job:
    """Give a job another name, or none, in whatever state it is."""
    return await jobs.calls.run(manage.rename, jobs, job_id, wanted.name)


@router.post("/{job_id}/cancel", status_code=202, responses=CONFLICT, summary="Cancel a job")
async def cancel(job_id: JobId, jobs: Jobs, response: Response) -> Job:
    """Cancel a job. It is `cancelling` until its process has ended; its last checkpoint is kept."""
    return _accepted(await jobs.calls.run(manage.steer, jobs, job_id, Action.CANCEL), response)


@router.post("/{job_id}/pause", status_code=202, responses=CONFLICT, summary="Pause a job")
async def pause(job_id: JobId, jobs: Jobs, response: Response) -> Job:
    """Pause a job. It is `pausing` until it is saved, then `paused` until it is resumed."""
    return _accepted(await jobs.calls.run(manage.steer, jobs, job_id, Action.PAUSE), response)


@router.post("/{job_id}/resume", status_code=202, responses=CONFLICT, summary="Resume a job")
async def resume(job_id: JobId, jobs: Jobs, response: Response) -> Job:
    """Resume a paused job exactly where it stopped."""
    return _accepted(await jobs.calls.run(manage.steer, jobs, job_id, Action.RESUME), response)


@router.post("/{job_id}/step", status_code=202, responses=CONFLICT, summary="Train a paused job by single steps")
async def step(job_id: JobId, wanted: StepRequest, jobs: Jobs, response: Response) -> Job:
    """Train a paused job for some steps, or for half a step; then it is paused again. The numbers stay the same."""
    return _accepted(await jobs.calls.run(manage.steer, jobs, job_id, Action.STEP, wanted), response)


@router.post("/{job_id}/fork", status_code=202, responses=CONFLICT | _FULL, summary="Fork a job from a checkpoint")
async def fork(
    job_id: JobId, changes: ForkRequest, jobs: Jobs, response: Response, idempotency_key: IdempotencyKey = None
) -> Job:
    """Start a new job from a checkpoint of this one, with other settings."""
    return _accepted(await jobs.submissions.run(submission.fork, jobs, job_id, changes, idempotency_key), response)


@router.delete("/{job_id}", status_code=204, responses=CONFLICT, summary="Delete a job")
async def delete(job_id: JobId, jobs: Jobs) -> None:
    """Delete a job that has ended, and its files."""
    await jobs.calls.run(manage.delete, jobs, job_id)
