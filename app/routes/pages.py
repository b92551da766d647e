"""The face page."""

from fastapi import APIRouter
from fastapi.responses import FileResponse

from app import ROOT

STATIC = ROOT / "static"

router = APIRouter(include_in_schema=False)


@router.get("/")
async def face_page() -> FileResponse:
    """Serve the page; its styles and scripts are under ``/static``."""
    return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})
