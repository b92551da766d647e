"""Caching of answers that depend on the URL and the weights only: ETag, Cache-Control, 304."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request

from app import __version__
from app.faces.generator import FaceGenerator
from app.web.model_served import ModelServed

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


class NotModifiedError(Exception):
    """The client has the answer already; the argument is the headers of the 304."""


async def _caching(request: Request, model: ModelServed) -> Callable[[str | None, bool], dict[str, str]]:
    generator = model.generator

    def caching(weights: str | None, repeatable: bool) -> dict[str, str]:
        if weights is not None and not generator.has_id(weights):
            given = weights if len(weights) <= 64 else weights[:61] + "..."
            raise HTTPException(
                404,
                f"expected weights={generator.id}, of the weights served here, got {given!r}; "
                "without weights= the URL shows whatever is served",
                headers=NO_STORE,  # they may be served soon
            )
        if not repeatable:
            return NO_STORE
        url = request.url
        headers = caching_headers(generator, url.path, url.query, named=weights is not None)
        if is_known(headers["ETag"], request.headers.get("if-none-match", "")):
            raise NotModifiedError(headers)
        return headers

    return caching


#: Takes the ``weights`` of a URL, and whether the answer is repeatable; returns the caching headers. Weights that are
#: not served end the request with a 404, and an answer that the client has with a 304.
Caching = Annotated[Callable[[str | None, bool], dict[str, str]], Depends(_caching)]
