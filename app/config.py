"""Every setting of the service, read from the environment with the prefix ``NOBODY_``."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app import ROOT


class Settings(BaseSettings):
    """Settings of ``nobody serve``; each field is the environment variable ``NOBODY_<FIELD>``."""

    model_config = SettingsConfigDict(env_prefix="NOBODY_", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port to listen on; 0 takes a free one.")
    weights: Path = Field(
        ROOT / "weights", description="Folder with the generator.h5 to serve (Keras 2 or Keras 3 layout)."
    )
    pixels: Literal["auto", "raw", "symmetric"] = Field(
        "auto",
        description="What the generator's output means: raw is grey levels 0…1, symmetric is -1…1. "
        "auto asks the weights file and takes raw where the file does not say.",
    )
    data: Path = Field(Path("data"), description="Folder for everything that nobody keeps.")


def load_settings() -> Settings:
    """Read the settings, or exit with one line that says which one is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [
            f"NOBODY_{item['loc'][0]}".upper() + f": {item['msg']}, got {item['input']!r}" for item in error.errors()
        ]
        raise SystemExit(f"nobody: cannot start: {'; '.join(problems)}") from None
