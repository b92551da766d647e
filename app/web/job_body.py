"""The body of ``POST /jobs``: JSON, or a form of JSON and a file of examples."""

import logging
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from app.jobs.service.csv_cells import short
from app.jobs.service.database import JobDatabase
from app.jobs.service.examples import Table
from app.jobs.service.uploads import read_table
from app.jobs.specification import DATA_TAGS, JobRequest
from app.web.openapi import inlined_schema

#: A body with more mistakes is refused without a list of them.
_MAX_MISTAKES = 100
#: More parts than a form should have, so that an error can name those that are too many.
_MAX_PARTS = 20
_MAX_FIELD = 2**20
_EXPECTED = (
    "expected one field job with the JSON and one file data (CSV, .npy or a picture), as curl sends with "
    """-F 'job={"model":"wgan_gp"}' -F data=@points.csv"""
)

# Its warnings are about the client's input; clients get an answer, and could fill the log.
logging.getLogger("python_multipart").setLevel(logging.ERROR)

_FORM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["job", "data"],
    "properties": {
        "job": {"type": "string", "description": "The JSON body, without `data`."},
        "data": {
            "type": "string",
            "format": "binary",
            "description": "A CSV or .npy file of rows, or a picture (PNG, JPEG, WebP, GIF, BMP): points lie where it "
            "is dark. The name of the file, without its ending, is `data.name`.",
        },
    },
}

_FILE_SCHEMA = {
    "type": "object",
    "required": ["data"],
    "properties": {"data": _FORM_SCHEMA["properties"]["data"]},
}

#: For OpenAPI.
FILE_BODY = {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FILE_SCHEMA}}}}
JOB_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": inlined_schema(JobRequest)},
            "multipart/form-data": {"schema": _FORM_SCHEMA},
        },
    }
}


async def read_job(request: Request, jobs: JobDatabase) -> tuple[JobRequest, Table | None]:
    """Return the job of a request and, if it came with a file, the examples.

    Raises:
        HTTPException: the body is of another type, or the form is not as expected.
        RequestValidationError: the JSON is not a job.
        UploadError: the file has no examples.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return await jobs.submissions.run(_parsed, await request.body()), None
    if kind != "multipart/form-data":
        raise HTTPException(415, f"expected application/json or multipart/form-data, got {kind or 'none'}")
    form = await _form(request)
    try:
        text, file = _parts(form.multi_items())
        job = _job_in_form(text)
        if "data" in job.model_fields_set:
            raise HTTPException(422, "job.data: expected it in one place, the file; leave it out of job")
        return job, await jobs.submissions.run(_read_upload, file, jobs.settings.max_rows, job.seed)
    finally:
        await form.close()


async def read_file(request: Request, jobs: JobDatabase) -> Table:
    """Return the examples of a form with one file, ``data``.

    Raises:
        HTTPException: the form is not as expected.
        UploadError: the file has no examples.
    """
    form = await _form(request)
    try:
        items = form.multi_items()
        if len(items) != 1 or items[0][0] != "data" or isinstance(items[0][1], str):
            raise HTTPException(422, "expected a form with one file data and nothing else: curl -F data=@points.csv")
        return await jobs.submissions.run(_read_upload, items[0][1], jobs.settings.max_rows, 0)
    finally:
        await form.close()


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


def _read_upload(file: UploadFile, max_rows: int, seed: int) -> Table:
    with tempfile.TemporaryFile() as copy:  # has no name: nothing is left of it if this process is killed
        while chunk := file.file.read(2**20):
            copy.write(chunk)
        copy.flush()
        return read_table(Path(f"/proc/self/fd/{copy.fileno()}"), file.filename or "", max_rows=max_rows, seed=seed)


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=_MAX_PARTS, max_fields=_MAX_PARTS, max_part_size=_MAX_FIELD)
    except HTTPException as error:
        raise HTTPException(error.status_code, f"{_EXPECTED}; {error.detail}") from None


def _parts(items: Sequence[tuple[str, UploadFile | str]]) -> tuple[str, UploadFile]:
    """Return the JSON of the job and the file of its examples.

    Raises:
        HTTPException: the form has other parts; the message names them.
    """
    counts = Counter(name for name, _ in items)
    for name, count in counts.items():
        if name not in ("job", "data"):
            raise _refusal(f"{short(name)!r} as well; settings stand in the JSON of job")
        if count > 1:
            raise _refusal(f"{name} {count} times")
    form = dict(items)
    for name in ("job", "data"):
        if name not in form:
            raise _refusal(f"no {name}")
    text, file = form["job"], form["data"]
    if not isinstance(text, str):
        raise _refusal("job as a file; with curl, -F 'job=<job.json' reads a field from a file")
    if isinstance(file, str):
        raise _refusal("data as text; with curl, the name of a file begins with @")
    return text, file


def _refusal(got: str) -> HTTPException:
    return HTTPException(422, f"{_EXPECTED}; got {got}")
