"""Health, readiness, and what the service is made of."""

import contextlib
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import APIRouter, HTTPException

from app import __version__
from app.faces.latents import LATENT_DIM, MAX_SEED
from app.shutdown import draining
from app.web.dependencies import FacesServed, JobSettings
from app.web.errors import problem_response
from app.web.model_served import ModelServed
from app.web.schemas import faces as limits
from app.web.schemas.service import Health, Info

router = APIRouter(tags=["service"])


@router.get("/healthz", response_description="The process is alive.", summary="Say whether the process is alive")
async def healthz() -> Health:
    """Answer if the process is alive."""
    return Health()


@router.get(
    "/readyz",
    response_description="The service can draw faces.",
    responses=problem_response(503, "Still warming up, or about to end."),
    summary="Say whether faces can be served",
)
async def readyz(faces: FacesServed) -> Health:
    """Answer if the weights are loaded, the first face was drawn, and the service was not told to end."""
    if draining.is_set():
        raise HTTPException(503, "the service is ending; ask another one", headers={"Retry-After": "5"})
    if not faces.engine.ready:
        raise HTTPException(503, "the generator is warming up; ask again in a second", headers={"Retry-After": "1"})
    return Health()


@router.get(
    "/info", response_model=Info, response_description="What the service is made of.", summary="Say what is served"
)
async def info(model: ModelServed, settings: JobSettings) -> Any:
    """Describe the weights, the versions and the limits of this service."""
    generator = model.generator
    return {
        "weights": {
            "id": generator.id,
            "sha256": generator.sha256,
            "architecture": "convolutional_GenDiscr",
            "parameters": generator.parameters,
            "latent_dim": LATENT_DIM,
            "pixel_transform": generator.transform.to_dict() | {"source": generator.transform_source},
            "training": generator.training,
            "quality": generator.quality,
        },
        "versions": {"nobody": __version__, "python": platform.python_version(), **_packages()},
        "limits": {
            "seed": MAX_SEED,
            "size": limits.MAX_SIZE,
            "count": limits.MAX_COUNT,
            "latents": limits.MAX_COUNT,
            "latent": limits.MAX_LATENT,
            "steps": limits.MAX_STEPS,
            "fps": limits.MAX_FPS,
            "name": limits.MAX_NAME,
            "pixels": limits.MAX_PIXELS,
        },
        "jobs": settings.job_limits(),
    }


def _packages() -> dict[str, str]:
    """Return the versions of the packages that matter, as far as they are installed.

    TensorFlow has two names: its build for the CPU alone, as the image ``full`` has it, is a package of its own.
    """
    found = {}
    for package in ("tensorflow-cpu", "tensorflow", "keras", "numpy", "pillow"):
        with contextlib.suppress(PackageNotFoundError):
            found[package.removesuffix("-cpu")] = version(package)
    return found
