"""What routes may ask for: the services in ``app.state``.

All are coroutines: FastAPI runs any other dependency on a thread, which takes longer than the dependency itself.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from app.config import Settings
from app.faces.engine import Faces
from app.faces.latents import Latents
from app.faces.service import FaceService
from app.jobs.callers import Caller
from app.jobs.errors import NeedsKeyError, UnknownKeyError
from app.jobs.service.access import Access
from app.jobs.service.database import JobDatabase
from app.jobs.service.event_feeds import EventFeeds
from app.jobs.service.figures import JobFigures
from app.web.errors import ClientGoneError
from app.web.model_served import ModelServed
from app.web.rates import Rate, stranger
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
Feeds = Annotated[EventFeeds, _state("feeds")]
JobAccess = Annotated[Access, _state("access")]
_RateOfFaces = Annotated[Rate, _state("rate_of_faces")]
_RateOfJobs = Annotated[Rate, _state("rate_of_jobs")]

#: The cookie of a browser whose user has given a key to the lab: pictures, downloads and event streams send no header.
KEY_COOKIE = "nobody_key"

_bearer = HTTPBearer(auto_error=False, description="A key; not needed where only the service's own machine reaches it.")
_cookie = APIKeyCookie(name=KEY_COOKIE, auto_error=False, description="As `POST /session` sets it.")


async def _ask_owner(
    request: Request, access: JobAccess, rate: _RateOfJobs
) -> Callable[[str | None], Awaitable[Caller]]:
    """Return what tells whose a key is, and counts the call: to the key, or to the address if it is none.

    Raises:
        NeedsKeyError: there is no key.
        UnknownKeyError: nobody has it.
        RateError: the caller asks too often.
    """
    address = stranger(request.scope)

    async def owner(key: str | None) -> Caller:
        rate.count(address, counts=False)  # before the database is asked: many wrong keys cost little
        try:
            if key is None:
                raise NeedsKeyError
            jobs: JobDatabase = request.app.state.jobs
            caller = await jobs.calls.run(access.owner, key)
        except (NeedsKeyError, UnknownKeyError):
            rate.count(address)
            raise
        if caller.quota is not None:  # an administrator has none
            rate.count(f"key {caller.key_name}")
        return caller

    return owner


#: Tells whose a key is.
Owner = Annotated[Callable[[str | None], Awaitable[Caller]], Depends(_ask_owner)]


async def _jobs(
    request: Request,
    access: JobAccess,
    owner: Owner,
    header: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> JobDatabase:
    """Return the jobs as the caller of this request sees them.

    Raises:
        NeedsKeyError: the request has no key, and needs one.
        UnknownKeyError: nobody has its key.
        RateError: the caller asks too often.
    """
    jobs: JobDatabase = request.app.state.jobs
    if not access.needs_key(is_stranger=stranger(request.scope) is not None):
        return jobs
    return jobs.seen_by(await owner(header.credentials if header is not None else cookie))


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


async def _draw(
    request: Request, service: FacesServed, model: ModelServed, rate: _RateOfFaces
) -> Callable[[Latents], Awaitable[Faces]]:
    """Return the engine's ``faces``, cancelled when the client of this request disconnects.

    Raises:
        RateError: the client has used all faces that it may ask for.
    """

    async def draw(latents: Latents) -> Faces:
        # LimitFaces has counted one; more than a minute's count as a minute's, as they would never be allowed.
        rate.count(stranger(request.scope), min(len(latents), rate.a_minute) - 1)
        return await while_connected(request, service.engine.faces(model.generator, latents))

    return draw


#: Turns latents into faces, for as long as the client is connected.
Draw = Annotated[Callable[[Latents], Awaitable[Faces]], Depends(_draw)]
