"""What routes may ask for: services from ``app.state``, and the caching of repeatable answers.

All are coroutines, for FastAPI sends everything else to a thread and back, which takes longer than they do.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError

from app import __version__
from app.errors import ClientGoneError
from app.faces.engine import FaceEngine, Faces
from app.faces.generator import FaceGenerator
from app.faces.latents import Latents
from app.jobs.service import JobService


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


def immutable_headers(generator: FaceGenerator, path: str, query: str) -> dict[str, str]:
    """Return the caching headers of an answer that the URL and the weights decide: it may be kept for good."""
    made_of = f"{__version__} {generator.sha256} {generator.transform} {path}?{query}"
    etag = f'"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}"'
    return {"ETag": etag, "Cache-Control": "public, max-age=31536000, immutable"}


class ImmutableAnswer:
    """An answer that the URL and the weights decide: clients may keep it for good, and ask whether it changed."""

    def __init__(self, request: Request, generator: FaceGenerator) -> None:
        self.headers = immutable_headers(generator, request.url.path, request.url.query)
        known = request.headers.get("if-none-match", "")
        self.unchanged = known.strip() == "*" or self.headers["ETag"] in (
            tag.strip().removeprefix("W/") for tag in known.split(",")
        )

    def not_modified(self) -> Response:
        """Return the empty 304 answer."""
        return Response(status_code=304, headers=self.headers)


async def _immutable(request: Request, generator: Generator) -> ImmutableAnswer:
    return ImmutableAnswer(request, generator)


Immutable = Annotated[ImmutableAnswer, Depends(_immutable)]


#: Query parameters that take several values.
_LISTS = frozenset({"status"})


async def refuse_repeated_parameters(request: Request) -> None:
    """Refuse a query parameter that is given twice: one of the two values would be dropped without a word."""
    counts = Counter(name for name, _ in request.query_params.multi_items() if name not in _LISTS)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise RequestValidationError(
            [
                {"type": "repeated", "loc": ("query", name), "msg": "expected once, got several times"}
                for name in repeated
            ]
        )
