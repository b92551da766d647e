"""What routes may ask for: the services in ``app.state``.

All are coroutines: FastAPI runs any other dependency on a thread, which takes longer than the dependency itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from app.config import Settings
from app.faces.engine import Faces
from app.faces.latents import Latents
from app.faces.service import FaceService
from app.jobs.errors import NeedsKeyError
from app.jobs.service.access import Access
from app.jobs.service.database import JobDatabase
from app.jobs.service.figures import JobFigures
from app.web.errors import ClientGoneError
from app.web.model_served import ModelServed
from app.web.reloading import Reloader
from app.web.traffic import Traffic

T = TypeVar("T")


def _state(name: str) -> Any:
    async def service(request: Request) -> Any:
        return getattr(request.app.state, name)

    return Depends(service)


FacesServed = Annotated[FaceService, _state("faces")]
Reloads = Annotated[Reloader, _state("reloader")]
TrafficSeen = Annotated[Traffic, _state("traffic")]
Figures = Annotated[JobFigures, _state("figures")]
JobAccess = Annotated[Access, _state("access")]

#: The cookie of a browser whose user has given a key to the lab: pictures, downloads and event streams send no header.
KEY_COOKIE = "nobody_key"

_bearer = HTTPBearer(auto_error=False, description="A key; not needed where only the service's own machine reaches it.")
_cookie = APIKeyCookie(name=KEY_COOKIE, auto_error=False, description="As `POST /session` sets it.")


async def _jobs(
    request: Request,
    access: JobAccess,
    header: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> JobDatabase:
    """Return the jobs as the caller of this request sees them.

    Raises:
        NeedsKeyError: the request has no key, and needs one.
        UnknownKeyError: nobody has its key.
    """
    jobs: JobDatabase = request.app.state.jobs
    if access.is_free(request.client.host if request.client is not None else ""):
        return jobs
    key = header.credentials if header is not None else cookie
    if key is None:
        raise NeedsKeyError
    return jobs.seen_by(await run_in_threadpool(access.owner, key))


#: The jobs of the caller. Whatever asks for it needs a key, so every route about jobs does.
Jobs = Annotated[JobDatabase, Depends(_jobs)]


async def _settings(request: Request) -> Settings:
    jobs: JobDatabase = request.app.state.jobs
    return jobs.settings


JobSettings = Annotated[Settings, Depends(_settings)]


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


async def _draw(request: Request, service: FacesServed, model: ModelServed) -> Callable[[Latents], Awaitable[Faces]]:
    """Return the engine's ``faces``, cancelled when the client of this request disconnects."""

    async def draw(latents: Latents) -> Faces:
        return await while_connected(request, service.engine.faces(model.generator, latents))

    return draw


#: Turns latents into faces, for as long as the client is connected.
Draw = Annotated[Callable[[Latents], Awaitable[Faces]], Depends(_draw)]
