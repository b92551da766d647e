"""What the attack on the API checks on every answer, beside what schemathesis checks; loaded by schemathesis."""

from typing import Any

import schemathesis
from schemathesis import Case, CheckContext, Response

_MEMBERS = {"type", "title", "status", "detail", "errors", "request_id"}


@schemathesis.check
def one_error_shape(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Every error is a problem (RFC 9457) that says what was expected, without a traceback or a path of the server."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    assert response.headers["content-type"] == ["application/problem+json"], response.headers["content-type"]
    problem = response.json()
    assert set(problem) <= _MEMBERS, f"unknown members {set(problem) - _MEMBERS}"
    assert problem["status"] == response.status_code
    assert problem["title"]
    assert len(problem["detail"]) > 10, problem["detail"]
    assert "Traceback" not in problem["detail"]
    assert ".py" not in problem["detail"]


@schemathesis.check
def safe_headers(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Every answer has the headers that protect browsers, and its request's id."""
    for name in ("x-content-type-options", "content-security-policy", "referrer-policy", "permissions-policy"):
        assert name in response.headers, f"no {name}"
    assert "server" not in response.headers
