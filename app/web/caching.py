"""Caching of answers that depend on the URL and the weights only: ETag, Cache-Control, 304."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request, Response

from app import __version__
from app.faces.generator import FaceGenerator

#: Of answers that are different each time.
NO_STORE = {"Cache-Control": "no-store"}

#: For OpenAPI: the other answer of a repeatable GET.
NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What the client has (`If-None-Match`) is still the same."}
}


def caching_headers(generator: FaceGenerator, path: str, query: str, *, named: bool) -> dict[str, str]:
    """Return the caching headers of a repeatable answer.

    Args:
        generator: the served weights.
        path: of the URL.
        query: of the URL.
        named: the URL names the weights, so that the answer can never change; else caches must ask each time.
    """
    depends_on = f"{__version__} {generator.sha256} {generator.transform} {path}?{query}"
    etag = f'"{hashlib.sha256(depends_on.encode()).hexdigest()[:32]}"'
    immutable = named and generator.named_wholly
    return {"ETag": etag, "Cache-Control": "public, max-age=31536000, immutable" if immutable else "no-cache"}


def is_known(etag: str, if_none_match: str) -> bool:
    """Return whether a client that sends this ``If-None-Match`` has the answer with this ETag."""
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or "*" in known


class RepeatableAnswer:
    """The caching of one answer that depends on the URL and the weights only."""

    def __init__(self, request: Request, generator: FaceGenerator, named: bool) -> None:
        self.headers = caching_headers(generator, request.url.path, request.url.query, named=named)
        self.unchanged = is_known(self.headers["ETag"], request.headers.get("if-none-match", ""))

    def not_modified(self) -> Response:
        """Return the empty 304 answer."""
        return Response(status_code=304, headers=self.headers)


async def _repeatable(request: Request) -> Callable[[str | None], RepeatableAnswer]:
    generator: FaceGenerator = request.app.state.generator

    def repeatable(weights: str | None) -> RepeatableAnswer:
        if weights is not None and not generator.has_id(weights):
            given = weights if len(weights) <= 64 else weights[:61] + "..."
            raise HTTPException(
                404,
                f"expected weights={generator.id}, of the weights served here, got {given!r}; "
                "without weights= the URL shows whatever is served",
                headers=NO_STORE,  # they may be served soon
            )
        return RepeatableAnswer(request, generator, named=weights is not None)

    return repeatable


#: Takes the ``weights`` of a URL and returns the caching of its answer; weights that are not served are a 404.
Repeatable = Annotated[Callable[[str | None], RepeatableAnswer], Depends(_repeatable)]
