"""Trainings that are known to work."""

from fastapi import APIRouter

from app.web.schemas.presets import PresetList, PresetView
from models.presets import PRESETS

router = APIRouter(tags=["jobs"])


@router.get("/presets", summary="List the presets")
async def presets() -> PresetList:
    """List trainings that are known to work; `"preset": "ring8"` in the body of `POST /jobs` starts one."""
    return PresetList(
        presets=[
            PresetView(name=name, title=preset.title, watch=preset.watch, job=preset.job())
            for name, preset in PRESETS.items()
        ]
    )
