"""Content negotiation: the header ``Accept`` chooses among the formats that a route offers."""

from collections.abc import Mapping
from typing import TypeVar

from fastapi import Request

Name = TypeVar("Name", bound=str)


def preferred(request: Request, media_types: Mapping[Name, str]) -> Name:
    """Return the format whose media type the request's Accept header rates highest; among equals, the first one.

    Only exact media types count: ``*/*`` and ``text/*`` choose the first format.
    """
    quality = dict.fromkeys(media_types.values(), 0.0)
    for part in request.headers.get("accept", "").lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if media_type in quality:
            quality[media_type] = _quality(parameters)
    return max(media_types, key=lambda name: quality[media_types[name]])


def _quality(parameters: list[str]) -> float:
    """Return the number after ``q=``: 1 if there is no ``q=``, 0 if it is followed by something else."""
    given = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return float(given)
    except ValueError:
        return 0.0
