"""The pages."""

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from app import ROOT

STATIC = ROOT / "static"

_ASK_FIRST = {"Cache-Control": "no-cache"}

router = APIRouter(include_in_schema=False)


_HEADERS = {
    # The page brings all that it needs, and nothing else may run in it.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:",
    **_ASK_FIRST,
}


@router.get("/")
async def face_page() -> FileResponse:
    """Serve the page; its styles and scripts are under ``/static``."""
    return FileResponse(STATIC / "index.html", headers=_HEADERS)


@router.get("/lab")
async def lab_page() -> FileResponse:
    """Serve the page on which GANs are trained and watched."""
    return FileResponse(STATIC / "lab.html", headers=_HEADERS)


@router.get("/docs")
async def api_page() -> FileResponse:
    """Serve the page that describes the API, from ``/openapi.json``."""
    return FileResponse(STATIC / "docs.html", headers=_HEADERS)


class PageFiles(StaticFiles):
    """Styles and scripts. Browsers ask each time whether they changed: a page never mixes two versions."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve one file."""
        response = await super().get_response(path, scope)
        response.headers.update(_ASK_FIRST)
        return response
