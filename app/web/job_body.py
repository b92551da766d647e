"""The body of ``POST /jobs``: JSON, or a form of JSON and a file of examples."""

import tempfile
from pathlib import Path

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.jobs.service.csv_cells import short
from app.jobs.service.database import JobDatabase
from app.jobs.service.examples import Table
from app.jobs.service.uploads import read_table
from app.jobs.specification import DATA_TAGS, JobRequest
from app.web.job_form import job_form
from app.web.openapi import inlined_schema

#: A body with more mistakes is refused without a list of them.
_MAX_MISTAKES = 100


async def read_job(request: Request, jobs: JobDatabase) -> tuple[JobRequest, Table | None]:
    """Return the job of a request and, if it came with a file, the examples.

    Raises:
        HTTPException: the body is of another type, or the form is not as expected.
        RequestValidationError: the JSON is not a job.
        UploadError: the file has no examples.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return await jobs.run_in_pool(_parsed, await request.body()), None
    if kind != "multipart/form-data":
        raise HTTPException(415, f"expected application/json or multipart/form-data, got {kind or 'none'}")
    async with job_form(request) as (text, file):
        job = _job_in_form(text)
        if "data" in job.model_fields_set:
            raise HTTPException(422, "job.data: expected it in one place, the file; leave it out of job")
        return job, await jobs.run_in_pool(_read_upload, file, jobs.settings.max_rows)


def _parsed(text: bytes | str) -> JobRequest:
    try:
        return JobRequest.model_validate_json(text)
    except ValidationError as error:
        if error.error_count() > _MAX_MISTAKES:
            raise HTTPException(422, f"expected a job, got a body with {error.error_count():,} mistakes") from None
        # In the same form as the errors of bodies that FastAPI parses.
        errors = [
            {**item, "loc": ("body", *(part for part in item["loc"] if part not in DATA_TAGS))}
            for item in error.errors(include_url=False, include_context=False)
        ]
        raise RequestValidationError(errors) from None


def _job_in_form(text: str) -> JobRequest:
    try:
        return _parsed(text)
    except RequestValidationError as error:
        if error.errors()[0]["type"] != "json_invalid":
            raise
        raise HTTPException(400, f'job: expected JSON such as {{"model":"wgan_gp"}}, got {short(repr(text))}') from None


def _read_upload(file: UploadFile, max_rows: int) -> Table:
    with tempfile.NamedTemporaryFile() as copy:
        while chunk := file.file.read(2**20):
            copy.write(chunk)
        copy.flush()
        return read_table(Path(copy.name), file.filename or "data", max_rows=max_rows)


_FORM = {
    "type": "object",
    "required": ["job", "data"],
    "properties": {
        "job": {"type": "string", "description": "The JSON body, without `data`."},
        "data": {"type": "string", "format": "binary", "description": "A CSV or .npy file of rows."},
    },
}

#: For OpenAPI.
JOB_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": inlined_schema(JobRequest)},
            "multipart/form-data": {"schema": _FORM},
        },
    }
}
