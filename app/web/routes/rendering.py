"""What the picture routes share: faces to a PNG answer, and how such answers stand in OpenAPI."""

from collections.abc import Callable
from typing import Any

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from app.faces import imaging
from app.faces.imaging import Grey
from app.web.schemas import SizeQuery

#: For OpenAPI: what a repeatable answer may be instead.
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What the client has (`If-None-Match`) is still the same."}
}

#: Below this, encoding takes less time than the way to a thread and back.
_INLINE_PIXELS = 2**15
_CACHE_CONTROL = "`no-store` for a new face, `no-cache` for a repeatable one, and for good where the URL has `weights`."


async def drawn(draw: Callable[[], bytes], pixels: int) -> bytes:
    """Run an encoder, on a thread if the picture is large enough to hold up other requests."""
    return draw() if pixels <= _INLINE_PIXELS else await run_in_threadpool(draw)


async def png_answer(faces: Grey, query: SizeQuery, headers: dict[str, str], columns: int | None = None) -> Response:
    """Answer with one face, or with a sheet of several."""

    def draw() -> bytes:
        return imaging.sheet_png(faces, query.size, query.resample, columns)

    return Response(await drawn(draw, len(faces) * query.size**2), media_type="image/png", headers=headers)


def picture_response(description: str, *media_types: str, seeded: bool = True) -> dict[int | str, dict[str, Any]]:
    """Describe a picture answer for OpenAPI."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    headers: dict[str, Any] = {"X-Seed": _header("The (first) face's seed.")} if seeded else {}
    headers |= {"ETag": _header("For repeatable answers."), "Cache-Control": _header(_CACHE_CONTROL)}
    answers: dict[int | str, dict[str, Any]] = {
        200: {"description": description, "content": dict.fromkeys(media_types, binary), "headers": headers},
    }
    return answers | NOT_MODIFIED


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def prefers(accept: str, wanted: str, usual: str) -> bool:
    """Whether an Accept header likes the media type ``wanted`` better than the ``usual`` one."""
    quality = {wanted: 0.0, usual: 0.0}
    for part in accept.lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if media_type in quality:
            quality[media_type] = _quality(parameters)
    return quality[wanted] > quality[usual]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0
