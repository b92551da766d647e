"""Interpolation between two faces, as a strip or as an animation."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Response

from app.faces import imaging
from app.faces.imaging import MEDIA_TYPES, Grey
from app.faces.latents import latents_of_seeds, walk
from app.web.caching import Caching
from app.web.dependencies import Draw
from app.web.routes.rendering import drawn, picture_response
from app.web.schemas.faces import InterpolateQuery

router = APIRouter(tags=["faces"])

_MEDIA_TYPES = [MEDIA_TYPES[file_format] for file_format in ("png", "gif", "webp", "apng")]


def _draw(faces: Grey, query: InterpolateQuery) -> bytes:
    if query.format == "png":
        return imaging.sheet_png(faces, query.size, query.resample, columns=len(faces))
    return imaging.animation(imaging.enlarge(faces, query.size, query.resample), query.format, query.fps)


@router.get(
    "/interpolate",
    response_class=Response,
    responses=picture_response("The walk from one face to the other.", *_MEDIA_TYPES, seeded=False),
    summary="Interpolate between two faces",
)
async def interpolate(query: Annotated[InterpolateQuery, Query()], draw: Draw, caching: Caching) -> Response:
    """Return the faces on the way from one seed to another, both ends included."""
    headers = caching(query.weights, True)
    start, end = latents_of_seeds([query.start, query.end]) * np.float32(query.truncation)
    faces = await draw(walk(start, end, query.steps, query.path))
    body = await drawn(lambda: _draw(faces, query), query.steps * query.size**2)
    return Response(body, media_type=MEDIA_TYPES[query.format], headers=headers)
