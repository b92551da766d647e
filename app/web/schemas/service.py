"""What the service says about itself."""

from typing import Any, Literal

from pydantic import BaseModel, Field


class WeightsInfo(BaseModel):
    """The weights that are served."""

    id: str = Field(description="The first 12 digits of `sha256`, for `?weights=`.")
    sha256: str = Field(description="SHA-256 of the weights file.")
    architecture: str
    parameters: int
    latent_dim: int
    pixel_transform: dict[str, Any] = Field(description="grey = output · scale + offset, and where this is stated.")
    training: dict[str, Any] | None = Field(description="Settings of the training, if the file has them.")
    quality: dict[str, Any] | None = Field(description="Quality, if it was measured for these weights.")


class Info(BaseModel):
    """What this service is made of."""

    weights: WeightsInfo
    versions: dict[str, str]
    limits: dict[str, int | float]
    jobs: dict[str, int | float] = Field(description="The limits of training jobs; the README explains each.")


class Health(BaseModel):
    """The service answers."""

    status: Literal["ok"] = "ok"
