"""What the picture routes share: PNG answers, and their description in OpenAPI."""

from collections.abc import Callable
from typing import Any

from fastapi import Response

from app.faces import imaging
from app.faces.imaging import Grey
from app.pools import Pool
from app.web.caching import NOT_MODIFIED
from app.web.schemas.faces import SizeQuery

#: Up to this size, encoding takes less time than a change of threads.
_INLINE_PIXELS = 2**15
#: Each picture takes up to 100 MiB while it is drawn.
_pictures = Pool("drawing pictures", threads=2, waiting=32)
_CACHE_CONTROL = "`no-store` for a new face, `no-cache` for a repeatable one, immutable if the URL has `weights`."


async def drawn(draw: Callable[[], bytes], pixels: int) -> bytes:
    """Run an encoder; on a thread if the picture is so large that other requests would wait."""
    return draw() if pixels <= _INLINE_PIXELS else await _pictures.run(draw)


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
