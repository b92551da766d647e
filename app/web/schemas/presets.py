"""Trainings that are known to work, as clients see them."""

from typing import Any

from pydantic import BaseModel, Field

from models.presets import PresetName


class PresetView(BaseModel):
    """A training that is known to work."""

    name: PresetName
    title: str
    watch: str = Field(description="What to look for while it trains.")
    job: dict[str, Any] = Field(
        description="The body of `POST /jobs` that starts it.",
        examples=[{"model": "wgan_gp", "data": {"name": "ring8", "size": 100_000}, "gen_shape": [2, 128, 128, 2]}],
    )


class PresetList(BaseModel):
    """The presets, in the order in which they are offered."""

    presets: list[PresetView]
