"""What routes may ask for: the services in ``app.state``.

All are coroutines: FastAPI runs any other dependency on a thread, which takes longer than the dependency itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request

from app.faces.engine import FaceEngine, Faces
from app.faces.generator import FaceGenerator
from app.faces.latents import Latents
from app.jobs.service.database import JobDatabase
from app.web.errors import ClientGoneError

T = TypeVar("T")


def _state(name: str) -> Any:
    async def service(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(service)


Engine = Annotated[FaceEngine, _state("engine")]
Generator = Annotated[FaceGenerator, _state("generator")]
Jobs = Annotated[JobDatabase, _state("jobs")]


async def while_connected(request: Request, work: Awaitable[T]) -> T:
    """Return what a task returns; cancel it when the client of this request disconnects.

    Raises:
        ClientGoneError: it has disconnected.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientGoneError
        return await task
    finally:
        task.cancel()
        gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _draw(request: Request, engine: Engine) -> Callable[[Latents], Awaitable[Faces]]:
    """Return the engine's ``faces``, cancelled when the client of this request disconnects."""

    async def draw(latents: Latents) -> Faces:
        return await while_connected(request, engine.faces(latents))

    return draw


#: Turns latents into faces, for as long as the client is connected.
Draw = Annotated[Callable[[Latents], Awaitable[Faces]], Depends(_draw)]
