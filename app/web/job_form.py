"""The form that carries a job and its file: one field ``job``, one file ``data``."""

import logging
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

#: More parts than a form should have, so that an error can name those that are too many.
_MAX_PARTS = 20
_MAX_FIELD = 2**20
_EXPECTED = (
    "expected one field job with the JSON and one file data (CSV or .npy), as curl sends with "
    """-F 'job={"model":"wgan_gp"}' -F data=@points.csv"""
)


# Its warnings are about the client's input; clients get an answer, and could fill the log.
logging.getLogger("python_multipart").setLevel(logging.ERROR)


@asynccontextmanager
async def job_form(request: Request) -> AsyncIterator[tuple[str, UploadFile]]:
    """Yield the JSON of the job and the file of its examples.

    Raises:
        HTTPException: the form has other parts; the message names them.
    """
    try:
        form = await request.form(max_files=_MAX_PARTS, max_fields=_MAX_PARTS, max_part_size=_MAX_FIELD)
    except HTTPException as error:
        raise HTTPException(error.status_code, f"{_EXPECTED}; {error.detail}") from None
    try:
        yield _parts(form.multi_items())
    finally:
        await form.close()


def _parts(items: Sequence[tuple[str, UploadFile | str]]) -> tuple[str, UploadFile]:
    counts = Counter(name for name, _ in items)
    for name, count in counts.items():
        if name not in ("job", "data"):
            raise _refusal(f"{_short(name)} as well; settings stand in the JSON of job")
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


def _short(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:37] + "...")
