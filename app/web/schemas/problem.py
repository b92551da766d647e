"""The body of every error."""

from collections.abc import Sequence

from pydantic import BaseModel, Field


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What was expected, what was given, what to do.")
    errors: Sequence[FieldError] | None = Field(None, description="One entry for each field that is wrong.")
    request_id: str | None = Field(
        None, description="Id of the request, as in the header `X-Request-Id`; it also stands in the service's log."
    )
