"""Every error leaves as one problem+json body (RFC 9457); only this module knows how errors map to status codes."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from app.schemas import FieldError, Problem

_log = logging.getLogger("nobody")

#: For OpenAPI: what any operation may answer besides its success.
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "description": "The request was refused; `detail` says what was expected.",
        "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
    }
}


class NotReadyError(Exception):
    """The service has started and cannot answer yet."""


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of ``app`` answer as problem+json."""
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(NotReadyError, _not_ready)
    app.add_exception_handler(Exception, _unexpected)


def _problem(
    status: int,
    detail: str,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors)
    return JSONResponse(
        problem.model_dump(exclude_none=True), status, dict(headers or {}), media_type="application/problem+json"
    )


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [_field_error(item) for item in error.errors()]
    return _problem(422, "; ".join(f"{item.field}: {item.message}" for item in errors[:5]), errors)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    field = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "there is no such parameter here; /docs lists those that there are"
    given = item.get("input")
    if isinstance(given, str | int | float):
        shown = repr(given)
        message += f", got {shown if len(shown) <= 80 else shown[:77] + '...'}"
    return FieldError(field=field, message=message)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail = error.detail
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"there is nothing at {request.url.path}; /docs lists what there is"
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "another method")
        detail = f"expected {allowed} for {request.url.path}, got {request.method}"
    return _problem(error.status_code, detail, headers=error.headers)


async def _not_ready(request: Request, error: Exception) -> JSONResponse:
    return _problem(503, str(error), headers={"Retry-After": "1"})


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # Starlette logs the traceback; the client learns only that it was not its fault.
    return _problem(500, "the service failed to answer this request; the reason is in its log")
