"""What routes may ask for: services from ``app.state``, and the caching of repeatable answers.

All are coroutines, for FastAPI sends everything else to a thread and back, which takes longer than they do.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.exceptions import HTTPException

from app import __version__
from app.faces.engine import FaceEngine, Faces
from app.faces.generator import FaceGenerator
from app.faces.latents import Latents
from app.jobs.service.service import JobService
from app.web.errors import ClientGoneError


async def _engine(request: Request) -> FaceEngine:
    engine: FaceEngine = request.app.state.engine
    return engine


async def _generator(request: Request) -> FaceGenerator:
    generator: FaceGenerator = request.app.state.generator
    return generator


async def _jobs(request: Request) -> JobService:
    jobs: JobService = request.app.state.jobs
    return jobs


Engine = Annotated[FaceEngine, Depends(_engine)]
Generator = Annotated[FaceGenerator, Depends(_generator)]
Jobs = Annotated[JobService, Depends(_jobs)]


async def _drawing(request: Request, engine: Engine) -> Callable[[Latents], Awaitable[Faces]]:
    """Return the engine's ``faces``, which for this request ends when its client leaves."""

    async def draw(latents: Latents) -> Faces:
        faces = asyncio.create_task(engine.faces(latents))
        gone = asyncio.create_task(_disconnected(request))
        try:
            await asyncio.wait({faces, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not faces.done():
                raise ClientGoneError
            return await faces
        finally:
            faces.cancel()
            gone.cancel()

    return draw


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


#: Latents to faces, while the client is there.
Draw = Annotated[Callable[[Latents], Awaitable[Faces]], Depends(_drawing)]


def caching_headers(generator: FaceGenerator, path: str, query: str, *, named: bool) -> dict[str, str]:
    """Return the caching headers of an answer that the URL and the weights decide.

    Args:
        generator: what is served.
        path: of the URL.
        query: of the URL.
        named: the URL names the weights, so that nothing can change the answer; else caches ask each time.
    """
    made_of = f"{__version__} {generator.sha256} {generator.transform} {path}?{query}"
    etag = f'"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"'
    for_good = named and generator.named_wholly
    return {"ETag": etag, "Cache-Control": "public, max-age=31536000, immutable" if for_good else "no-cache"}


def is_known(etag: str, if_none_match: str) -> bool:
    """Whether a client that sends this ``If-None-Match`` has the answer with this ETag."""
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or "*" in known


class RepeatableAnswer:
    """An answer that the URL and the weights decide: clients may keep it, and ask whether it changed."""

    def __init__(self, request: Request, generator: FaceGenerator, named: bool) -> None:
        self.headers = caching_headers(generator, request.url.path, request.url.query, named=named)
        self.unchanged = is_known(self.headers["ETag"], request.headers.get("if-none-match", ""))

    def not_modified(self) -> Response:
        """Return the empty 304 answer."""
        return Response(status_code=304, headers=self.headers)


async def _repeating(request: Request) -> Callable[[str | None], RepeatableAnswer]:
    """Return how an answer is made repeatable: by the weights that its URL names, which must be the served ones."""
    generator: FaceGenerator = request.app.state.generator

    def repeatable(weights: str | None) -> RepeatableAnswer:
        if weights is not None and not generator.has_id(weights):
            given = weights if len(weights) <= 64 else weights[:61] + "..."
            raise HTTPException(
                404,
                f"expected weights={generator.id}, of the weights served here, got {given!r}; "
                "without weights= the URL shows whatever is served",
                headers={"Cache-Control": "no-store"},  # they may be served soon
            )
        return RepeatableAnswer(request, generator, named=weights is not None)

    return repeatable


#: The ``weights`` of a URL to the caching of its answer; weights that are not served are a 404.
Repeatable = Annotated[Callable[[str | None], RepeatableAnswer], Depends(_repeating)]
