"""Faces: single ones, sheets, the latent vectors behind them, avatars."""

from typing import Annotated, get_args

import numpy as np
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError
from starlette.convertors import PathConvertor, register_url_convertor

from app.faces import imaging
from app.faces.imaging import MEDIA_TYPES, PictureFormat
from app.faces.latents import MAX_SEED, latents_of_seeds, new_seed, seed_of_name
from app.web.caching import NOT_MODIFIED, Caching
from app.web.dependencies import Draw
from app.web.negotiation import preferred
from app.web.routes.rendering import drawn, picture_response, png_answer
from app.web.schemas.faces import (
    MAX_NAME,
    AvatarQuery,
    Latent,
    LatentQuery,
    LatentVectors,
    Pixels,
    SampleQuery,
    SamplesQuery,
    SizeQuery,
)

router = APIRouter(tags=["faces"])

_VARY = {"Vary": "Accept"}
_SAMPLE_TYPES = {"png": "image/png", "json": "application/json"}


@router.get(
    "/sample",
    response_class=Response,
    responses=picture_response("One face, 8-bit grey.", "image/png"),
    summary="Get one face",
)
async def sample(query: Annotated[SampleQuery, Query()], draw: Draw, caching: Caching) -> Response:
    """Return one face: a new one at each call, or that of `seed`.

    A browser loads one URL once for a whole page. For several new faces on one page, make their URLs differ:
    `<img src="/sample?random=1">`, `<img src="/sample?random=2">`. Parameters that are not listed here are ignored.
    """
    headers = caching(query.weights, query.seed is not None)
    seed = new_seed() if query.seed is None else query.seed
    faces = await draw(latents_of_seeds([seed]) * np.float32(query.truncation))
    return await png_answer(faces, query, {"X-Seed": str(seed), **headers})


@router.post(
    "/sample",
    response_class=Response,
    responses={
        200: {
            "description": "One face, or a sheet of several; with `Accept: application/json` the pixel values.",
            "model": Pixels,
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    summary="Draw the faces of latent vectors",
)
async def sample_latents(
    body: LatentVectors,
    query: Annotated[SizeQuery, Query()],
    request: Request,
    draw: Draw,
    caching: Caching,
) -> Response:
    """Return the faces of your own latent vectors. The latent vector of a seed gives exactly that seed's pixels."""
    caching(query.weights, False)  # for the check of the weights: a POST is not cached
    faces = await draw(np.asarray(body.latents, np.float32))
    if preferred(request, _SAMPLE_TYPES) == "json":
        return JSONResponse({"pixels": faces.tolist()}, headers=_VARY)
    return await png_answer(faces, query, _VARY)


@router.get(
    "/samples",
    response_class=Response,
    responses=picture_response("A sheet of faces, row by row.", "image/png"),
    summary="Get a sheet of faces",
)
async def samples(query: Annotated[SamplesQuery, Query()], draw: Draw, caching: Caching) -> Response:
    """Return a sheet of faces. Their seeds count up from the first one, which is in `X-Seed`.

    For several new sheets on one page, make their URLs differ: `/samples?random=1`, `/samples?random=2`.
    """
    headers = caching(query.weights, query.seed is not None)
    first = new_seed() if query.seed is None else query.seed
    seeds = [(first + i) % (MAX_SEED + 1) for i in range(query.count)]
    faces = await draw(latents_of_seeds(seeds) * np.float32(query.truncation))
    return await png_answer(faces, query, {"X-Seed": str(first), **headers}, query.columns)


@router.get(
    "/latent",
    response_model=Latent,
    responses=NOT_MODIFIED,
    response_description="The seed and its latent vector.",
    summary="Get the latent vector of a seed",
)
async def latent(query: Annotated[LatentQuery, Query()], caching: Caching) -> Response:
    """Return the latent vector of a seed: 16 numbers."""
    headers = caching(query.weights, True)
    numbers = latents_of_seeds([query.seed])[0].tolist()
    return JSONResponse({"seed": query.seed, "latent": numbers}, headers=headers)


class _TextConvertor(PathConvertor):
    """Matches the rest of a path, line breaks included."""

    regex = "(?s:.*)"


register_url_convertor("text", _TextConvertor())

#: Endings that choose the format of an avatar; upper case counts too.
_ENDINGS: dict[str, PictureFormat] = {**{name: name for name in get_args(PictureFormat)}, "jpeg": "jpg"}


def _without_ending(path: str) -> tuple[str, PictureFormat]:
    """Split what follows ``/avatar/`` into the name and the format; other dots are part of the name."""
    name, dot, ending = path.rpartition(".")
    file_format = _ENDINGS.get(ending.lower()) if dot else None
    return (name, file_format) if file_format else (path, "png")


def _short_enough(path: str) -> str:
    if len(_without_ending(path)[0]) > MAX_NAME:
        raise PydanticCustomError("string_too_long", f"String should have at most {MAX_NAME} characters")
    return path


@router.get(
    "/avatar/{name:text}",
    response_class=Response,
    responses=picture_response(
        "The face of that name, 8-bit grey.", *(MEDIA_TYPES[file_format] for file_format in get_args(PictureFormat))
    ),
    summary="Get the face of a name",
)
async def avatar(
    name: Annotated[
        str,
        Path(
            pattern="^[^\ufffd]*$",  # stands for bytes that are not UTF-8
            description="Any string of at most 256 characters, in UTF-8. An ending chooses the format and is not part "
            "of the name: `.png` (as without one), `.webp`, `.jpg`, `.jpeg`, `.gif`, `.svg`.",
            examples=["Ada Lovelace"],
        ),
        AfterValidator(_short_enough),
    ],
    query: Annotated[AvatarQuery, Query()],
    draw: Draw,
    caching: Caching,
) -> Response:
    """Return the face that belongs to a string: the same string, the same face.

    It can replace Gravatar: `/avatar/205e460b479e2e5b48aec07710c08d50?s=80&d=identicon`. Gravatar's `d`, `f` and `r`
    are ignored, because every name has a face here, the empty one too.
    """
    headers = caching(query.weights, True)
    name, file_format = _without_ending(name)
    seed = seed_of_name(name)
    [face] = await draw(latents_of_seeds([seed]) * np.float32(query.truncation))
    body = await drawn(lambda: imaging.picture(face, file_format, query.size, query.resample), query.size**2)
    return Response(body, media_type=MEDIA_TYPES[file_format], headers={"X-Seed": str(seed), **headers})
