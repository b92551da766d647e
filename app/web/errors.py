"""Every error is answered as problem+json (RFC 9457); this module alone maps exceptions to status codes."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from app import logs
from app.faces.engine import FacesUnavailableError
from app.jobs.errors import (
    DiskFullError,
    IdempotencyError,
    JobsUnavailableError,
    NeedsKeyError,
    NoTrainingError,
    NotThereError,
    QueueFullError,
    QuotaError,
    UnknownJobError,
    UnknownKeyError,
    UploadError,
    is_disk_full,
)
from app.jobs.limits import LimitError
from app.jobs.states import TransitionError
from app.pools import BusyError
from app.web.caching import NotModifiedError
from app.web.openapi import inlined_schema
from app.web.protection import ALL_SAFE_HEADERS
from app.web.public import PUBLIC_HEADERS, is_public
from app.web.schemas.problem import FieldError, Problem

_PROBLEM_CONTENT = {"application/problem+json": {"schema": inlined_schema(Problem)}}


def problem_response(status: int | str, description: str) -> dict[int | str, dict[str, Any]]:
    """Describe an error answer for OpenAPI."""
    return {status: {"description": description, "content": _PROBLEM_CONTENT}}


#: FastAPI's message for a body that is not text, or has numbers that are too long for Python.
_UNREADABLE = "There was an error parsing the body"
_NO_JSON = "expected a body of JSON, and could not read it as such"

#: Wrong fields that one answer lists.
_MAX_ERRORS = 20


#: The status of a request whose client has disconnected, as nginx logs it; nobody receives it.
GONE = 499


class ClientGoneError(Exception):
    """The client has disconnected."""


class RateError(Exception):
    """A client has used all that it may of a rate.

    Args:
        name: of what is counted.
        a_minute: how much a client may.
        seconds: after which it may go on.
    """

    def __init__(self, name: str, a_minute: int, seconds: int) -> None:
        super().__init__(
            f"expected at most {a_minute:,} {name} a minute of one client, and this one has used them; try again in "
            f"{seconds} s"
        )
        #: As RFC 9110 and the IETF's draft of RateLimit headers have them.
        self.headers = {
            "Retry-After": str(seconds),
            "RateLimit-Policy": f'"{name}";q={a_minute};w=60',
            "RateLimit": f'"{name}";r=0;t={seconds}',
        }


#: For the errors of jobs: the status and the headers.
_REFUSALS: dict[type[Exception], tuple[int, dict[str, str]]] = {
    NeedsKeyError: (401, {"WWW-Authenticate": 'Bearer realm="nobody"'}),
    UnknownKeyError: (401, {"WWW-Authenticate": 'Bearer realm="nobody", error="invalid_token"'}),
    UnknownJobError: (404, {}),
    NotThereError: (409, {}),
    TransitionError: (409, {}),
    IdempotencyError: (422, {}),
    LimitError: (422, {}),
    UploadError: (422, {}),
    QueueFullError: (429, {"Retry-After": "10"}),
    QuotaError: (429, {}),
    DiskFullError: (507, {"Retry-After": "60"}),
    NoTrainingError: (501, {}),
    JobsUnavailableError: (503, {"Retry-After": "5"}),
    BusyError: (503, {"Retry-After": "3"}),
}


def problem(
    status: int,
    detail: str,
    errors: Sequence[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an error answer."""
    title = HTTPStatus(status).phrase
    body = Problem(title=title, status=status, detail=detail, errors=errors, request_id=logs.request_id())
    return JSONResponse(
        body.model_dump(exclude_none=True), status, dict(headers or {}), media_type="application/problem+json"
    )


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if error.errors()[0]["type"] == "json_invalid":
        return problem(400, _NO_JSON)
    kind = request.headers.get("content-type", "none")
    if error.body is not None and not isinstance(error.body, dict | list) and "json" not in kind:
        return problem(415, f"expected the header Content-Type: application/json, got {kind}")
    errors = [_field_error(item) for item in error.errors()[:_MAX_ERRORS]]
    return problem(422, "; ".join(f"{item.field}: {item.message}" for item in errors[:5]), errors)


