"""Wiring: settings in, a FastAPI application out.

``uvicorn app.main:app`` serves it with the settings of the environment, but without the worker that trains the jobs and
without the connection limits, which ``nobody serve`` adds.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import Depends, FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from app import __version__
from app.config import Settings, load_settings
from app.faces.generator import FaceGenerator
from app.faces.service import FaceService
from app.jobs.service.access import Access
from app.jobs.service.database import JobDatabase
from app.jobs.service.event_feeds import EventFeeds
from app.jobs.service.figures import JobFigures
from app.part import share
from app.web.errors import ERROR_HANDLERS, problem_response
from app.web.middleware import HeadIsGet, LimitBody, OnlyProblems
from app.web.observing import Observed
from app.web.origins import OwnOrigins
from app.web.parameters import check_parameters
from app.web.plain_faces import PlainFaceShortcut
from app.web.protection import SafeHeaders
from app.web.public import PublicPictures
from app.web.rates import LimitFaces, Rate
from app.web.reloading import Reloader, listening
from app.web.routes import faces, interpolations, job_events, job_results, jobs, metrics, pages, presets, session
from app.web.routes import service as health
from app.web.traffic import Traffic
from models.files.weights import WeightsError

#: For short work such as a query of the database, in all processes of the service.
_THREADS = 40

_DESCRIPTION = """
Faces of people who do not exist, 16×16 grey pixels at a time, made by a WGAN-GP generator.

Every error has an `application/problem+json` body; its `detail` says what was expected.

Where strangers may reach the service, calls about jobs need a key (401), and show the jobs of that key only. A key has
quotas (429). Strangers have rates of faces and of calls about jobs (429, `Retry-After`).

A request to an unknown host name is a 421. A request from a page of another origin that would change something, such as
a new job, is a 403.
"""


def create_app(settings: Settings) -> FastAPI:
    """Build the application. The weights are loaded here, so that broken ones prevent the start.

    Raises:
        WeightsError: the weights are missing or broken.
    """
    face_service = FaceService(lambda: FaceGenerator(settings.weights, settings.pixels))
    reloader = Reloader(face_service, settings.data)
    traffic = Traffic()
    rate_of_faces = Rate("faces", settings.faces_per_minute)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = share(_THREADS)
        face_service.start()
        gc.freeze()  # these objects are permanent: the garbage collector need not scan them again
        async with listening(reloader):
            yield
        await face_service.stop()

    app = FastAPI(
        title="nobody",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        responses=problem_response("4XX", "The request was refused; `detail` says what was expected."),
        exception_handlers=ERROR_HANDLERS,
        dependencies=[Depends(check_parameters)],
        redirect_slashes=False,
        docs_url=None,  # app.web.routes.pages serves it without a CDN
        redoc_url=None,
        # Sends traces to where the standard variables of OpenTelemetry say, if they do: one span a request.
        telemetry={"auto_configure": True, "operation_spans": False, "metrics": False, "logs": False},
    )
    app.add_middleware(LimitBody, max_upload=settings.max_upload * 2**20)
    app.add_middleware(OnlyProblems)
    app.add_middleware(PublicPictures)
    app.add_middleware(Observed, traffic=traffic)
    app.add_middleware(HeadIsGet)
    app.add_middleware(SafeHeaders)
    app.add_middleware(PlainFaceShortcut, faces=face_service, traffic=traffic)
    app.add_middleware(LimitFaces, rate=rate_of_faces, traffic=traffic)
    app.add_middleware(OwnOrigins, settings=settings, traffic=traffic)  # added last, it is called first
    app.state.faces = face_service
    app.state.reloader = reloader
    app.state.traffic = traffic
    app.state.rate_of_faces = rate_of_faces
    app.state.rate_of_jobs = Rate("job-calls", settings.job_calls_per_minute)
    app.state.jobs = JobDatabase(settings)
    app.state.access = Access(settings, app.state.jobs)
    app.state.feeds = EventFeeds(app.state.jobs)
    app.state.figures = JobFigures(app.state.jobs)
    for module in (faces, interpolations, jobs, job_events, job_results, presets, session, health, metrics, pages):
        app.include_router(module.router)
    app.mount("/static/swagger", GZipMiddleware(pages.PageFiles(packages=[("fastapi_offline", "static")])))
    app.mount("/static", GZipMiddleware(pages.PageFiles(directory=pages.STATIC)))
    return app


def __getattr__(name: str) -> Any:
    """Build ``app`` from the environment's settings at its first use: the import of this module loads nothing.

    Exits with one line if the service cannot start.
    """
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        app = globals()["app"] = create_app(load_settings())
    except WeightsError as error:
        raise SystemExit(f"nobody: cannot start: {error}") from None
    return app
