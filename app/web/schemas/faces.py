"""Parameters and bodies of the face routes, with their limits."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from app.faces.imaging import Resample
from app.faces.latents import LATENT_DIM, MAX_SEED, Path

FACE_SIZE = 16
MAX_SIZE = 1024
#: Size of avatars, as at Gravatar.
MAX_AVATAR = 2048
MAX_COUNT = 1024
MAX_STEPS = 1024
MAX_FPS = 50
MAX_NAME = 256
#: Pixels of one answer, over all frames or faces: a few seconds of one core.
MAX_PIXELS = 2**25
#: Largest latent number; a standard normal number exceeds 6 once in a thousand million draws.
MAX_LATENT = 100.0

Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]
Weights = Annotated[
    str | None,
    Field(
        examples=["0123456789ab"],
        description="The first 12 digits, or more, of the `sha256` of the weights in `/info`. A seed's answer may then "
        "be cached forever. Weights that are not served are a 404.",
    ),
]
#: The number at the beginning of a text.
_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|inf)", re.IGNORECASE | re.ASCII)
_Latent = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-MAX_LATENT, le=MAX_LATENT)]


class SizeQuery(BaseModel):
    """How large each face is drawn."""

    size: int = Field(
        FACE_SIZE, ge=FACE_SIZE, le=MAX_SIZE, examples=[256], description="Width and height of each face, in pixels."
    )
    resample: Resample = Field("nearest", description="How a face is enlarged; `nearest` keeps the pixels crisp.")
    weights: Weights = None

    def check_pixels(self, faces: int) -> None:
        """Refuse pictures with more than ``MAX_PIXELS``.

        Raises:
            ValueError: the message has the arithmetic.
        """
        pixels = faces * self.size**2
        if pixels > MAX_PIXELS:
            raise ValueError(
                f"expected at most {MAX_PIXELS:,} pixels, got {faces} faces of {self.size}×{self.size} = {pixels:,}; "
                "take fewer faces or a smaller size"
            )


class FaceQuery(SizeQuery):
    """How a face is made from its latent vector."""

    truncation: float = Field(
        1.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        examples=[0.7],
        description="Scales the latent vector: 1 gives full variety, 0 always the face at the centre.",
    )


class SampleQuery(FaceQuery):
    """One face."""

    seed: Seed | None = Field(
        None, examples=[42], description="Makes the face repeatable; without it, each call gives a new one."
    )


class AvatarQuery(FaceQuery):
    """A face by its name, with Gravatar's parameters."""

    size: int = Field(
        FACE_SIZE,
        ge=1,
        le=MAX_AVATAR,
        examples=[256],
        description="Width and height, in pixels. Numbers outside of the range are clipped; anything else is ignored.",
    )
    s: int | None = Field(None, ge=1, le=MAX_AVATAR, examples=[80], description="Gravatar's short name of `size`.")

    @field_validator("size", "s", mode="before")
    @classmethod
    def _into_range(cls, given: Any, info: ValidationInfo) -> Any:
        """Accept any text, because a refusal shows as a broken image: ``80px`` is 80, and no number is the default."""
        number = _NUMBER.match(str(given))
        if number is None:
            return None if info.field_name is None else cls.model_fields[info.field_name].default
        return round(min(max(float(number[0]), 1), MAX_AVATAR))

    @model_validator(mode="after")
    def _take_s(self) -> Self:
        if self.s is not None and "size" not in self.model_fields_set:
            self.size = self.s
        return self


class SamplesQuery(FaceQuery):
    """A sheet of faces."""

    count: int = Field(64, ge=1, le=MAX_COUNT, examples=[96], description="Number of faces.")
    columns: int | None = Field(
        None, ge=1, le=MAX_COUNT, examples=[16], description="Faces in a row; by default the sheet is nearly square."
    )
    seed: Seed | None = Field(
        None,
        examples=[0],
        description="Seed of the first face; the others count up from it. Without it, the first seed is random.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.check_pixels(self.count)
        return self


class InterpolateQuery(FaceQuery):
    """A walk between two faces."""

    start: Seed = Field(alias="from", examples=[1], description="Seed of the first face.")
    end: Seed = Field(alias="to", examples=[2], description="Seed of the last face.")
    steps: int = Field(20, ge=2, le=MAX_STEPS, description="Faces on the way, both ends included.")
    path: Path = Field("linear", description="`linear` is the straight line; `spherical` keeps the usual length.")
    format: Literal["png", "gif", "webp", "apng"] = Field(
        "png", description="`png` is a strip, left to right; the others are animations."
    )
    fps: int = Field(
        10,
        ge=1,
        le=MAX_FPS,
        description="Frames per second of an animation; GIF rounds the duration of a frame to hundredths of a second.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.check_pixels(self.steps)
        return self


class LatentQuery(BaseModel):
    """The seed of a latent vector."""

    seed: Seed = Field(examples=[42], description="The seed of a face.")
    weights: Weights = None


class LatentVectors(BaseModel):
    """The caller's own latent vectors."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"latents": [[0.0] * LATENT_DIM, [0.5] * LATENT_DIM]}]}
    )

    latents: list[Annotated[list[_Latent], Field(min_length=LATENT_DIM, max_length=LATENT_DIM)]] = Field(
        min_length=1,
        max_length=MAX_COUNT,
        description=f"1 … {MAX_COUNT} vectors of {LATENT_DIM} numbers each, −{MAX_LATENT:g} … {MAX_LATENT:g}; "
        "the generator was trained on standard normal ones.",
    )


class Latent(BaseModel):
    """The latent vector behind a seed."""

    seed: int
    latent: list[float] = Field(description="16 standard normal numbers; POST /sample takes them back.")


class Pixels(BaseModel):
    """Faces as numbers."""

    pixels: list[list[list[int]]] = Field(description="Faces × rows × columns of grey levels 0 (black) … 255 (white).")
