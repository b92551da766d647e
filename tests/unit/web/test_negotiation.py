"""The header Accept chooses among the formats that a route offers."""

import pytest
from fastapi import Request

from app.web.negotiation import preferred

FORMATS = {"json": "application/json", "csv": "text/csv", "npy": "application/octet-stream"}


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/*", "json"),
        ("image/png", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV ; Q=0.1", "csv"),
        ("text/csv, application/json", "json"),
        ("text/csv, application/octet-stream", "csv"),
        ("text/csv;q=0.5, application/octet-stream", "npy"),
        ("text/csv;q=0.5, application/json;q=0.4", "csv"),
        ("text/csv;q=0.4;header=present, application/json;q=0.5", "json"),
        ("text/csv;q=0", "json"),
        ("text/csv;q=much", "json"),
        ("text/csv;q=nan", "json"),
        (";;,,q=1", "json"),
    ],
)
def test_the_format_of_the_highest_quality_is_chosen(accept: str, chosen: str) -> None:
    request = Request({"type": "http", "headers": [(b"accept", accept.encode())]})
    assert preferred(request, FORMATS) == chosen