def _field_error(item: Mapping[str, Any]) -> FieldError:
    field = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        message = "there is no such parameter here; /docs lists those that there are"
    given = item.get("input")
    if isinstance(given, str | int | float) and (item["type"] != "value_error" or ", got " not in message):
        shown = repr(given)
        message = message.partition(", got ")[0]  # pydantic: "a valid integer, got a number with a fractional part"
        message += f", got {shown if len(shown) <= 80 else shown[:77] + '...'}"
    return FieldError(field=field, message=message)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail, headers = error.detail, dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = f"there is nothing at {request.url.path}; /docs lists what there is"
    elif detail == _UNREADABLE:
        detail = _NO_JSON
    elif error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allowed_methods(request) or headers.get("Allow", "")
        detail = f"expected {headers['Allow']} for {request.url.path}, got {request.method}"
    return problem(error.status_code, detail, headers=headers)


def _allowed_methods(request: Request) -> str:
    """List the methods of this path; Starlette lists only those of the first route that matches the path.

    Where a route has exactly this path, as ``/jobs/check``, those with a variable in it, as ``/jobs/{job_id}``, do not
    count.
    """
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    routers = [getattr(route, "original_router", None) for route in request.app.routes]
    exact = [route for router in filter(None, routers) for route in router.routes if route.path == path]
    routes = exact or request.app.routes
    allowed = [
        method
        for method in ("DELETE", "GET", "PATCH", "POST", "PUT")
        if any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in routes)
    ]
    return ", ".join(sorted(allowed + ["HEAD"] * ("GET" in allowed)))


async def _no_faces(request: Request, error: Exception) -> JSONResponse:
    return problem(503, "the service cannot draw faces now; try again in a few seconds", headers={"Retry-After": "5"})


async def _refusal(request: Request, error: Exception) -> JSONResponse:
    status, headers = next(answer for kind, answer in _REFUSALS.items() if isinstance(error, kind))
    if isinstance(error, QuotaError) and error.retry_seconds is not None:
        headers = {"Retry-After": str(error.retry_seconds)}
    return problem(status, str(error), headers=headers)


def rate_problem(error: RateError) -> JSONResponse:
    """Return the answer to a request beyond a rate."""
    return problem(429, str(error), headers=error.headers)


async def _too_often(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RateError)
    return rate_problem(error)


async def _of_the_system(request: Request, error: Exception) -> JSONResponse:
    if not is_disk_full(error):
        raise error
    return await _refusal(request, DiskFullError())  # while an upload was received


async def _not_modified(request: Request, error: Exception) -> Response:
    return Response(status_code=304, headers=error.args[0])


async def _client_gone(request: Request, error: Exception) -> Response:
    return Response(status_code=GONE)


def unexpected(path: str) -> JSONResponse:
    """Return the answer to a request for a path whose handling has failed.

    It is sent outside of the middleware that adds the headers of public answers.
    """
    headers = PUBLIC_HEADERS if is_public(path) else None
    return problem(500, "the service failed to answer this request; the reason is in its log", headers=headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # A fault outside of app.web.observing, which the server logs. No middleware can add headers to this answer.
    answer = unexpected(request.url.path)
    answer.headers.update(ALL_SAFE_HEADERS)
    return answer


#: For FastAPI: how each error is answered.
ERROR_HANDLERS: dict[int | type[Exception], Any] = {
    RequestValidationError: _invalid_request,
    HTTPException: _http_error,
    NotModifiedError: _not_modified,
    ClientGoneError: _client_gone,
    ClientDisconnect: _client_gone,
    FacesUnavailableError: _no_faces,
    RateError: _too_often,
    OSError: _of_the_system,
    **dict.fromkeys(_REFUSALS, _refusal),
    Exception: _unexpected,
}
